/* imap_programs.c: FETCH items, search programs and other arguments of IMAP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_args.h"
#include "wire/imap_fetch.h"
#include "wire/imap_search.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *text;
	enum rc rc;
	size_t n;
	bool sets_seen;
	const char *echo; /* of the last item */
} fetches[] = {
	{ "ALL", RC_OK, 4, false, "ENVELOPE" },
	{ "full", RC_OK, 5, false, "BODY" },
	{ "FLAGS", RC_OK, 1, false, "FLAGS" },
	{ "(FLAGS UID BODY[])", RC_OK, 3, true, "BODY[]" },
	{ "BODY.PEEK[1.2.MIME]<0.100>", RC_OK, 1, false, "BODY[1.2.MIME]<0>" },
	{ "(body[header.fields (From \"to\")])", RC_OK, 1, true, "BODY[HEADER.FIELDS (From to)]" },
	{ "BODY[1.HEADER.FIELDS.NOT (x)]", RC_OK, 1, true, "BODY[1.HEADER.FIELDS.NOT (x)]" },
	{ "BODY[3]", RC_OK, 1, true, "BODY[3]" },
	{ "RFC822.HEADER", RC_OK, 1, false, "RFC822.HEADER" },
	{ "RFC822", RC_OK, 1, true, "RFC822" },
	{ "BODY", RC_OK, 1, false, "BODY" },
	{ "BINARY.SIZE[1]", RC_OK, 1, false, "BINARY.SIZE[1]" },
	{ "BINARY.PEEK[1]<5.6>", RC_OK, 1, false, "BINARY[1]<5>" },
	{ "(FLAGS) (CHANGEDSINCE 17 VANISHED)", RC_OK, 1, false, "FLAGS" },
	{ "(PREVIEW (LAZY) FLAGS)", RC_OK, 2, false, "FLAGS" },
	{ "BODY[MIME]", RC_BAD, 0, false, NULL },
	{ "BODY[0]", RC_BAD, 0, false, NULL },
	{ "BODY[1.]", RC_BAD, 0, false, NULL },
	{ "BODY[]<0.0>", RC_BAD, 0, false, NULL },
	{ "(FLAGS", RC_BAD, 0, false, NULL },
	{ "(FLAGS )", RC_BAD, 0, false, NULL },
	{ "FLAGS UID", RC_BAD, 0, false, NULL },
	{ "()", RC_BAD, 0, false, NULL },
	{ "BODY[HEADER.FIELDS ()]", RC_BAD, 0, false, NULL },
};

static void reads_fetches(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		struct imap_lex x = { .rest = slice_str(fetches[i].text), .a = &a };
		struct imap_fetch f;
		assert_int_equal(imap_fetch_parse(&x, &f), fetches[i].rc);
		if (fetches[i].rc != RC_OK)
			continue;
		assert_int_equal(f.n, fetches[i].n);
		assert_int_equal(f.sets_seen, fetches[i].sets_seen);
		assert_true(slice_eq(f.items[f.n - 1].echo, slice_str(fetches[i].echo)));
	}
	arena_done(&a);
}

static const char *const key_names[] = { "ALL", "AND", "OR", "NOT", "FLAGS", "KEYWORD", "SEQ",
	"UID", "LARGER", "SMALLER", "BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE",
	"OLDER", "YOUNGER", "MODSEQ", "HEADER", "BODY", "TEXT", "EMAILID", "THREADID",
	"SAVEDBEFORE", "SAVEDON", "SAVEDSINCE" };

static void show(const struct imap_search_node *n, struct buf *out)
{
	buf_str(out, key_names[n->key]);
	if (n->key == IMAP_KEY_FLAGS || n->key == IMAP_KEY_MODSEQ || n->key == IMAP_KEY_LARGER)
		buf_fmt(out, ":%llu", (unsigned long long)n->number);
	if (n->field.len)
		buf_fmt(out, ":%.*s", FMT(n->field));
	if (n->text.len)
		buf_fmt(out, ":%.*s", FMT(n->text));
	if (!n->child)
		return;
	buf_byte(out, '(');
	for (const struct imap_search_node *c = n->child; c; c = c->next) {
		show(c, out);
		if (c->next)
			buf_byte(out, ' ');
	}
	buf_byte(out, ')');
}

