/* dmarc.c: Policies by the list and by the walk, over a table of records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dmarc.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char zone[] = "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=none; "
			   "rua=mailto:d@example.com\n"
			   "example.com A 192.0.2.1\n"
			   "mail.example.com A 192.0.2.1\n"
			   "_dmarc.strict.test TXT v=DMARC1; p=quarantine; aspf=s; adkim=s\n"
			   "_dmarc.half.test TXT v=DMARC1; p=reject; pct=50\n"
			   "_dmarc.try.test TXT v=DMARC1; p=reject; t=y\n"
			   "_dmarc.two.test TXT v=DMARC1; p=reject\n"
			   "_dmarc.two.test TXT v=DMARC1; p=none\n"
			   "_dmarc.bad.test TXT v=DMARC1; p=perhaps\n"
			   "_dmarc.only.test TXT v=DMARC1; p=perhaps; rua=mailto:x@only.test\n"
			   "_dmarc.down.test TXT SERVFAIL\n"
			   "_dmarc.other.test TXT something else\n"
			   "_dmarc.bank.test TXT v=DMARC1; p=reject; psd=y\n"
			   "_dmarc.own.bank.test TXT v=DMARC1; p=quarantine; psd=n\n"
			   "a.own.bank.test A 192.0.2.1\n"
			   "b.bank.test A 192.0.2.1\n"
			   "_dmarc.co.uk TXT v=DMARC1; p=reject; psd=y\n"
			   "shop.co.uk A 192.0.2.1\n"
			   "deep.test A 192.0.2.1\n"
			   "_dmarc.deep.test TXT v=DMARC1; p=reject\n"
			   "1.2.3.4.5.6.7.8.9.10.deep.test A 192.0.2.1\n";

static const struct {
	const char *from, *spf, *dkim; /* domains that passed; NULL: none */
	enum dmarc_method method;
	enum dmarc_result result;
	const char *policy; /* "" where it does not matter */
	const char *org;
	unsigned dice;
} cases[] = {
	{ "example.com", "example.com", NULL, DMARC_BY_LIST, DMARC_PASS, "reject", "example.com",
		0 },
	{ "EXAMPLE.com.", "bounce.example.com", NULL, DMARC_BY_LIST, DMARC_PASS, "reject",
		"example.com", 0 },
	{ "mail.example.com", NULL, "example.com", DMARC_BY_LIST, DMARC_PASS, "quarantine",
		"example.com", 0 },
	{ "mail.example.com", "evil.test", "evil.test", DMARC_BY_LIST, DMARC_FAIL, "quarantine",
		"example.com", 0 },
	{ "nobody.example.com", NULL, NULL, DMARC_BY_LIST, DMARC_FAIL, "none", "example.com", 0 },
	{ "mail.example.com", NULL, NULL, DMARC_BY_WALK, DMARC_FAIL, "quarantine", "example.com",
		0 },
	{ "strict.test", "a.strict.test", "b.strict.test", DMARC_BY_LIST, DMARC_FAIL, "quarantine",
		"strict.test", 0 },
	{ "strict.test", NULL, "strict.test", DMARC_BY_LIST, DMARC_PASS, "", "strict.test", 0 },
	{ "half.test", NULL, NULL, DMARC_BY_LIST, DMARC_FAIL, "reject", "half.test", 49 },
	{ "half.test", NULL, NULL, DMARC_BY_LIST, DMARC_FAIL, "quarantine", "half.test", 50 },
	{ "try.test", NULL, NULL, DMARC_BY_WALK, DMARC_FAIL, "quarantine", "try.test", 0 },
	{ "two.test", NULL, NULL, DMARC_BY_LIST, DMARC_NONE, "", "two.test", 0 },
	{ "bad.test", NULL, NULL, DMARC_BY_LIST, DMARC_PERMERROR, "", "bad.test", 0 },
	{ "only.test", NULL, NULL, DMARC_BY_LIST, DMARC_FAIL, "none", "only.test", 0 },
	{ "down.test", NULL, NULL, DMARC_BY_LIST, DMARC_TEMPERROR, "", "down.test", 0 },
	{ "other.test", "other.test", NULL, DMARC_BY_LIST, DMARC_NONE, "", "other.test", 0 },
	{ "nothing.test", NULL, NULL, DMARC_BY_WALK, DMARC_NONE, "", "nothing.test", 0 },
	{ "[192.0.2.1]x y", NULL, NULL, DMARC_BY_LIST, DMARC_PERMERROR, "", "", 0 },
	/* a public suffix's own policy covers what has none, and aligns nobody with a neighbour */
	{ "b.bank.test", "c.bank.test", NULL, DMARC_BY_WALK, DMARC_FAIL, "reject", "b.bank.test",
		0 },
	{ "a.own.bank.test", "own.bank.test", NULL, DMARC_BY_WALK, DMARC_PASS, "quarantine",
		"own.bank.test", 0 },
	{ "shop.co.uk", "other.co.uk", NULL, DMARC_BY_LIST, DMARC_NONE, "", "shop.co.uk", 0 },
	{ "1.2.3.4.5.6.7.8.9.10.deep.test", "x.deep.test", NULL, DMARC_BY_WALK, DMARC_PASS,
		"reject", "deep.test", 0 },
};

static void table_of_cases(void **state)
{
	struct dns *dns;
	struct fault why;
	struct run *run = run_new(&(struct run_conf){ .seats = 1 });
	(void)state;
	assert_int_equal(dns_script_text(run, slice_str(zone), &dns, &why), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a;
		struct dns_memo memo;
		struct dmarc_answer got;
		struct dkim_signature signature = { .result = DKIM_PASS,
			.domain = slice_str(cases[i].dkim) };
		struct dmarc_ask ask = { .method = cases[i].method,
			.from = slice_str(cases[i].from),
			.spf = cases[i].spf ? SPF_PASS : SPF_FAIL,
			.spf_domain = slice_str(cases[i].spf),
			.dkim = &signature,
			.dkim_n = cases[i].dkim != NULL,
			.dice = cases[i].dice };
		unsigned runs = 0;
		enum rc rc;
		arena_init(&a, 0);
		dns_memo_init(&memo, dns, NULL);
		while ((rc = dmarc_check(&ask, &memo, &a, &got, &why)) == RC_WAIT)
			assert_true(++runs < 40);
		assert_int_equal(rc, RC_OK);
		const char *policy = dmarc_policy_name(got.policy);
		if (got.result != cases[i].result ||
			!slice_eq(got.org_domain, slice_str(cases[i].org)) ||
			(cases[i].policy[0] && strcmp(policy, cases[i].policy) != 0))
			fail_msg("%s: %s, %s, %.*s: %s", cases[i].from,
				dmarc_result_name(got.result), policy, FMT(got.org_domain),
				got.problem);
		dns_memo_done(&memo);
		arena_done(&a);
	}
	dns_free(&dns);
	run_free(&run);
}

int test_dmarc(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table_of_cases) };
	return cmocka_run_group_tests_name("trust: dmarc", tests, NULL, NULL);
}
