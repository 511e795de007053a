/* deliver.c: From envelope and body to mailboxes and queue in one commit, once for each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

/* A session of one step: delivers, keeps what came of it, and says that it has. */
struct sender {
	struct task task; /* first */
	struct post_mail *mail;
	enum rc rc;
	struct fault why;
	_Atomic bool done;
};

static enum step deliver(struct task *t)
{
	struct sender *s = (struct sender *)(void *)t;
	s->rc = post_deliver(s->mail, t, &s->why);
	return s->rc == RC_WAIT ? STEP_COMMIT : STEP_CLOSE;
}

static void drop(struct task *t)
{
	((struct sender *)(void *)t)->done = true;
}

static const struct step_row steps[] = { { deliver, "deliver" } };
static const struct task_kind kind = { "sender", steps, 1, drop };

static enum rc send_it(struct world *w, struct post_mail *m, struct fault *why)
{
	struct sender s = { .mail = m };
	task_init(&s.task, w->run, &kind, deliver);
	task_start(&s.task);
	for (int i = 0; i < 2000 && !s.done; i++)
		usleep(5000);
	assert_true(s.done);
	*why = s.why;
	return s.rc;
}

static const struct post_source smtp = {
	.door = S("smtp"), .with = S("ESMTP"), .peer = S("192.0.2.1"), .helo = S("client.test")
};
static const struct post_envelope from_joe = { .sender = S("joe@else.test") };

struct message {
	const struct post_source *src;
	const struct post_envelope *env;
	const char *const *to;
	struct slice text;
};

/* The whole journey; what went wrong first is in `why`. */
static enum rc post_it(struct world *w, const struct message *msg, struct fault *why)
{
	struct post_mail *m =
		post_begin(w->post, msg->src ? msg->src : &smtp, msg->env ? msg->env : &from_joe);
	enum rc rc = RC_OK;
	*why = (struct fault){ 0 };
	for (size_t i = 0; rc == RC_OK && msg->to[i]; i++)
		rc = post_rcpt_add(m, slice_str(msg->to[i]), S(""), 0, why);
	for (struct slice rest = msg->text; rc == RC_OK && rest.len;) {
		struct slice piece = slice_head(rest, 7);
		rest = slice_tail(rest, piece.len);
		rc = post_write(m, piece, why);
	}
	if (rc == RC_OK)
		rc = send_it(w, m, why);
	post_drop(&m);
	return rc;
}

#define TO(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

static bool has(struct slice text, const char *what)
{
	return slice_search(text, slice_str(what)) < text.len;
}

/* Whoever is named three times over gets it once. */
static void everyone_once(void **state)
{
	struct world w;
	struct fault why;
	(void)state;
	world_begin(&w, false);
	struct message msg = { .to = TO("ann@example.org", "al@example.org", "staff@example.org"),
		.text = S("Subject: all\r\n\r\nhello\r\n") };
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_int_equal(world_count(&w, w.ann), 1);
	assert_int_equal(world_count(&w, w.bob), 1);
	struct slice text = world_text(&w, w.ann, 1);
	assert_true(slice_starts(text, S("Return-Path: <joe@else.test>\r\n"
					 "Received: from client.test ([192.0.2.1])\r\n"
					 "\tby mx.example.org (Veredus) with ESMTP id t")));
	assert_true(slice_ends(text, S("\r\nSubject: all\r\n\r\nhello\r\n")));
	assert_false(has(text, "for <")); /* one copy must not tell of the others */
	world_end(&w);
}

static void trace_fields(void **state)
{
	static const struct {
		struct slice helo, peer, tls;
		const char *has, *has_not;
	} rows[] = {
		{ S("a.test"), S("192.0.2.1"), S(""), "from a.test ([192.0.2.1])", "TLS" },
		{ S("a.test"), S("2001:db8::1"), S(""), "([IPv6:2001:db8::1])", "TLS" },
		{ S("a.test"), S("::1"), S("TLSv1.3 X"), "\r\n\t(TLSv1.3 X)\r\n", "unknown" },
		{ S("a\r\nX-Evil: 1"), S("::1"), S(""), "from a??X-Evil:?1 (", "\nX-Evil" },
		{ S("a (b) ; c"), S("::1"), S(""), "from a??b????c (", "(b)" },
	};
	struct world w;
	struct fault why;
	(void)state;
	world_begin(&w, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct post_source src = smtp;
		src.helo = rows[i].helo;
		src.peer = rows[i].peer;
		src.tls = rows[i].tls;
		struct message msg = { .src = &src,
			.env = &(struct post_envelope){ .sender = S("") },
			.to = TO("ann@example.org"),
			.text = S("A: b\r\n\r\n") };
		assert_int_equal(post_it(&w, &msg, &why), RC_OK);
		struct slice text = world_text(&w, w.ann, (uint32_t)i + 1);
		assert_true(slice_starts(text, S("Return-Path: <>\r\n")));
		assert_true(has(text, "\r\n\tfor <ann@example.org>;\r\n\t"));
		assert_true(has(text, rows[i].has));
		assert_false(has(text, rows[i].has_not));
	}
	world_end(&w);
}