static const struct {
	const char *text;
	enum rc rc;
	const char *tree;
} searches[] = {
	{ "ALL", RC_OK, "AND(ALL)" },
	{ "UNSEEN FROM \"x y\"", RC_OK, "AND(NOT(FLAGS:1) HEADER:FROM:x y)" },
	{ "OR (SEEN DRAFT) NOT 1:3", RC_OK, "AND(OR(AND(FLAGS:1 FLAGS:16) NOT(SEQ)))" },
	{ "NEW", RC_OK, "AND(AND(FLAGS:32 NOT(FLAGS:1)))" },
	{ "UNKEYWORD $Junk HEADER X-Y \"\"", RC_OK, "AND(NOT(KEYWORD:$Junk) HEADER:X-Y)" },
	{ "CHARSET UTF-8 TEXT {2}\r\n\xc3\xbc", RC_OK, "AND(TEXT:\xc3\xbc)" },
	{ "RETURN (MIN COUNT) UID 1:* SINCE 1-Jan-2020", RC_OK, "AND(UID SINCE)" },
	{ "RETURN () MODSEQ \"/flags/\\\\draft\" all 620162338", RC_OK, "AND(MODSEQ:620162338)" },
	{ "MODSEQ 7 $ LARGER 5", RC_OK, "AND(MODSEQ:7 SEQ LARGER:5)" },
	{ "", RC_BAD, NULL },
	{ "FOO", RC_BAD, NULL },
	{ "OR SEEN", RC_BAD, NULL },
	{ "SINCE 1", RC_BAD, NULL },
	{ "ALL ", RC_BAD, NULL },
	{ "(ALL", RC_BAD, NULL },
	{ "RETURN (FOO) ALL", RC_BAD, NULL },
};

static void reads_searches(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		struct imap_lex x = { .rest = slice_str(searches[i].text), .a = &a };
		struct imap_search s;
		struct buf b;
		assert_int_equal(imap_search_parse(&x, &s), searches[i].rc);
		if (searches[i].rc != RC_OK)
			continue;
		buf_init(&b, 0, &a);
		show(s.root, &b);
		assert_true(slice_eq(buf_slice(&b), slice_str(searches[i].tree)));
	}
	arena_done(&a);
}

static void caps_depth(void **)
{
	struct arena a;
	struct buf b;
	struct imap_search s;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	for (int i = 0; i < 1000; i++)
		buf_str(&b, "NOT (");
	struct imap_lex x = { .rest = buf_slice(&b), .a = &a };
	assert_int_equal(imap_search_parse(&x, &s), RC_LIMIT);
	arena_done(&a);
}

static void reads_arguments(void **)
{
	struct arena a;
	arena_init(&a, 0);
	struct imap_lex x = { .rest = S("(UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen x)"), .a = &a };
	struct imap_store st;
	assert_int_equal(imap_args_store(&x, &st), RC_OK);
	assert_true(st.op == IMAP_STORE_ADD && st.is_silent && st.has_unchanged_since &&
		    st.unchanged_since == 5);
	x.rest = S("FLAGS \\Seen \\Draft");
	assert_int_equal(imap_args_store(&x, &st), RC_OK);
	x.rest = S("FLAGS");
	assert_int_equal(imap_args_store(&x, &st), RC_BAD);
	struct imap_append ap;
	x.rest = S("(\\Seen) \" 1-Feb-2024 13:05:00 +0000\" {310}");
	assert_int_equal(imap_args_append(&x, &ap), RC_OK);
	assert_true(ap.has_date && ap.literal.size == 310);
	x.rest = S("UTF8 (~{3+}");
	assert_int_equal(imap_args_append(&x, &ap), RC_OK);
	assert_true(ap.is_utf8 && ap.literal.is_8 && !ap.literal.is_sync);
	x.rest = S("\"x\" {3}");
	assert_int_equal(imap_args_append(&x, &ap), RC_BAD);
	struct imap_list l;
	x.rest = S("(SUBSCRIBED) \"\" (\"a%\" b*) RETURN (CHILDREN STATUS (MESSAGES))");
	assert_int_equal(imap_list_parse(&x, &l), RC_OK);
	assert_true(l.n == 2 && l.only_subscribed && l.return_children &&
		    l.status == IMAP_STATUS_MESSAGES);
	x.rest = S("\"\" %");
	assert_int_equal(imap_list_parse(&x, &l), RC_OK);
	assert_false(l.is_extended);
	struct imap_select se;
	x.rest = S(" (CONDSTORE QRESYNC (67890007 90060115194045000 41:211 (1 2)))");
	assert_int_equal(imap_args_select(&x, &se), RC_OK);
	assert_true(se.condstore && se.qresync && se.uid_validity == 67890007);
	struct slice *pairs, use;
	size_t n;
	x.rest = S("(\"name\" \"x\" \"os\" NIL)");
	assert_int_equal(imap_args_id(&x, &pairs, &n), RC_OK);
	assert_true(n == 2 && !pairs[3].at);
	x.rest = S(" (USE (\\Sent))");
	assert_int_equal(imap_args_create(&x, &use), RC_OK);
	assert_true(slice_eq(use, S("\\Sent")));
	arena_done(&a);
}

int test_imap_programs(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_fetches),
		cmocka_unit_test(reads_searches),
		cmocka_unit_test(caps_depth),
		cmocka_unit_test(reads_arguments),
	};
	return cmocka_run_group_tests_name("wire/imap_programs", tests, NULL, NULL);
}
