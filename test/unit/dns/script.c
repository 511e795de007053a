/* script.c: Names, memos and the scripted table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/arena.h"
#include "dns/dns.h"

static void names(void **state)
{
	(void)state;
	struct arena a;
	struct slice out;
	static const uint8_t v4[] = { 192, 0, 2, 33 }, v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 0x1f };
	arena_init(&a, 0);
	assert_int_equal(dns_name_ascii(S("WWW.Example.ORG."), &a, &out), RC_OK);
	assert_true(slice_eq(out, S("www.example.org")));
	assert_int_equal(dns_name_ascii(S("B\xc3\x9c"
					  "cher.example"),
				 &a, &out),
		RC_OK);
	assert_true(slice_eq(out, S("xn--bcher-kva.example")));
	assert_int_equal(dns_name_ascii(S("_dmarc.example.org"), &a, &out), RC_OK);
	static const char *const bad[] = { "", ".", "a..b", ".a", "a b", "a\\b",
		"1234567890123456789012345678901234567890123456789012345678901234.x" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dns_name_ascii(slice_str(bad[i]), &a, &out), RC_BAD);
	assert_true(slice_eq(dns_name_reverse(v4, 4, &a), S("33.2.0.192.in-addr.arpa")));
	assert_true(slice_eq(dns_name_reverse(v6, 16, &a),
		S("f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")));
	arena_done(&a);
}

static enum rc twice(
	struct dns_memo *m, struct slice name, enum dns_type type, struct dns_answer *out)
{
	struct fault why = { 0 };
	assert_int_equal(dns_memo_get(m, name, type, out, &why), RC_WAIT);
	enum rc rc = dns_memo_get(m, name, type, out, &why);
	assert_int_equal(dns_memo_get(m, name, type, out, &why), rc);
	return rc;
}

static void a_table_answers(void **state)
{
	(void)state;
	static const struct dns_script_row rows[] = {
		{ "example.org", DNS_MX, "10 mx1.example.org", false, RC_OK },
		{ "example.org", DNS_MX, "20 MX2.example.org.", false, RC_OK },
		{ "null.example", DNS_MX, "0 .", false, RC_OK },
		{ "example.org", DNS_TXT, "v=spf1 -all", true, RC_OK },
		{ "mx1.example.org", DNS_A, "192.0.2.1", false, RC_OK },
		{ "mx1.example.org", DNS_AAAA, "2001:db8::1", false, RC_OK },
		{ "_25._tcp.mx1.example.org", DNS_TLSA, "3 1 1 abCD", true, RC_OK },
		{ "broken.example", DNS_A, NULL, false, RC_TEMP },
	};
	struct dns *dns;
	struct dns_memo m;
	struct dns_answer r;
	struct fault why = { 0 };
	assert_int_equal(
		dns_script_new(NULL, rows, sizeof(rows) / sizeof(rows[0]), &dns, &why), RC_OK);
	dns_memo_init(&m, dns, NULL);
	assert_int_equal(twice(&m, S("Example.ORG."), DNS_MX, &r), RC_OK);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.rr[1].mx.preference, 20);
	assert_true(slice_eq(r.rr[1].mx.host, S("mx2.example.org")));
	assert_int_equal(twice(&m, S("null.example"), DNS_MX, &r), RC_OK);
	assert_int_equal(r.rr[0].mx.host.len, 0);
	assert_int_equal(twice(&m, S("example.org"), DNS_TXT, &r), RC_OK);
	assert_true(slice_eq(r.rr[0].txt, S("v=spf1 -all")) && r.secure);
	assert_int_equal(twice(&m, S("mx1.example.org"), DNS_A, &r), RC_OK);
	assert_int_equal(r.rr[0].a[3], 1);
	assert_int_equal(twice(&m, S("mx1.example.org"), DNS_AAAA, &r), RC_OK);
	assert_int_equal(r.rr[0].aaaa[15], 1);
	assert_int_equal(twice(&m, S("_25._tcp.mx1.example.org"), DNS_TLSA, &r), RC_OK);
	assert_int_equal(r.rr[0].tlsa.usage, 3);
	assert_int_equal(r.rr[0].tlsa.data.at[1], 0xcd);
	assert_int_equal(twice(&m, S("mx1.example.org"), DNS_MX, &r), RC_NONE);
	assert_false(r.is_nxdomain);
	assert_int_equal(twice(&m, S("nobody.example"), DNS_MX, &r), RC_NONE);
	assert_true(r.is_nxdomain);
	assert_int_equal(twice(&m, S("broken.example"), DNS_A, &r), RC_TEMP);
	assert_int_equal(dns_memo_get(&m, S("no..name"), DNS_A, &r, &why), RC_BAD);
	dns_memo_done(&m);
	dns_free(&dns);
}

static void rounds_end(void **state)
{
	(void)state;
	struct dns *dns;
	struct dns_memo m;
	struct dns_answer r;
	struct fault why = { 0 };
	char name[32];
	enum rc rc = RC_WAIT;
	int n = 0;
	assert_int_equal(
		dns_script_text(NULL,
			S("# nothing\n\n!a.test A 192.0.2.5\r\na.test TXT SERVFAIL\n"), &dns, &why),
		RC_OK);
	dns_memo_init(&m, dns, NULL);
	assert_int_equal(twice(&m, S("a.test"), DNS_A, &r), RC_OK);
	assert_true(r.secure);
	assert_int_equal(twice(&m, S("a.test"), DNS_TXT, &r), RC_TEMP);
	while (rc == RC_WAIT && n < 1000) {
		snprintf(name, sizeof(name), "n%d.test", n++);
		rc = dns_memo_get(&m, slice_str(name), DNS_A, &r, &why);
	}
	assert_int_equal(rc, RC_TEMP);
	assert_in_range(n, 32, 65);
	dns_memo_done(&m);
	dns_free(&dns);
	assert_int_equal(dns_script_text(NULL, S("a.test A fish\n"), &dns, &why), RC_BAD);
	assert_int_equal(dns_script_text(NULL, S("a.test FOO 1\n"), &dns, &why), RC_BAD);
}

int test_script(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names),
		cmocka_unit_test(a_table_answers), cmocka_unit_test(rounds_end) };
	return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