/* What makes a message come back, and that nothing of it is anywhere then. */
static void refusals(void **state)
{
	struct world w;
	struct fault why;
	(void)state;
	world_begin(&w, false);
	struct slice huge = slice_of(arena_try(&w.a, (1 << 20) + 2), (1 << 20) + 2);
	memset((void *)(uintptr_t)huge.at, 'x', huge.len);
	const struct {
		struct slice text;
		enum fault_id fault;
	} rows[] = {
		{ S("Subject: x\r\n\r\none\ntwo\r\n"), FAULT_BARE_NEWLINE },
		{ S("Subject: x\r\n\r\none\rtwo\r\n"), FAULT_BARE_NEWLINE },
		{ S("Received: a\r\nReceived: b\r\nRECEIVED: c\r\nReceived: d\r\n\r\nx\r\n"),
			FAULT_LOOP },
		{ huge, FAULT_MESSAGE_TOO_BIG },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message msg = { .to = TO("ann@example.org"), .text = rows[i].text };
		assert_int_equal(post_it(&w, &msg, &why), fault_row(rows[i].fault)->rc);
		assert_int_equal(why.id, rows[i].fault);
	}
	assert_int_equal(world_count(&w, w.ann), 0);
	struct post_envelope binary = { .sender = S("joe@else.test"), .body_binary = true };
	struct message msg = {
		.env = &binary, .to = TO("ann@example.org"), .text = S("A: b\r\n\r\none\ntwo\r")
	};
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_true(slice_ends(world_text(&w, w.ann, 1), S("\r\n\r\none\ntwo\r")));
	world_end(&w);
}

/* A body beyond what is kept in memory is the same at the end; one without a header stays a body. */
static void bodies(void **state)
{
	struct world w;
	struct fault why;
	struct buf b;
	(void)state;
	world_begin(&w, false);
	buf_init(&b, 0, &w.a);
	buf_str(&b, "Subject: large\r\n\r\n");
	for (int i = 0; b.len < 900000; i++)
		buf_fmt(&b, "line %d of many\r\n", i);
	struct message msg = { .to = TO("ann@example.org"), .text = buf_slice(&b) };
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_true(slice_ends(world_text(&w, w.ann, 1), buf_slice(&b)));
	msg.text = S("hello, this is no field\r\n");
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_true(slice_ends(world_text(&w, w.ann, 2), S("\r\n\r\nhello, this is no field\r\n")));
	msg.text = S("");
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_true(slice_starts(world_text(&w, w.ann, 3), S("Return-Path: <")));
	world_end(&w);
}

/* Over the quota: one reply for all takes one message more, and says so at the next RCPT; LMTP says it to each. */
static void quotas(void **state)
{
	struct world w;
	struct fault why;
	struct post_source lmtp = smtp;
	struct buf b;
	(void)state;
	lmtp.reply_each = true;
	world_begin(&w, false);
	buf_init(&b, 0, &w.a);
	buf_str(&b, "Subject: much\r\n\r\n");
	while (b.len < 3000)
		buf_str(&b, "0123456789\r\n");
	struct post_mail *m = post_begin(w.post, &lmtp, &from_joe);
	const struct post_rcpt *all;
	assert_int_equal(post_rcpt_add(m, S("bob@example.org"), S(""), 0, &why), RC_OK);
	assert_int_equal(post_rcpt_add(m, S("ann@example.org"), S(""), 0, &why), RC_OK);
	assert_int_equal(post_write(m, buf_slice(&b), &why), RC_OK);
	assert_int_equal(send_it(&w, m, &why), RC_OK);
	assert_int_equal(post_rcpts(m, &all), 2);
	assert_int_equal(all[0].result.id, FAULT_QUOTA);
	assert_int_equal(all[1].result.id, FAULT_NONE);
	post_drop(&m);
	assert_int_equal(world_count(&w, w.bob), 0);
	assert_int_equal(world_count(&w, w.ann), 1);
	struct message msg = { .to = TO("bob@example.org"), .text = buf_slice(&b) };
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_int_equal(world_count(&w, w.bob), 1);
	assert_int_equal(post_it(&w, &msg, &why), RC_LIMIT);
	assert_int_equal(why.id, FAULT_QUOTA);
	world_end(&w);
}

/* Here and elsewhere at once: one record in the queue, which knows the message by its id. */
static void relays(void **state)
{
	struct world w;
	struct fault why;
	struct post_source own = smtp;
	struct queue_message *list;
	size_t n;
	(void)state;
	own.may_relay = true;
	world_begin(&w, true);
	struct message msg = { .src = &own,
		.to = TO("ann@example.org", "far@far.test", "other@far.test"),
		.text = S("Subject: out\r\n\r\nx\r\n") };
	assert_int_equal(post_it(&w, &msg, &why), RC_OK);
	assert_int_equal(world_count(&w, w.ann), 1);
	assert_int_equal(queue_list(w.queue, 10, &w.a, &list, &n, &why), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].rcpts_n, 2);
	assert_true(slice_eq(list[0].sender, S("joe@else.test")));
	assert_true(has(world_text(&w, w.ann, 1),
		(const char *)arena_fmt(&w.a, " id %.*s;", FMT(list[0].trace)).at));
	world_end(&w);
}

int test_deliver(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(everyone_once),
		cmocka_unit_test(trace_fields), cmocka_unit_test(refusals),
		cmocka_unit_test(bodies), cmocka_unit_test(quotas), cmocka_unit_test(relays) };
	return cmocka_run_group_tests_name("post deliver", tests, NULL, NULL);
}
