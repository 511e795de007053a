/* event.c: One line an event, whatever its fields hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

/* What an event writes to stderr. */
static void caught(enum event_form form, char *out, size_t room)
{
	int ends[2], old = dup(STDERR_FILENO);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	event_setup(LEVEL_INFO, form);
	event_log(EVENT_SERVER_STARTED, f_u64("n", 42),
		f_slice("who", S("a\"b\\\n\x01\xff\xc3\xa9")), f_str("none", NULL));
	event_log(EVENT_NET_OPENED, f_u64("n", 1));
	dup2(old, STDERR_FILENO);
	close(ends[1]);
	ssize_t n = read(ends[0], out, room - 1);
	out[n > 0 ? n : 0] = 0;
	close(ends[0]);
	close(old);
}

static void writes_one_line(void **state)
{
	(void)state;
	char line[4096];
	caught(EVENT_TEXT, line, sizeof(line));
	assert_non_null(
		strstr(line, " info server.started: listening; n=42 "
			     "who=\"a\\\"b\\\\\\u000a\\u0001\xef\xbf\xbd\xc3\xa9\" none=\"\"\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	caught(EVENT_JSON, line, sizeof(line));
	assert_non_null(strstr(line,
		"\"event\":\"server.started\",\"text\":\"listening\",\"n\":42,\"who\":\"a\\\"b"));
	assert_non_null(strstr(line, ",\"none\":\"\"}\n"));
	assert_false(event_wanted(EVENT_NET_OPENED));
	event_setup(LEVEL_DEBUG, EVENT_TEXT);
	assert_true(event_wanted(EVENT_NET_OPENED));
}

/* systemd's native form: a value with a line end has its length in front. */
static void speaks_to_the_journal(void **state)
{
	(void)state;
	int ends[2];
	char got[4096];
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	event_journal(ends[1]);
	event_log(EVENT_SERVER_STARTED, f_str("long-name", "one\ntwo"), f_u64("n", 7));
	event_journal(-1);
	ssize_t n = recv(ends[0], got, sizeof(got) - 1, 0);
	assert_true(n > 0);
	got[n] = 0;
	assert_non_null(
		strstr(got, "PRIORITY=6\nSYSLOG_IDENTIFIER=veredus\nEVENT=server.started\n"));
	static const char tail[] = "VEREDUS_LONG_NAME\n\7\0\0\0\0\0\0\0one\ntwo\nVEREDUS_N=7\n";
	assert_memory_equal(got + n - (ssize_t)(sizeof(tail) - 1), tail, sizeof(tail) - 1);
	close(ends[0]);
	close(ends[1]);
}

int test_event(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(writes_one_line),
		cmocka_unit_test(speaks_to_the_journal) };
	return cmocka_run_group_tests_name("base event", tests, NULL, NULL);
}
