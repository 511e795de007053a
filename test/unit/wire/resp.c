/* resp.c: Replies of both versions of RESP, commands, hash slots. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/resp.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct arena a;

static enum rc parse(const char *text, struct resp *out)
{
	struct slice in = slice_str(text);
	enum rc rc = resp_parse(&in, 1 << 20, &a, out);
	if (rc == RC_OK)
		assert_int_equal(in.len, 0);
	return rc;
}

static void scalars(void **)
{
	static const struct {
		const char *text;
		enum resp_type type;
		const char *is;
		int64_t number;
	} rows[] = {
		{ "+OK\r\n", RESP_STRING, "OK", 0 },
		{ "-ERR no\r\n", RESP_ERROR, "ERR no", 0 },
		{ ":-42\r\n", RESP_INTEGER, "", -42 },
		{ ":9223372036854775807\r\n", RESP_INTEGER, "", INT64_MAX },
		{ ":-9223372036854775808\r\n", RESP_INTEGER, "", INT64_MIN },
		{ "$3\r\na\r\n\r\n", RESP_STRING, "a\r\n", 0 },
		{ "$0\r\n\r\n", RESP_STRING, "", 0 },
		{ "$-1\r\n", RESP_NULL, "", 0 },
		{ "*-1\r\n", RESP_NULL, "", 0 },
		{ "_\r\n", RESP_NULL, "", 0 },
		{ "#t\r\n", RESP_INTEGER, "", 1 },
		{ "#f\r\n", RESP_INTEGER, "", 0 },
		{ ",1.5\r\n", RESP_STRING, "1.5", 0 },
		{ "(123456789012345678901234567890\r\n", RESP_STRING,
			"123456789012345678901234567890", 0 },
		{ "!5\r\nERR x\r\n", RESP_ERROR, "ERR x", 0 },
		{ "=7\r\ntxt:abc\r\n", RESP_STRING, "abc", 0 },
		{ "|1\r\n+ttl\r\n:3\r\n+real\r\n", RESP_STRING, "real", 0 },
	};
	struct resp r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text, &r), RC_OK);
		assert_int_equal(r.type, rows[i].type);
		assert_int_equal(r.number, rows[i].number);
		assert_true(slice_eq(r.text, slice_str(rows[i].is)));
	}
}

static void collections(void **)
{
	struct resp r;
	assert_int_equal(parse("*2\r\n$1\r\na\r\n*1\r\n:7\r\n", &r), RC_OK);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.items[1].items[0].number, 7);
	assert_int_equal(parse("%1\r\n+k\r\n+v\r\n", &r), RC_OK);
	assert_true(r.type == RESP_ARRAY && r.n == 2);
	assert_int_equal(parse("~1\r\n+k\r\n", &r), RC_OK);
	assert_true(r.type == RESP_ARRAY && r.n == 1);
	assert_int_equal(parse(">1\r\n+message\r\n", &r), RC_OK);
	assert_int_equal(r.type, RESP_PUSH);
	assert_int_equal(parse("*0\r\n", &r), RC_OK);
	assert_true(r.type == RESP_ARRAY && r.n == 0);
}

/* Each head of a whole reply is RC_MORE, and takes nothing. */
static void comes_in_pieces(void **)
{
	static const char all[] = "*3\r\n$5\r\nhello\r\n%1\r\n+a\r\n_\r\n:1\r\n";
	struct resp r;
	for (size_t i = 0; i + 1 < sizeof(all); i++) {
		struct slice in = slice_of(all, i);
		assert_int_equal(resp_parse(&in, 1 << 20, &a, &r), RC_MORE);
		assert_int_equal(in.len, i);
	}
	struct slice two = S("+a\r\n+b\r\n");
	assert_int_equal(resp_parse(&two, 1 << 20, &a, &r), RC_OK);
	assert_true(slice_eq(two, S("+b\r\n")));
}

static void refuses(void **)
{
	static const char *const bad[] = { "x\r\n", "+a\n", "\r\n", ":1x\r\n", ":\r\n", "$-2\r\n",
		"$1\r\nabc\r\n", "$x\r\n", "=3\r\nabc\r\n", "#x\r\n", "_x\r\n", "*1\r\n?\r\n",
		":9223372036854775808\r\n" };
	struct resp r;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &r), RC_BAD);
	assert_int_equal(parse("$2000000\r\n", &r), RC_LIMIT);
	assert_int_equal(parse("*1000000000\r\n", &r), RC_LIMIT);
	assert_int_equal(parse("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
			       "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
				 &r),
		RC_LIMIT);
}

static void writes_commands(void **)
{
	struct buf b;
	const struct slice words[] = { S("SET"), S("k\r\n"), S("") };
	buf_init(&b, 0, &a);
	resp_command(&b, words, 3);
	assert_true(slice_eq(buf_slice(&b), S("*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n")));
}

static void names_errors(void **)
{
	struct resp r = { .type = RESP_ERROR, .text = S("MOVED 1 h:2") };
	assert_true(resp_is_error(&r, S("MOVED")));
	assert_false(resp_is_error(&r, S("MOVE")));
	r.type = RESP_STRING;
	assert_false(resp_is_error(&r, S("MOVED")));
}

/* The values of the cluster specification and of CLUSTER KEYSLOT. */
static void slots(void **)
{
	assert_int_equal(resp_slot(S("123456789")), 0x31c3 % 16384);
	assert_int_equal(resp_slot(S("foo")), 12182);
	assert_int_equal(resp_slot(S("{foo}bar")), 12182);
	assert_int_equal(resp_slot(S("x{foo}{bar}")), 12182);
	assert_int_equal(resp_slot(S("")), 0);
	assert_int_equal(resp_slot(S("foo{}{bar}")), 8363);
	assert_int_equal(resp_slot(S("foo{{bar}}zap")), 4015);
}

static int begin(void **)
{
	arena_init(&a, 0);
	return 0;
}

static int end(void **)
{
	arena_done(&a);
	return 0;
}

int test_resp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scalars, begin, end),
		cmocka_unit_test_setup_teardown(collections, begin, end),
		cmocka_unit_test_setup_teardown(comes_in_pieces, begin, end),
		cmocka_unit_test_setup_teardown(refuses, begin, end),
		cmocka_unit_test_setup_teardown(writes_commands, begin, end),
		cmocka_unit_test_setup_teardown(names_errors, begin, end),
		cmocka_unit_test_setup_teardown(slots, begin, end),
	};
	return cmocka_run_group_tests_name("wire/resp", tests, NULL, NULL);
}
