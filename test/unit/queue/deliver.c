/* deliver.c: Messages go out to scripted servers: recipients, domains, refusals, retries, reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "peer.h"
#include "queue/queue.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct net *net;
	struct dns *dns;
	struct queue *queue;
	struct arena a;
	struct fault why;
	char report[20000];
	_Atomic int reports;
};

static const struct dns_script_row zone[] = {
	{ .name = "a.test", .type = DNS_MX, .text = "10 mx.a.test" },
	{ .name = "mx.a.test", .type = DNS_A, .text = "127.0.0.1" },
	{ .name = "b.test", .type = DNS_A, .text = "127.0.0.2" },
	{ .name = "two.test", .type = DNS_MX, .text = "20 mx.a.test" },
	{ .name = "two.test", .type = DNS_MX, .text = "10 mx.bad.test" },
	{ .name = "mx.bad.test", .type = DNS_A, .text = "127.0.0.3" },
	{ .name = "null.test", .type = DNS_MX, .text = "0 ." }
};

static enum rc keep_report(void *arg, struct slice rcpt, struct slice message, struct fault *why)
{
	struct world *w = arg;
	(void)why;
	(void)snprintf(w->report, sizeof(w->report), "%.*s\n%.*s", FMT(rcpt), FMT(message));
	w->reports++;
	return RC_OK;
}

static void begin(struct world *w, unsigned port)
{
	struct data_options o = { .type = "memory" };
	struct blob_options bo = { .path = NULL };
	memset(w, 0, sizeof(*w));
	arena_init(&w->a, 0);
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &bo, &w->blob, &w->why), RC_OK);
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	w->net = net_new(&(struct net_conf){ .run = w->run, .connections_max = 100 });
	assert_int_equal(
		dns_script_new(w->run, zone, sizeof(zone) / sizeof(zone[0]), &w->dns, &w->why),
		RC_OK);
	struct queue_deps deps = { .data = w->data,
		.blob = w->blob,
		.run = w->run,
		.net = w->net,
		.dns = w->dns,
		.hostname = "out.test",
		.port = port,
		.retry_first_ms = 1,
		.retry_max_ms = 1,
		.connect_ms = 2000,
		.command_ms = 2000,
		.report = keep_report,
		.arg = w };
	w->queue = queue_new(&deps);
	run_start(w->run);
	assert_int_equal(queue_start(w->queue, &w->why), RC_OK);
}

static void end(struct world *w)
{
	run_drain(w->run);
	(void)run_wait_empty(w->run, 3000);
	run_free(&w->run);
	queue_free(&w->queue);
	dns_free(&w->dns);
	net_free(&w->net);
	blob_close(&w->blob);
	data_close(&w->data);
	arena_done(&w->a);
}

static uint64_t post(struct world *w, struct slice text, const char *const *rcpts, unsigned notify)
{
	struct queue_rcpt all[8];
	struct queue_message m = { .trace = S("t1"),
		.sender = S("me@out.test"),
		.envid = S("e1"),
		.rcpts = all,
		.skip = 5,
		.made = run_unix(w->run) };
	struct data_batch b;
	memset(all, 0, sizeof(all));
	for (; rcpts[m.rcpts_n]; m.rcpts_n++)
		all[m.rcpts_n] = (struct queue_rcpt){ .address = slice_str(rcpts[m.rcpts_n]),
			.notify = notify };
	struct slice whole = arena_fmt(&w->a, "mine\n%.*s", FMT(text));
	blob_ref_of(whole, &m.blob);
	data_batch_init(&b, &w->a);
	assert_int_equal(blob_add(w->blob, &b, whole, &m.blob, &w->why), RC_OK);
	queue_add(w->queue, &b, &m);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	queue_added(w->queue, m.id);
	return m.id;
}
#define TO(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

static bool emptied(struct world *w)
{
	for (int i = 0; i < 1000; i++) {
		if (queue_depth(w->queue) == 0)
			return true;
		usleep(5000);
	}
	return false;
}

static void one_message(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING\n8BITMIME\nSIZE 1000000\nDSN" };
	peer_start(&p, 0);
	begin(&w, p.port);
	post(&w, S("Subject: x\r\n\r\n.dot\r\n..\r\nlast\r\n"), TO("x@a.test", "y@A.test"), 4);
	assert_true(peer_wait(&p, 1));
	assert_true(emptied(&w));
	end(&w);
	peer_stop(&p);
	assert_int_equal(p.mails, 1);
	assert_int_equal(p.rcpts, 2);
	p.body[p.body_len] = '\0';
	assert_string_equal(p.body, "Subject: x\r\n\r\n.dot\r\n..\r\nlast\r\n");
	assert_non_null(strstr(p.log, "MAIL FROM:<me@out.test> SIZE=30 ENVID=e1\r\n"));
	assert_non_null(strstr(p.log, "RCPT TO:<x@a.test> NOTIFY=FAILURE\r\n"));
	assert_int_equal(w.reports, 0);
}

/* Without any extension, and larger than all buffers. */
static void plain_and_large(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "" };
	peer_start(&p, 0);
	begin(&w, p.port);
	struct buf b;
	buf_init(&b, 0, &w.a);
	for (int i = 0; i < 3500; i++)
		buf_fmt(&b,
			"%s line %d of a body that does not fit into one frame of the store\r\n",
			i % 7 ? "" : ".", i);
	post(&w, buf_slice(&b), TO("x@a.test"), 4);
	assert_true(peer_wait(&p, 1));
	assert_true(emptied(&w));
	assert_true(slice_eq(slice_of(p.body, p.body_len), buf_slice(&b)));
	end(&w);
	peer_stop(&p);
	assert_null(strstr(p.log, "NOTIFY"));
}

