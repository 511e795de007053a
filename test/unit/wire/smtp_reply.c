/* smtp_reply.c: Replies written and read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_reply.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void writes_replies(void **)
{
	struct arena a;
	struct buf b;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	smtp_reply(&b, "250 2.0.0", S("one\ntwo\r"));
	smtp_reply(&b, "220", S("hi"));
	smtp_reply_line(&b, 250, false, S("SIZE 1"));
	smtp_reply_line(&b, 250, true, S("HELP"));
	assert_true(slice_eq(buf_slice(&b),
		S("250-2.0.0 one\r\n250 2.0.0 two\r\n220 hi\r\n250-SIZE 1\r\n250 HELP\r\n")));
	arena_done(&a);
}

static void reads_replies(void **)
{
	struct arena a;
	struct smtp_answer r;
	arena_init(&a, 0);
	smtp_answer_init(&r, &a);
	assert_int_equal(smtp_answer_line(&r, S("550-5.1.1 no such")), RC_MORE);
	assert_int_equal(smtp_answer_line(&r, S("550 5.1.1 user")), RC_OK);
	assert_int_equal(r.code, 550);
	assert_true(r.enhanced[0] == 5 && r.enhanced[1] == 1 && r.enhanced[2] == 1);
	assert_true(slice_eq(smtp_answer_text(&r), S("no such\nuser")));
	smtp_answer_init(&r, &a);
	assert_int_equal(smtp_answer_line(&r, S("250-a")), RC_MORE);
	assert_int_equal(smtp_answer_line(&r, S("251 b")), RC_BAD);
	smtp_answer_init(&r, &a);
	assert_int_equal(smtp_answer_line(&r, S("250")), RC_OK);
	assert_int_equal(smtp_answer_line(&r, S("25")), RC_BAD);
	assert_int_equal(smtp_answer_line(&r, S("650 x")), RC_BAD);
	arena_done(&a);
}

static void reads_ehlo(void **)
{
	struct smtp_ehlo e;
	smtp_ehlo_read(S("mx.example hello\nPIPELINING\nsize 1000\nAUTH PLAIN LOGIN\nLIMITS "
			 "RCPTMAX=20 MAILMAX=5\nX"),
		&e);
	assert_true(slice_eq(e.name, S("mx.example")));
	assert_true(e.ext & SMTP_EXT_PIPELINING);
	assert_int_equal(e.size, 1000);
	assert_true(slice_eq(e.auth, S("PLAIN LOGIN")));
	assert_true(e.rcpt_max == 20 && e.mail_max == 5);
	assert_false(e.ext & SMTP_EXT_STARTTLS);
}

int test_smtp_reply(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_replies),
		cmocka_unit_test(reads_replies),
		cmocka_unit_test(reads_ehlo),
	};
	return cmocka_run_group_tests_name("wire/smtp_reply", tests, NULL, NULL);
}
