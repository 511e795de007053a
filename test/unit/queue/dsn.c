/* dsn.c: What senders are told, when, and what they are told no second time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "peer.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SUCCESS = 2, FAILURE = 4, DELAY = 8 };

static void run_one(struct peer *p, struct world *w, struct slice text, struct queue_message *m)
{
	peer_start(p, 0);
	world_begin(w, &(struct queue_deps){ .terms.port = p->port });
	world_queue(w, text, m);
	assert_true(world_emptied(w));
	world_end(w);
	peer_stop(p);
}

/* The next server offers no DSN: the sender hears from us that the mail has gone on. */
static void relayed(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("x@a.test"),
					   .notify = SUCCESS | FAILURE,
					   .orcpt = S("rfc822;old@a.test") },
		{ .address = S("y@a.test"), .notify = FAILURE } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 2, .ret_full = true };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	run_one(&p, &w, S("Subject: x\r\n\r\nsecret text\r\n"), &m);
	assert_int_equal(w.reports, 1);
	assert_non_null(strstr(w.report,
		"Original-Recipient: rfc822;old@a.test\r\nFinal-Recipient: rfc822;x@a.test\r\n"
		"Action: relayed\r\nStatus: 2.0.0\r\nRemote-MTA: dns;mx.a.test\r\n"
		"Diagnostic-Code: smtp;250 2.0.0 taken\r\n"));
	assert_non_null(strstr(w.report, "Original-Envelope-Id: e1\r\n"));
	assert_null(strstr(w.report, "y@a.test"));
	assert_null(
		strstr(w.report, "secret text")); /* whole messages come back with failures only */
	assert_null(strstr(p.log, "NOTIFY"));
}

/* It offers DSN: it gets all parameters, and the duty to tell. */
static void passed_on(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("x@a.test"),
		.notify = SUCCESS | DELAY,
		.orcpt = S("rfc822;o=d@a.test") } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 1, .ret_full = true };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING\nDSN" };
	run_one(&p, &w, S("Subject: x\r\n\r\nx\r\n"), &m);
	assert_int_equal(w.reports, 0);
	assert_non_null(strstr(p.log, "MAIL FROM:<me@out.test> RET=FULL ENVID=e1\r\n"));
	assert_non_null(strstr(
		p.log, "RCPT TO:<x@a.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+3Dd@a.test\r\n"));
}

static void whole_message_back(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("perm@a.test") } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 1, .ret_full = true };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	run_one(&p, &w, S("Subject: x\r\n\r\nall of it\r\n"), &m);
	assert_non_null(strstr(
		w.report, "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nall of it\r\n"));
	to[0] = (struct queue_rcpt){ .address = S("perm@a.test") };
	m = (struct queue_message){ .rcpts = to, .rcpts_n = 1, .ret_headers = true };
	p = (struct peer){ .extensions = "PIPELINING" };
	run_one(&p, &w, S("Subject: x\r\n\r\nall of it\r\n"), &m);
	assert_non_null(
		strstr(w.report, "Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"));
	assert_null(strstr(w.report, "all of it"));
}

static void in_a_mailbox_already(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("box@here.test"),
					   .notify = SUCCESS,
					   .state = QUEUE_SENT,
					   .how = QUEUE_DELIVERED },
		{ .address = S("list@here.test"),
			.notify = SUCCESS,
			.state = QUEUE_SENT,
			.how = QUEUE_EXPANDED } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 2 };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	run_one(&p, &w, S("Subject: x\r\n\r\nx\r\n"), &m);
	assert_int_equal(w.reports, 1);
	assert_int_equal(p.connections, 0);
	assert_non_null(
		strstr(w.report, "box@here.test\r\nAction: delivered\r\nStatus: 2.1.5\r\n"));
	assert_non_null(
		strstr(w.report, "list@here.test\r\nAction: expanded\r\nStatus: 2.1.5\r\n"));
}

/* One fails for good, the other waits: the failure is told now, and only now; so is the delay. */
static void told_once(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("perm@a.test") },
		{ .address = S("temp@a.test") } };
	struct queue_message now, m = { .rcpts = to, .rcpts_n = 2 };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&p, 0);
	world_begin(
		&w, &(struct queue_deps){ .terms.port = p.port, .terms.notify_ms = 3000 * 1000 });
	m.made = run_unix(w.run) - 3600;
	uint64_t id = world_queue(&w, S("S: 1\r\n\r\nx\r\n"), &m);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(queue_show(w.queue, id, &w.a, &now, &w.why), RC_OK);
		if (now.rcpts[1].tries >= 2)
			break;
		usleep(5000);
	}
	assert_true(now.rcpts[1].tries >= 2);
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(w.reports, 1);
	assert_non_null(strstr(w.report, "Action: failed\r\nStatus: 5.1.1\r\n"));
	assert_non_null(strstr(w.report, "Action: delayed\r\nStatus: 4.2.1\r\n"));
	assert_non_null(strstr(w.report, "Will-Retry-Until: "));
}

/* No room for the report now: the result is kept, and the message is not sent once more for it. */
static void report_comes_later(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_message now;
	(void)state;
	world_meet(&w, &p, "PIPELINING");
	w.report_temp_left = 1;
	uint64_t id = world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("ok@a.test", "perm@a.test"), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(queue_show(w.queue, id, &w.a, &now, &w.why), RC_OK);
		if (now.rcpts[1].state == QUEUE_FAILED)
			break;
		usleep(5000);
	}
	assert_int_equal(now.rcpts[0].state, QUEUE_SENT);
	assert_int_equal(w.reports, 0);
	assert_int_equal(queue_retry(w.queue, id, &w.why), RC_OK);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(w.reports, 1);
	assert_int_equal(p.messages, 1);
	assert_non_null(strstr(w.report, "perm@a.test"));
}

/* RFC 6533: addresses beyond ASCII have a type of their own. */
static void beyond_ascii(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("j\xc3\xb6rg@a.test") } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 1, .smtputf8 = true };
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	run_one(&p, &w, S("Subject: x\r\n\r\nx\r\n"), &m);
	assert_int_equal(p.mails, 0);
	assert_non_null(strstr(w.report, "Content-Type: message/global-delivery-status\r\n"));
	assert_non_null(strstr(w.report, "Final-Recipient: utf-8;j\xc3\xb6rg@a.test\r\nAction: "
					 "failed\r\nStatus: 5.6.7\r\n"));
}

int test_dsn(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(relayed), cmocka_unit_test(passed_on),
		cmocka_unit_test(whole_message_back), cmocka_unit_test(in_a_mailbox_already),
		cmocka_unit_test(told_once), cmocka_unit_test(report_comes_later),
		cmocka_unit_test(beyond_ascii) };
	return _cmocka_run_group_tests("dsn", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
