/* smtp.c: Verbs, paths and parameters of SMTP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *line;
	enum smtp_verb verb;
	const char *args;
} lines[] = {
	{ "EHLO mx.example.org", SMTP_EHLO, "mx.example.org" },
	{ "mail FROM:<a@b> SIZE=1", SMTP_MAIL, "<a@b> SIZE=1" },
	{ "MAIL from: <a@b>", SMTP_MAIL, "<a@b>" },
	{ "RCPT TO :<a@b>", SMTP_RCPT, "<a@b>" },
	{ "RCPT FROM:<a@b>", SMTP_RCPT, "FROM:<a@b>" },
	{ "QUIT ", SMTP_QUIT, "" },
	{ "QUITS", SMTP_UNKNOWN, "" },
	{ "", SMTP_UNKNOWN, "" },
	{ "STARTTLS", SMTP_STARTTLS, "" },
};

static void reads_verbs(void **)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct slice args;
		assert_int_equal(smtp_verb(slice_str(lines[i].line), &args), lines[i].verb);
		assert_true(slice_eq(args, slice_str(lines[i].args)));
	}
}

static const struct {
	const char *text;
	enum rc rc;
	const char *local, *domain, *address, *rest;
} paths[] = {
	{ "<>", RC_OK, "", "", "", "" },
	{ "<a@b.c> X=1", RC_OK, "a", "b.c", "a@b.c", " X=1" },
	{ "< a@b >", RC_OK, "a", "b", "a@b", "" },
	{ "<@x,@y:a@b>", RC_OK, "a", "b", "a@b", "" },
	{ "<\"a b\"@c>", RC_OK, "a b", "c", "\"a b\"@c", "" },
	{ "<\"ab\"@c>", RC_OK, "ab", "c", "ab@c", "" },
	{ "<\"a\\\"b>\"@c>", RC_OK, "a\"b>", "c", "\"a\\\"b>\"@c", "" },
	{ "<a..b@c>", RC_OK, "a..b", "c", "\"a..b\"@c", "" },
	{ "<PostMaster>", RC_OK, "PostMaster", "", "PostMaster", "" },
	{ "<a@[192.0.2.1]>", RC_OK, "a", "[192.0.2.1]", "a@[192.0.2.1]", "" },
	{ "<a@[IPv6:2001:db8::1]>", RC_OK, "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", "" },
	{ "<m\xc3\xbcller@b\xc3\xbc.de>", RC_OK, "m\xc3\xbcller", "b\xc3\xbc.de",
		"m\xc3\xbcller@b\xc3\xbc.de", "" },
	{ "a@b", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@b", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<@b>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@b..c>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@-b>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@b@c>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a b@c>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<a@[1.2.3]>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<\xff@c>", RC_BAD, NULL, NULL, NULL, NULL },
	{ "<12345678901234567890123456789012345678901234567890123456789012345@c>", RC_LIMIT, NULL,
		NULL, NULL, NULL },
};

static void reads_paths(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct smtp_path p;
		struct slice in = slice_str(paths[i].text);
		assert_int_equal(smtp_path_parse(&in, &a, &p), paths[i].rc);
		if (paths[i].rc != RC_OK)
			continue;
		assert_true(slice_eq(p.local, slice_str(paths[i].local)));
		assert_true(slice_eq(p.domain, slice_str(paths[i].domain)));
		assert_true(slice_eq(p.address, slice_str(paths[i].address)));
		assert_true(slice_eq(in, slice_str(paths[i].rest)));
	}
	arena_done(&a);
}

/* Lines that are read and written again come out the same. */
static const char *const mails[] = {
	"MAIL FROM:<>",
	"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb",
	"MAIL FROM:<a@b> AUTH=<> REQUIRETLS MT-PRIORITY=-3 HOLDFOR=60 BY=120;RT",
	"MAIL FROM:<a@b> BODY=BINARYMIME AUTH=c+3Dd@e",
};

