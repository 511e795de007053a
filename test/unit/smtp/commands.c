/* commands.c: Which role knows which word, and that each word's time goes to its own figure. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "smtp/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MX = 1 << SMTP_MX, SUB = 1 << SMTP_SUBMISSION, LMTP = 1 << SMTP_LMTP };

static void roles_know_their_words(void **state)
{
	static const struct {
		enum smtp_verb verb;
		unsigned roles;
		bool needs_hello;
	} rows[] = {
		{ SMTP_HELO, MX | SUB, false },
		{ SMTP_EHLO, MX | SUB, false },
		{ SMTP_LHLO, LMTP, false },
		{ SMTP_MAIL, MX | SUB | LMTP, true },
		{ SMTP_RCPT, MX | SUB | LMTP, true },
		{ SMTP_DATA, MX | SUB | LMTP, true },
		{ SMTP_BDAT, MX | SUB | LMTP, true },
		{ SMTP_RSET, MX | SUB | LMTP, false },
		{ SMTP_NOOP, MX | SUB | LMTP, false },
		{ SMTP_QUIT, MX | SUB | LMTP, false },
		{ SMTP_VRFY, MX | SUB | LMTP, false },
		{ SMTP_HELP, MX | SUB | LMTP, false },
		{ SMTP_STARTTLS, MX | SUB | LMTP, true },
		{ SMTP_AUTH, MX | SUB, true },
		{ SMTP_UNKNOWN, 0, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned role = 0; role < SMTP_ROLES; role++) {
			const struct smtp_command *c =
				smtp_command_find((enum smtp_role)role, rows[i].verb);
			assert_int_equal(c != NULL, (rows[i].roles >> role) & 1);
			if (!c)
				continue;
			char label[64];
			snprintf(label, sizeof(label), "{command=\"%s\"}",
				smtp_verb_name(rows[i].verb));
			assert_int_equal(c->needs_hello, rows[i].needs_hello);
			assert_non_null(c->fn);
			assert_true(c->rfc[0] >= '0' && c->rfc[0] <= '9');
			assert_true(
				slice_ends(slice_str(metric_name(c->metric)), slice_str(label)));
			assert_true(slice_eq(
				metric_family(c->metric), S("veredus_smtp_command_microseconds")));
		}
	}
}

int test_commands(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(roles_know_their_words) };
	return cmocka_run_group_tests_name("smtp commands", tests, NULL, NULL);
}
