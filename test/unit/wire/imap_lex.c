/* imap_lex.c: Words of IMAP read and written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"
#include "wire/imap_args.h"
#include "wire/imap_utf7.h"
#include "wire/imap_write.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *text;
	enum rc rc;
	const char *out, *rest;
} astrings[] = {
	{ "abc] d", RC_OK, "abc]", " d" },
	{ "\"a \\\"b\\\\\" d", RC_OK, "a \"b\\", " d" },
	{ "{3}\r\nabc d", RC_OK, "abc", " d" },
	{ "{3+}\r\nabc d", RC_OK, "abc", " d" },
	{ "{0}\r\n", RC_OK, "", "" },
	{ "\"\"", RC_OK, "", "" },
	{ "{4}\r\nabc", RC_BAD, NULL, NULL },
	{ "{3}abc", RC_BAD, NULL, NULL },
	{ "\"a", RC_BAD, NULL, NULL },
	{ "\"a\\n\"", RC_BAD, NULL, NULL },
	{ "(a", RC_BAD, NULL, NULL },
	{ "", RC_BAD, NULL, NULL },
};

static void reads_astrings(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(astrings) / sizeof(astrings[0]); i++) {
		struct imap_lex x = { .rest = slice_str(astrings[i].text), .a = &a };
		struct slice out;
		assert_int_equal(imap_lex_astring(&x, &out), astrings[i].rc);
		if (astrings[i].rc != RC_OK) {
			assert_true(slice_eq(x.rest, slice_str(astrings[i].text)));
			continue;
		}
		assert_true(slice_eq(out, slice_str(astrings[i].out)));
		assert_true(slice_eq(x.rest, slice_str(astrings[i].rest)));
	}
	arena_done(&a);
}

static const struct {
	const char *coded, *utf8;
} names[] = {
	{ "INBOX", "INBOX" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "A&-B", "A&B" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
};
static const char *const bad_names[] = { "&", "&a", "&AGE-", "&APw", "&2D0-", "&APx-", "&A-",
	"&!-" };

static void codes_names(void **)
{
	struct arena a;
	struct slice out;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf b;
		assert_int_equal(imap_utf7_read(slice_str(names[i].coded), &a, &out), RC_OK);
		assert_true(slice_eq(out, slice_str(names[i].utf8)));
		buf_init(&b, 0, &a);
		imap_utf7_write(out, &b);
		assert_true(slice_eq(buf_slice(&b), slice_str(names[i].coded)));
	}
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		assert_int_equal(imap_utf7_read(slice_str(bad_names[i]), &a, &out), RC_BAD);
	arena_done(&a);
}

static void reads_dates(void **)
{
	struct imap_lex x = { .rest = S("\" 1-Feb-2024 13:05:00 +0100\"") };
	int64_t t;
	assert_int_equal(imap_lex_date_time(&x, &t), RC_OK);
	assert_int_equal(t, 1706789100);
	x.rest = S("1-Jan-1970");
	assert_int_equal(imap_lex_date(&x, &t), RC_OK);
	assert_int_equal(t, 0);
	x.rest = S("\"29-Feb-2024\"");
	assert_int_equal(imap_lex_date(&x, &t), RC_OK);
	x.rest = S("29-Feb-2023");
	assert_int_equal(imap_lex_date(&x, &t), RC_BAD);
	x.rest = S("\" 1-Feb-2024 25:05:00 +0100\"");
	assert_int_equal(imap_lex_date_time(&x, &t), RC_BAD);
}

static const struct {
	const char *text;
	enum rc rc;
	uint32_t max;
	const char *out;
} sets[] = {
	{ "1,3:5", RC_OK, 10, "1,3:5" },
	{ "*:4", RC_OK, 6, "4:6" },
	{ "8:*", RC_OK, 6, "6" },
	{ "5:2,1", RC_OK, 9, "1:5" },
	{ "*", RC_OK, 0, "" },
	{ "1:*", RC_OK, 0, "" },
	{ "0", RC_BAD, 0, "" },
	{ "1:", RC_BAD, 0, "" },
	{ "1,,2", RC_BAD, 0, "" },
	{ "4294967296", RC_BAD, 0, "" },
};

static void reads_sets(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct imap_lex x = { .rest = slice_str(sets[i].text), .a = &a };
		struct imap_set set;
		struct ranges r = { 0 };
		struct buf b;
		assert_int_equal(imap_set_parse(&x, &set), sets[i].rc);
		if (sets[i].rc != RC_OK)
			continue;
		assert_int_equal(imap_set_resolve(&set, sets[i].max, true, &r), RC_OK);
		buf_init(&b, 0, &a);
		ranges_text(&r, &b);
		assert_true(slice_eq(buf_slice(&b), slice_str(sets[i].out)));
		ranges_done(&r);
	}
	arena_done(&a);
}

static void reads_flags(void **)
{
	struct arena a;
	struct imap_flags f;
	arena_init(&a, 0);
	struct imap_lex x = { .rest = S("(\\Seen $Junk \\dELETED $junk)"), .a = &a };
	assert_int_equal(imap_lex_flags(&x, false, &f), RC_OK);
	assert_int_equal(f.system, IMAP_SEEN | IMAP_DELETED);
	assert_int_equal(f.n, 1);
	x.rest = S("()");
	assert_int_equal(imap_lex_flags(&x, false, &f), RC_OK);
	x.rest = S("\\Seen a");
	assert_int_equal(imap_lex_flags(&x, true, &f), RC_OK);
	x.rest = S("(\\Foo)");
	assert_int_equal(imap_lex_flags(&x, false, &f), RC_BAD);
	arena_done(&a);
}

static const struct {
	const char *line;
	enum rc rc;
	uint64_t size;
	bool sync;
} literals[] = {
	{ "A LOGIN {5}", RC_OK, 5, true },
	{ "A LOGIN {5+}", RC_OK, 5, false },
	{ "A APPEND x ~{7}", RC_OK, 7, true },
	{ "A LOGIN \"{5}\"", RC_NONE, 0, false },
	{ "A {}", RC_NONE, 0, false },
	{ "A {x}", RC_NONE, 0, false },
	{ "A {99999999999999999999}", RC_BAD, 0, false },
};

static void finds_literals(void **)
{
	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		struct imap_literal lit;
		assert_int_equal(
			imap_literal_at_end(slice_str(literals[i].line), &lit), literals[i].rc);
		if (literals[i].rc == RC_OK)
			assert_true(
				lit.size == literals[i].size && lit.is_sync == literals[i].sync);
	}
}

static const struct {
	const char *pattern, *name;
	bool fits;
} patterns[] = {
	{ "*", "a/b", true },
	{ "%", "a/b", false },
	{ "%", "a", true },
	{ "%/%", "a/b", true },
	{ "a*b", "axxb/b", true },
	{ "*b%d", "b/b/bcd", true },
	{ "*b%d", "b/c/d", false },
	{ "inbox", "INBOX", true },
	{ "Inbox/x", "INBOX/x", true },
	{ "a", "A", false },
	{ "", "", true },
	{ "%a%", "xxa", true },
	{ "%a/%", "aa/x", true },
};

static void matches_patterns(void **)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_int_equal(imap_list_match(slice_str(patterns[i].pattern),
					 slice_str(patterns[i].name)),
			patterns[i].fits);
}

static void writes_words(void **)
{
	struct arena a;
	struct buf b;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	imap_write_astring(S("abc"), &b);
	imap_write_astring(S("nil"), &b);
	imap_write_string(S("a\"b"), &b);
	imap_write_string(S("a\nb"), &b);
	imap_write_nstring((struct slice){ 0 }, &b);
	imap_write_mailbox(S("\xc3\xbc \"x\\"), false, &b);
	imap_write_mailbox(S("a&b"), false, &b);
	assert_true(slice_eq(
		buf_slice(&b), S("abc\"nil\"\"a\\\"b\"{3}\r\na\nbNIL\"&APw- \\\"x\\\\\"\"a&-b\"")));
	arena_done(&a);
}

int test_imap_lex(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_astrings),
		cmocka_unit_test(codes_names),
		cmocka_unit_test(reads_dates),
		cmocka_unit_test(reads_sets),
		cmocka_unit_test(reads_flags),
		cmocka_unit_test(finds_literals),
		cmocka_unit_test(matches_patterns),
		cmocka_unit_test(writes_words),
	};
	return cmocka_run_group_tests_name("wire/imap_lex", tests, NULL, NULL);
}