/* One domain says "later": its recipient goes to its own server again, and to no other. */
static void domains_apart(void **state)
{
	static struct peer p, q;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING", .temp_left = 1 };
	peer_start(&p, 0);
	q = (struct peer){ .extensions = "", .address = "127.0.0.2" };
	peer_start(&q, p.port);
	begin(&w, p.port);
	post(&w, S("S: 1\r\n\r\nx\r\n"), TO("one@a.test", "two@b.test"), 0);
	assert_true(peer_wait(&q, 1));
	assert_true(peer_wait(&p, 1));
	assert_true(emptied(&w));
	end(&w);
	peer_stop(&p);
	peer_stop(&q);
	assert_null(strstr(q.log, "one@a.test"));
	assert_null(strstr(p.log, "two@b.test"));
	assert_int_equal(q.messages, 1);
	assert_int_equal(p.messages, 1);
	assert_int_equal(p.rcpts, 2);
}

static void some_refused(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&p, 0);
	begin(&w, p.port);
	post(&w, S("S: 1\r\n\r\nx\r\n"), TO("ok@a.test", "perm@a.test", "x@null.test", "x@no.test"),
		0);
	assert_true(emptied(&w));
	end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 1);
	assert_int_equal(w.reports, 1);
	assert_true(strncmp(w.report, "me@out.test\n", 12) == 0);
	assert_non_null(strstr(w.report,
		"Final-Recipient: rfc822;perm@a.test\r\nAction: failed\r\nStatus: 5.1.1"));
	assert_non_null(strstr(w.report, "x@null.test"));
	assert_non_null(strstr(w.report, "x@no.test"));
	assert_null(strstr(w.report, "ok@a.test"));
	assert_null(strstr(w.report, "mine\n"));
}

/* The better server is down, or greets with 554, or takes nothing: the next one gets it. */
static void next_server(void **state)
{
	static struct peer p, bad;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&p, 0);
	begin(&w, p.port);
	post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@two.test"), 0);
	assert_true(emptied(&w));
	bad = (struct peer){ .address = "127.0.0.3", .greeting = "554 no service\r\n" };
	peer_start(&bad, p.port);
	post(&w, S("S: 2\r\n\r\nx\r\n"), TO("x@two.test"), 0);
	assert_true(emptied(&w));
	end(&w);
	peer_stop(&p);
	peer_stop(&bad);
	assert_int_equal(bad.connections, 1);
	assert_int_equal(p.messages, 2);
	assert_int_equal(w.reports, 0);
}

static void lost_in_the_body(void **state)
{
	static struct peer p;
	static struct world w;
	struct queue_message m;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING", .drop_in_body = true };
	peer_start(&p, 0);
	begin(&w, p.port);
	uint64_t id = post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@a.test"), 0);
	for (int i = 0; i < 400; i++) {
		assert_int_equal(queue_show(w.queue, id, &w.a, &m, &w.why), RC_OK);
		if (m.rcpts[0].tries)
			break;
		usleep(5000);
	}
	assert_int_equal(m.rcpts[0].state, QUEUE_WAITING);
	assert_true(slice_starts(m.rcpts[0].answer, S("451 4.4.2")));
	p.drop_in_body = false;
	assert_int_equal(queue_retry(w.queue, id, &w.why), RC_OK);
	assert_true(emptied(&w));
	end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 1);
}

static void cancel_and_pause(void **state)
{
	static struct world w;
	struct queue_message m, *all;
	size_t n;
	(void)state;
	begin(&w, 9); /* nobody listens: it stays */
	uint64_t id = post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@b.test"), 0);
	for (int i = 0; i < 400 && queue_pause(w.queue, id, true, &w.why) != RC_OK; i++)
		usleep(5000);
	assert_int_equal(queue_show(w.queue, id, &w.a, &m, &w.why), RC_OK);
	assert_true(m.paused);
	assert_int_equal(queue_list(w.queue, 10, &w.a, &all, &n, &w.why), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(queue_depth(w.queue), 1);
	for (int i = 0; i < 400 && queue_cancel(w.queue, id, &w.why) != RC_OK; i++)
		usleep(5000);
	assert_int_equal(queue_show(w.queue, id, &w.a, &m, &w.why), RC_NONE);
	assert_int_equal(queue_depth(w.queue), 0);
	end(&w);
	assert_int_equal(w.reports, 0);
}

int test_deliver(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_message),
		cmocka_unit_test(plain_and_large), cmocka_unit_test(domains_apart),
		cmocka_unit_test(some_refused), cmocka_unit_test(next_server),
		cmocka_unit_test(lost_in_the_body), cmocka_unit_test(cancel_and_pause) };
	return _cmocka_run_group_tests(
		"deliver", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