static void mends_mails(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct smtp_mail m;
		struct slice args;
		struct buf b;
		assert_int_equal(smtp_verb(slice_str(mails[i]), &args), SMTP_MAIL);
		assert_int_equal(smtp_mail_parse(args, &a, &m, NULL), RC_OK);
		buf_init(&b, 0, &a);
		smtp_mail_write(&m, &b);
		assert_true(slice_eq(slice_trim(buf_slice(&b)), slice_str(mails[i])));
	}
	arena_done(&a);
}

static const struct {
	const char *args;
	enum fault_id fault;
} bad_mails[] = {
	{ "<a@b> FOO=1", FAULT_PARAM_UNKNOWN },
	{ "<a@b> SIZE=1 SIZE=1", FAULT_SYNTAX },
	{ "<a@b> SIZE=x", FAULT_SYNTAX },
	{ "<a@b> BODY=9BIT", FAULT_SYNTAX },
	{ "<a@b>SIZE=1", FAULT_SYNTAX },
	{ "<a@b> HOLDFOR=1 HOLDUNTIL=2030-01-01T00:00:00Z", FAULT_SYNTAX },
	{ "FROM", FAULT_SYNTAX },
};

static void refuses_mails(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(bad_mails) / sizeof(bad_mails[0]); i++) {
		struct smtp_mail m;
		struct fault why = { 0 };
		assert_int_equal(
			smtp_mail_parse(slice_str(bad_mails[i].args), &a, &m, &why), RC_BAD);
		assert_int_equal(why.id, bad_mails[i].fault);
	}
	struct smtp_mail m;
	assert_int_equal(
		smtp_mail_parse(S("<a@b> HOLDUNTIL=2030-01-02T03:04:05+01:00"), &a, &m, NULL),
		RC_OK);
	assert_int_equal(m.hold_until, 1893549845);
	arena_done(&a);
}

static void reads_rcpts(void **)
{
	struct arena a;
	struct smtp_rcpt r;
	struct buf b;
	arena_init(&a, 0);
	assert_int_equal(
		smtp_rcpt_parse(S("<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c"), &a, &r, NULL),
		RC_OK);
	assert_int_equal(r.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
	assert_true(slice_eq(r.orcpt, S("a+b@c")));
	buf_init(&b, 0, &a);
	smtp_rcpt_write(&r, &b);
	assert_true(slice_eq(
		buf_slice(&b), S("RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c\r\n")));
	assert_int_equal(smtp_rcpt_parse(S("<>"), &a, &r, NULL), RC_BAD);
	assert_int_equal(smtp_rcpt_parse(S("<a@b> NOTIFY=NEVER,DELAY"), &a, &r, NULL), RC_BAD);
	arena_done(&a);
}

static void reads_bdat_and_auth(void **)
{
	uint64_t size;
	bool last;
	struct slice mech, initial;
	assert_int_equal(smtp_bdat_parse(S("100 LAST"), &size, &last), RC_OK);
	assert_true(size == 100 && last);
	assert_int_equal(smtp_bdat_parse(S("0"), &size, &last), RC_OK);
	assert_false(last);
	assert_int_equal(smtp_bdat_parse(S("1 FIRST"), &size, &last), RC_BAD);
	assert_int_equal(smtp_bdat_parse(S(""), &size, &last), RC_BAD);
	assert_int_equal(smtp_auth_parse(S("PLAIN ="), &mech, &last, &initial), RC_OK);
	assert_true(last && slice_eq(initial, S("=")));
	assert_int_equal(smtp_auth_parse(S(""), &mech, &last, &initial), RC_BAD);
}

int test_smtp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_verbs),
		cmocka_unit_test(reads_paths),
		cmocka_unit_test(mends_mails),
		cmocka_unit_test(refuses_mails),
		cmocka_unit_test(reads_rcpts),
		cmocka_unit_test(reads_bdat_and_auth),
	};
	return cmocka_run_group_tests_name("wire/smtp", tests, NULL, NULL);
}
