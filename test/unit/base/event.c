/* event.c: One line an event, whatever its fields hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
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

int test_event(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(writes_one_line) };
	return cmocka_run_group_tests_name("base event", tests, NULL, NULL);
}
