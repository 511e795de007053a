/* spf.c: SPF over a table of records, each case run again for every answer that it waits for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/spf.h"
#include "groups.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char zone[] = "plain.test TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all\n"
			   "soft.test TXT v=spf1 a mx/28 ~all\n"
			   "soft.test A 198.51.100.7\n"
			   "soft.test MX 10 mx.soft.test\n"
			   "mx.soft.test A 203.0.113.1\n"
			   "two.test TXT v=spf1 -all\n"
			   "two.test TXT v=spf1 +all\n"
			   "other.test TXT v=spf10 +all\n"
			   "in.test TXT v=spf1 include:plain.test ?all\n"
			   "in.none.test TXT v=spf1 include:none.test -all\n"
			   "loop.test TXT v=spf1 include:loop.test -all\n"
			   "to.test TXT v=spf1 redirect=plain.test\n"
			   "why.test TXT v=spf1 -all exp=exp.why.test\n"
			   "exp.why.test TXT %{i} may not send for %{d} as %{s}%_(%{h})\n"
			   "rev.test TXT v=spf1 exists:%{ir}.%{l1r-}.%{d2}.list.test -all\n"
			   "7.2.0.192.ann.rev.test.list.test A 127.0.0.2\n"
			   "name.test TXT v=spf1 ptr -all\n"
			   "9.2.0.192.in-addr.arpa PTR host.name.test\n"
			   "host.name.test A 192.0.2.9\n"
			   "void.test TXT v=spf1 a:no1.test a:no2.test a:no3.test +all\n"
			   "down.test TXT v=spf1 a:fails.test -all\n"
			   "fails.test A SERVFAIL\n"
			   "broken.test TXT v=spf1 +all ip4:1.2.3\n"
			   "gone.test TXT SERVFAIL\n";

static const struct {
	const char *ip, *sender;
	enum spf_result result;
	const char *says; /* mechanism, explanation or problem; NULL: not looked at */
} cases[] = {
	{ "192.0.2.77", "ann@plain.test", SPF_PASS, "ip4:192.0.2.0/24" },
	{ "::ffff:192.0.2.77", "ann@plain.test", SPF_PASS, "ip4:192.0.2.0/24" },
	{ "2001:db8:5::1", "ann@PLAIN.test", SPF_PASS, "ip6:2001:db8::/32" },
	{ "198.51.100.1", "ann@plain.test", SPF_FAIL, "-all" },
	{ "198.51.100.1", "", SPF_NONE, "the domain has no SPF record" }, /* helo.test */
	{ "198.51.100.7", "ann@soft.test", SPF_PASS, "a" },
	{ "203.0.113.14", "ann@soft.test", SPF_PASS, "mx/28" },
	{ "203.0.113.17", "ann@soft.test", SPF_SOFTFAIL, "~all" },
	{ "192.0.2.1", "ann@two.test", SPF_PERMERROR, "the domain has several SPF records" },
	{ "192.0.2.1", "ann@other.test", SPF_NONE, NULL },
	{ "192.0.2.1", "ann@in.test", SPF_PASS, "include:plain.test" },
	{ "192.1.2.1", "ann@in.test", SPF_NEUTRAL, "?all" },
	{ "192.0.2.1", "ann@in.none.test", SPF_PERMERROR, "an included domain has no record" },
	{ "192.0.2.1", "ann@loop.test", SPF_PERMERROR, "more than ten terms ask DNS" },
	{ "192.0.2.1", "ann@to.test", SPF_PASS, NULL },
	{ "192.0.2.1", "ann@why.test", SPF_FAIL,
		"192.0.2.1 may not send for why.test as ann@why.test (helo.test)" },
	{ "192.0.2.7", "ann-x@rev.test", SPF_PASS, NULL },
	{ "192.0.2.7", "x-ann@rev.test", SPF_FAIL, NULL },
	{ "192.0.2.7", "ann@rev.test", SPF_PASS, NULL },
	{ "192.0.2.9", "ann@name.test", SPF_PASS, "ptr" },
	{ "192.0.2.10", "ann@name.test", SPF_FAIL, NULL },
	{ "192.0.2.10", "ann@void.test", SPF_PERMERROR, "more than two names do not exist" },
	{ "192.0.2.10", "ann@down.test", SPF_TEMPERROR, "DNS does not answer" },
	{ "192.0.2.10", "ann@gone.test", SPF_TEMPERROR, NULL },
	{ "192.0.2.10", "ann@broken.test", SPF_PERMERROR, "a term of the record cannot be read" },
	{ "192.0.2.10", "ann@[192.0.2.10]", SPF_NONE, NULL },
	{ "192.0.2.10", "ann@single", SPF_NONE, NULL },
};

static void take_ip(const char *text, struct spf_ask *ask)
{
	ask->ip_len = inet_pton(AF_INET, text, ask->ip) == 1 ? 4 : 16;
	assert_true(ask->ip_len == 4 || inet_pton(AF_INET6, text, ask->ip) == 1);
}

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
		struct spf_answer got;
		struct spf_ask ask = { .helo = S("helo.test"),
			.sender = slice_str(cases[i].sender) };
		unsigned runs = 0;
		enum rc rc;
		arena_init(&a, 0);
		dns_memo_init(&memo, dns, NULL);
		take_ip(cases[i].ip, &ask);
		while ((rc = spf_check(&ask, &memo, &a, &got, &why)) == RC_WAIT)
			assert_true(++runs < 30);
		assert_int_equal(rc, RC_OK);
		struct slice says = slice_str(cases[i].says);
		bool told = slice_eq(says, got.mechanism) || slice_eq(says, got.explanation) ||
			    slice_eq(says, slice_str(got.problem));
		if (got.result != cases[i].result || (cases[i].says && !told))
			fail_msg("%s from %s: %s \"%.*s\" \"%.*s\" \"%s\"", cases[i].sender,
				cases[i].ip, spf_result_name(got.result), FMT(got.mechanism),
				FMT(got.explanation), got.problem);
		dns_memo_done(&memo);
		arena_done(&a);
	}
	dns_free(&dns);
	run_free(&run);
}

int test_spf(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table_of_cases) };
	return cmocka_run_group_tests_name("trust: spf", tests, NULL, NULL);
}
