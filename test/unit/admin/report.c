/* report.c: Rows as people read them and as programs do; frames that are cut or too long. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/report.h"
#include "admin/wire.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

static void fill(struct report *r, struct buf *out, bool json, bool list)
{
	static const struct slice two[] = { S("a"), S("b\"") };
	report_begin(r, out, json, list);
	for (int i = 0; i < 2; i++) {
		report_row(r);
		report_text(r, "name", S("x\\\"\n\x01"));
		report_number(r, "n", UINT64_MAX);
		report_bool(r, "on", i == 0);
		report_texts(r, "all", "one", two, i == 0 ? 2 : 0);
		if (!list)
			break;
	}
	report_end(r);
}

static void writes(void **state)
{
	static const struct {
		bool json, list;
		const char *text;
	} rows[] = {
		{ true, false,
			"{\"name\":\"x\\\\\\\"\\u000a\\u0001\",\"n\":18446744073709551615,\"on\":"
			"true,"
			"\"all\":[\"a\",\"b\\\"\"]}\n" },
		{ true, true,
			"[{\"name\":\"x\\\\\\\"\\u000a\\u0001\",\"n\":18446744073709551615,\"on\":"
			"true,"
			"\"all\":[\"a\",\"b\\\"\"]},{\"name\":\"x\\\\\\\"\\u000a\\u0001\","
			"\"n\":18446744073709551615,\"on\":false,\"all\":[]}]\n" },
		{ false, false,
			"name                 x\\\"\n\x01\nn                    "
			"18446744073709551615\n"
			"on                   true\none                  a\none                  "
			"b\"\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct report r;
		struct buf out;
		buf_init(&out, 0, NULL);
		fill(&r, &out, rows[i].json, rows[i].list);
		buf_byte(&out, 0);
		assert_string_equal((char *)out.at, rows[i].text);
		buf_done(&out);
	}
}

static void empty_list_is_json(void **state)
{
	struct report r;
	struct buf out;
	(void)state;
	buf_init(&out, 0, NULL);
	report_begin(&r, &out, true, true);
	report_end(&r);
	assert_true(slice_eq(buf_slice(&out), S("[]\n")));
	buf_done(&out);
}

static void errors(void **state)
{
	struct fault why;
	struct buf out;
	(void)state;
	(void)!fault_set(&why, FAULT_NOT_FOUND, "no \"%s\"", "x");
	buf_init(&out, 0, NULL);
	report_error(&out, true, &why);
	report_error(&out, false, &why);
	assert_true(slice_eq(buf_slice(&out),
		S("{\"error\":\"no \\\"x\\\"\",\"fault\":\"NOT_FOUND\"}\nveredus: no \"x\"\n")));
	buf_done(&out);
}

/* What is cut, or longer than a frame may be, is refused; the end between frames is an end. */
static void frames(void **state)
{
	static const struct {
		struct slice bytes;
		enum rc rc;
	} rows[] = {
		{ S("\0\0\0\3abc"), RC_OK },
		{ S("\0\0\0\0"), RC_OK },
		{ S(""), RC_NONE },
		{ S("\0\0"), RC_BAD },
		{ S("\0\0\0\4abc"), RC_BAD },
		{ S("\0\x10\0\1"), RC_BAD },
		{ S("\xff\xff\xff\xff"), RC_BAD },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ends[2];
		struct arena a;
		struct slice got = S("");
		arena_init(&a, 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(write(ends[0], rows[i].bytes.at, rows[i].bytes.len),
			(ssize_t)rows[i].bytes.len);
		close(ends[0]);
		assert_int_equal(admin_receive(ends[1], &a, &got), rows[i].rc);
		if (rows[i].rc == RC_OK)
			assert_true(slice_eq(got, slice_tail(rows[i].bytes, 4)));
		close(ends[1]);
		arena_done(&a);
	}
}

/* Nobody there any more: no signal, only false. */
static void sends(void **state)
{
	int ends[2];
	struct arena a;
	struct slice got;
	(void)state;
	arena_init(&a, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_true(admin_send(ends[0], S("hello")));
	assert_int_equal(admin_receive(ends[1], &a, &got), RC_OK);
	assert_true(slice_eq(got, S("hello")));
	close(ends[1]);
	assert_false(admin_send(ends[0], S("hello")));
	close(ends[0]);
	arena_done(&a);
}

int test_report(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(writes),
		cmocka_unit_test(empty_list_is_json), cmocka_unit_test(errors),
		cmocka_unit_test(frames), cmocka_unit_test(sends) };
	return cmocka_run_group_tests_name("admin report", tests, NULL, NULL);
}
