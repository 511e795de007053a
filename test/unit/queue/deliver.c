/* deliver.c: Messages go out to scripted servers: recipients, domains, refusals, retries, reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "peer.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void one_message(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	world_meet(&w, &p, "PIPELINING\n8BITMIME\nSIZE 1000000\nDSN");
	world_post(
		&w, S("Subject: x\r\n\r\n.dot\r\n..\r\nlast\r\n"), TO("x@a.test", "y@A.test"), 4);
	assert_true(peer_wait(&p, 1));
	assert_true(world_emptied(&w));
	world_end(&w);
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
	world_meet(&w, &p, "");
	struct buf b;
	buf_init(&b, 0, &w.a);
	for (int i = 0; i < 3500; i++)
		buf_fmt(&b,
			"%s line %d of a body that does not fit into one frame of the store\r\n",
			i % 7 ? "" : ".", i);
	world_post(&w, buf_slice(&b), TO("x@a.test"), 4);
	assert_true(peer_wait(&p, 1));
	assert_true(world_emptied(&w));
	assert_true(slice_eq(slice_of(p.body, p.body_len), buf_slice(&b)));
	world_end(&w);
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
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port });
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("one@a.test", "two@b.test"), 0);
	assert_true(peer_wait(&q, 1));
	assert_true(peer_wait(&p, 1));
	assert_true(world_emptied(&w));
	world_end(&w);
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
	world_meet(&w, &p, "PIPELINING");
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("ok@a.test", "perm@a.test"), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 1);
	assert_int_equal(w.reports, 1);
	assert_true(strncmp(w.report, "me@out.test\n", 12) == 0);
	assert_non_null(strstr(w.report,
		"Final-Recipient: rfc822;perm@a.test\r\nAction: failed\r\nStatus: 5.1.1"));
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
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port, .terms.per_connection = 1 });
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@two.test"), 0);
	assert_true(world_emptied(&w));
	bad = (struct peer){ .address = "127.0.0.3", .greeting = "554 no service\r\n" };
	peer_start(&bad, p.port);
	world_post(&w, S("S: 2\r\n\r\nx\r\n"), TO("x@two.test"), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
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
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port });
	uint64_t id = world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@a.test"), 0);
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
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 1);
}

static void cancel_and_pause(void **state)
{
	static struct world w;
	struct queue_message m, *all;
	size_t n;
	(void)state;
	world_begin(&w, &(struct queue_deps){ .terms.port = 9 }); /* nobody listens: it stays */
	uint64_t id = world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@b.test"), 0);
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
	world_end(&w);
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
