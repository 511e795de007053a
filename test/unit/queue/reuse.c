/* reuse.c: Several messages over one connection, limits of a destination, and servers that end a rest. */
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

static size_t count(const char *in, const char *what)
{
	size_t n = 0;
	for (const char *at = in; (at = strstr(at, what)) != NULL; at += strlen(what))
		n++;
	return n;
}

static void post_many(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "Subject: %d\r\n\r\nx\r\n", i);
		world_post(w, slice_str(text), TO("x@a.test"), 0);
	}
}

static void one_connection(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&p, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port, .terms.per_destination = 1 });
	post_many(&w, 20);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 20);
	assert_int_equal(p.connections, 1);
	assert_int_equal(count(p.log, "EHLO"), 1);
	assert_int_equal(count(p.log, "RSET"), 0);
	assert_int_equal(count(p.log, "QUIT"), 1);
}

static void so_many_at_once(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING", .wait_for = 3 };
	peer_start(&p, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port, .terms.per_destination = 3 });
	post_many(&w, 12);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 12);
	assert_int_equal(p.most, 3);
	assert_int_equal(p.connections, 3);
}

static void enough_for_one_connection(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "" };
	peer_start(&p, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port,
				.terms.per_destination = 1,
				.terms.per_connection = 3 });
	post_many(&w, 7);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 7);
	assert_int_equal(p.connections, 3);
}

/* The server closes, or says 421, after each message: that is no failed try, and nobody waits for a second one. */
static void ended_at_rest(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	for (int with_421 = 0; with_421 < 2; with_421++) {
		p = (struct peer){ .extensions = "PIPELINING",
			.close_after = with_421 ? 0 : 1,
			.enough_after = with_421 ? 1 : 0 };
		peer_start(&p, 0);
		world_begin(&w,
			&(struct queue_deps){ .terms.port = p.port, .terms.per_destination = 1 });
		post_many(&w, 4);
		assert_true(world_emptied(&w));
		world_end(&w);
		peer_stop(&p);
		assert_int_equal(p.messages, 4);
		assert_int_equal(p.connections, 4);
		assert_int_equal(w.deferred, 0);
	}
}

/* After a transaction that did not come to its end RSET makes the connection usable. */
static void refused_between(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		p = (struct peer){ .extensions = pipelining ? "PIPELINING" : "" };
		peer_start(&p, 0);
		world_begin(&w,
			&(struct queue_deps){ .terms.port = p.port, .terms.per_destination = 1 });
		world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("ok@a.test"), 0);
		world_post(&w, S("S: 2\r\n\r\nx\r\n"), TO("perm@a.test"), 0);
		world_post(&w, S("S: 3\r\n\r\nx\r\n"), TO("also@a.test"), 0);
		world_post(&w, S("S: 4\r\n\r\nx\r\n"), TO("ok@a.test"), 0);
		assert_true(world_emptied(&w));
		world_end(&w);
		peer_stop(&p);
		assert_int_equal(p.connections, 1);
		assert_int_equal(p.messages, 3);
		assert_int_equal(count(p.log, "RSET"), 1);
		assert_int_equal(w.reports, 1);
	}
}

static void mail_refused(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	p = (struct peer){ .extensions = "PIPELINING", .mail_bad_left = 1 };
	peer_start(&p, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port, .terms.per_destination = 1 });
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@a.test", "y@a.test"), 0);
	world_post(&w, S("S: 2\r\n\r\nx\r\n"), TO("x@a.test"), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.connections, 1);
	assert_int_equal(p.messages, 1);
	assert_int_equal(w.reports, 1);
	assert_non_null(strstr(w.report, "Status: 5.7.1"));
}

/* The server takes so many recipients of one message: it says so in EHLO, or by 452, or we have a limit. */
static void many_recipients(void **state)
{
	static struct peer p;
	static struct world w;
	static const char *const rcpts[] = { "1@a.test", "2@a.test", "3@a.test", "4@a.test",
		"5@a.test", "6@a.test", "7@a.test", NULL };
	(void)state;
	for (int how = 0; how < 3; how++) {
		p = (struct peer){ .extensions =
					   how == 0 ? "PIPELINING\nLIMITS RCPTMAX=3" : "PIPELINING",
			.rcpt_max = how == 1 ? 3 : 0 };
		peer_start(&p, 0);
		world_begin(&w, &(struct queue_deps){ .terms.port = p.port,
					.terms.per_message_rcpt = how == 2 ? 3 : 0 });
		world_post(&w, S("S: 1\r\n\r\nx\r\n"), rcpts, 0);
		assert_true(world_emptied(&w));
		world_end(&w);
		peer_stop(&p);
		assert_int_equal(p.messages, 3);
		assert_int_equal(p.connections, 1);
		assert_int_equal(w.deferred, 0);
		for (int i = 0; i < 7; i++)
			assert_non_null(strstr(p.log, rcpts[i]));
	}
}

int test_reuse(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_connection),
		cmocka_unit_test(so_many_at_once), cmocka_unit_test(enough_for_one_connection),
		cmocka_unit_test(ended_at_rest), cmocka_unit_test(refused_between),
		cmocka_unit_test(mail_refused), cmocka_unit_test(many_recipients) };
	return _cmocka_run_group_tests(
		"reuse", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
