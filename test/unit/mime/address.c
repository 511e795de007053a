/* address.c: Address lists, right and broken, as one line of text each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* name|local|domain, groups as "{name" and "}", entries parted by blanks */
static struct slice shown(struct slice value, struct arena *a)
{
	struct mime_address *list;
	size_t n;
	struct buf b;
	assert_int_equal(mime_addresses(value, a, &list, &n), RC_OK);
	buf_init(&b, 0, a);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_byte(&b, ' ');
		if (list[i].group_end)
			buf_byte(&b, '}');
		else if (list[i].group_start)
			buf_fmt(&b, "{%.*s", FMT(list[i].name));
		else
			buf_fmt(&b, "%.*s|%.*s|%.*s", FMT(list[i].name), FMT(list[i].local),
				FMT(list[i].domain));
	}
	return b.len ? buf_slice(&b) : S("");
}

static const struct {
	const char *in, *out;
} table[] = {
	{ "joe@example.org", "|joe|example.org" },
	{ "<joe@example.org>", "|joe|example.org" },
	{ "Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public|example.com" },
	{ "\"Joe, \\\"J\\\"\" <joe@a.b>", "Joe, \"J\"|joe|a.b" },
	{ "joe@a.b (Joe)", "Joe|joe|a.b" },
	{ "a@b.c, d@e.f", "|a|b.c |d|e.f" },
	{ ",, a@b.c,,", "|a|b.c" },
	{ "A Group:Chris <c@a.test>,joe@where.test,John <j@b.test>;",
		"{A Group Chris|c|a.test |joe|where.test John|j|b.test }" },
	{ "Undisclosed recipients:;", "{Undisclosed recipients }" },
	{ "Undisclosed recipients:", "{Undisclosed recipients }" },
	{ "g:a@b;, c@d", "{g |a|b } |c|d" },
	{ "<@x.test,@y.test:jdoe@z.test>", "|jdoe|z.test" },
	{ "\"much.more unusual\"@example.com", "|much.more unusual|example.com" },
	{ "=?utf-8?q?J=C3=B6?= <j@x>", "=?utf-8?q?J=C3=B6?=|j|x" },
	{ "Jörg <jörg@exämple.org>", "Jörg|jörg|exämple.org" },
	{ "root", "|root|" },
	{ "Joe <joe@a.b", "Joe|joe|a.b" },
	{ "Joe joe@a.b>", "|Joe joe|a.b>" },
	{ "<>", "" },
	{ "", "" },
	{ "jdoe@[192.0.2.1]", "|jdoe|[192.0.2.1]" },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
		"Pete|pete|silly.test" },
	{ "a@b (", "|a|b" },
	{ "\"open", "|open|" },
};

static void reads_lists(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		arena_init(&a, 0);
		assert_string_equal(arena_str(&a, shown(slice_str(table[i].in), &a)), table[i].out);
		arena_done(&a);
	}
}

/* A hostile list costs time in its length, and is cut, never refused. */
static void cuts_long_lists(void **)
{
	struct arena a;
	struct buf b;
	struct mime_address *list;
	size_t n;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	for (size_t i = 0; i < 300000; i++)
		buf_str(&b, "<@>,");
	assert_int_equal(mime_addresses(buf_slice(&b), &a, &list, &n), RC_OK);
	buf_reset(&b);
	buf_str(&b, "g:");
	for (size_t i = 0; i < 20000; i++)
		buf_str(&b, "a@b,");
	assert_int_equal(mime_addresses(buf_slice(&b), &a, &list, &n), RC_OK);
	assert_int_equal(n, MIME_ADDRESSES_MAX + 1);
	assert_true(list[n - 1].group_end);
	arena_done(&a);
}

int test_address(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_lists),
		cmocka_unit_test(cuts_long_lists) };
	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
