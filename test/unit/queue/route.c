/* route.c: Which servers a domain's mail goes to, and when it is known that there is none. */
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

/* The message ends with a report that has this line. */
static void fails_with(const char *to, const char *status)
{
	static struct world w;
	char line[64];
	world_begin(&w, &(struct queue_deps){ .terms.port = 9 });
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO(to), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
	assert_int_equal(w.reports, 1);
	(void)snprintf(line, sizeof(line), "\r\nStatus: %s\r\n", status);
	assert_non_null(strstr(w.report, line));
}

static void no_way(void **state)
{
	(void)state;
	fails_with("x@null.test", "5.1.10"); /* RFC 7505 */
	fails_with("x@no.test", "5.1.2");
	fails_with("x@bare.test", "5.1.2");
	fails_with("x@noaddress.test", "5.4.4");
	fails_with("x@ours.test", "5.4.6");
}

/* Waits; the last answer begins so. */
static void waits_with(const char *to, const char *answer, unsigned port)
{
	static struct world w;
	struct queue_message m;
	world_begin(&w, &(struct queue_deps){ .terms.port = port });
	uint64_t id = world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO(to), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(queue_show(w.queue, id, &w.a, &m, &w.why), RC_OK);
		if (m.rcpts[0].tries)
			break;
		usleep(5000);
	}
	assert_true(slice_starts(m.rcpts[0].answer, slice_str(answer)));
	world_end(&w);
	assert_int_equal(w.reports, 0);
}

/* Only what is better than we are counts: the third one would be reached, but it would give the mail to us. */
static void not_below_us(void **state)
{
	static struct peer third;
	(void)state;
	third = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&third, 0);
	waits_with("x@second.test", "451 4.4.1", third.port);
	peer_stop(&third);
	assert_int_equal(third.connections, 0);
}

static void dns_fails(void **state)
{
	(void)state;
	waits_with("x@servfail.test", "451 4.4.3", 9);
	waits_with("x@mxfail.test", "451 4.4.1", 9);
}

/* A name that DNS has for us besides our own. */
static void other_name_of_ours(void **state)
{
	static struct peer us;
	static struct world w;
	(void)state;
	us = (struct peer){ .extensions = "PIPELINING", .name = "OUT.test" };
	peer_start(&us, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = us.port });
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@a.test"), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&us);
	assert_int_equal(us.mails, 0);
	assert_non_null(strstr(w.report, "\r\nStatus: 5.4.6\r\n"));
}

static void by_address(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	world_meet(&w, &p, "PIPELINING");
	world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@[127.0.0.1]", "x@implicit.test"), 0);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 2);
}

int test_route(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_way),
		cmocka_unit_test(not_below_us), cmocka_unit_test(dns_fails),
		cmocka_unit_test(other_name_of_ours), cmocka_unit_test(by_address) };
	return _cmocka_run_group_tests(
		"route", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
