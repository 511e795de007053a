/* pop3.c: Command lines of POP3, and messages as bodies of responses, in pieces of any size. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pop3.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void finds_verbs(void **)
{
	struct slice args;
	for (unsigned v = POP3_UNKNOWN + 1; v < POP3_VERBS; v++) {
		assert_int_equal(pop3_verb(slice_str(pop3_verb_name(v)), &args), v);
		assert_int_equal(args.len, 0);
	}
	assert_int_equal(pop3_verb(S("pass  a b "), &args), POP3_PASS);
	assert_true(slice_eq(args, S(" a b ")));
	assert_int_equal(pop3_verb(S(""), &args), POP3_UNKNOWN);
	assert_int_equal(pop3_verb(S("RETRO 1"), &args), POP3_UNKNOWN);
	assert_int_equal(pop3_verb(S(" RETR 1"), &args), POP3_UNKNOWN);
	assert_string_equal(pop3_verb_name(POP3_UNKNOWN), "");
}

static void reads_numbers(void **)
{
	static const char *const bad[] = { "", " ", "x", "-1", "1 2", "4294967296", "1x" };
	uint32_t n;
	uint64_t lines;
	assert_int_equal(pop3_number(S(" 12 "), &n), RC_OK);
	assert_int_equal(n, 12);
	assert_int_equal(pop3_number(S("4294967295"), &n), RC_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pop3_number(slice_str(bad[i]), &n), RC_BAD);
	assert_int_equal(pop3_top(S("3  0"), &n, &lines), RC_OK);
	assert_true(n == 3 && lines == 0);
	assert_int_equal(pop3_top(S("3"), &n, &lines), RC_BAD);
	assert_int_equal(pop3_top(S("3 x"), &n, &lines), RC_BAD);
	assert_int_equal(pop3_top(S("3 1 1"), &n, &lines), RC_BAD);
}

static void reads_auth(void **)
{
	struct slice mech, initial;
	bool has;
	assert_int_equal(pop3_auth(S("PLAIN"), &mech, &has, &initial), RC_OK);
	assert_true(slice_eq(mech, S("PLAIN")) && !has);
	assert_int_equal(pop3_auth(S("PLAIN ="), &mech, &has, &initial), RC_OK);
	assert_true(has && slice_eq(initial, S("=")));
	assert_int_equal(pop3_auth(S("PLAIN a b"), &mech, &has, &initial), RC_BAD);
	assert_int_equal(pop3_auth(S(" "), &mech, &has, &initial), RC_BAD);
}

static void fits_languages(void **)
{
	assert_true(pop3_lang_fits(S("*"), S("en")));
	assert_true(pop3_lang_fits(S("EN"), S("en")));
	assert_true(pop3_lang_fits(S("en-GB-oed"), S("en")));
	assert_false(pop3_lang_fits(S("e"), S("en")));
	assert_false(pop3_lang_fits(S("eng"), S("en")));
	assert_false(pop3_lang_fits(S("de"), S("en")));
}

static void writes_text(void **)
{
	struct buf b;
	buf_init(&b, 0, NULL);
	pop3_text_write(S("a\r\n\tb\303\244c"), 7, &b);
	assert_true(slice_eq(buf_slice(&b), S("a???b??")));
	buf_done(&b);
}

/* In every cut into three pieces the outcome is the same. */
static void stuffed(struct slice in, struct slice wanted)
{
	for (size_t i = 0; i <= in.len; i++) {
		for (size_t j = i; j <= in.len; j++) {
			struct pop3_body body = { 0 };
			struct buf b;
			buf_init(&b, 0, NULL);
			buf_str(&b, "+OK\r\n");
			const size_t cuts[] = { 0, i, j, in.len };
			for (size_t k = 0; k < 3; k++) {
				size_t from = b.len;
				buf_add(&b,
					slice_head(slice_tail(in, cuts[k]), cuts[k + 1] - cuts[k]));
				pop3_body_stuff(&body, &b, from);
			}
			pop3_body_end(&body, &b);
			assert_true(slice_eq(slice_tail(buf_slice(&b), 5), wanted));
			buf_done(&b);
		}
	}
}

static void stuffs_dots(void **)
{
	stuffed(S(""), S(".\r\n"));
	stuffed(S("."), S("..\r\n.\r\n"));
	stuffed(S(".\r\n..\r\na.\r\n"), S("..\r\n...\r\na.\r\n.\r\n"));
	stuffed(S("a\r\n\r\n.b"), S("a\r\n\r\n..b\r\n.\r\n"));
	stuffed(S("a\n.\n\nb"), S("a\r\n..\r\n\r\nb\r\n.\r\n"));
	stuffed(S("\n"), S("\r\n.\r\n"));
	stuffed(S("a\rb\r"), S("a\rb\r\n.\r\n"));
	stuffed(S("\r.\r\r\n."), S("\r.\r\r\n..\r\n.\r\n"));
}

static void counts_lines(void **)
{
	uint64_t lines = 2;
	assert_int_equal(pop3_body_lines(S("a\r\nb\r\nc\r\n"), &lines), 6);
	assert_int_equal(lines, 0);
	assert_int_equal(pop3_body_lines(S("a\r\n"), &lines), 0);
	lines = 2;
	assert_int_equal(pop3_body_lines(S("a\r\nb"), &lines), 4);
	assert_int_equal(lines, 1);
	assert_int_equal(pop3_body_lines(S(""), &lines), 0);
}

int test_pop3(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_verbs),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(reads_auth),
		cmocka_unit_test(fits_languages),
		cmocka_unit_test(writes_text),
		cmocka_unit_test(stuffs_dots),
		cmocka_unit_test(counts_lines),
	};
	return cmocka_run_group_tests_name("wire/pop3", tests, NULL, NULL);
}
