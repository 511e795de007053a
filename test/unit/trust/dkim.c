/* dkim.c: The message of RFC 8463 A with both its signatures, what breaks them, and what we sign ourselves. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dkim.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char zone[] =
	"brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; "
	"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	"test._domainkey.football.example.com TXT v=DKIM1; k=rsa; "
	"p="
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
	"J16JYi0Qvx/"
	"byYzCNb3W91y3FutACDfzwQ/BC/e/"
	"8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
	"K4w3QIDAQAB\n"
	"gone._domainkey.a.test TXT v=DKIM1; p=\n"
	"down._domainkey.a.test TXT SERVFAIL\n"
	"sha1._domainkey.a.test TXT v=DKIM1; h=sha1; p=AAAA\n";

static const char signatures[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
				 " d=football.example.com; i=@football.example.com;\r\n"
				 " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
				 " subject : date : message-id : from : subject : date;\r\n"
				 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
				 " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
				 " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
				 "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
				 " d=football.example.com; i=@football.example.com;\r\n"
				 " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
				 " date : message-id : from : subject : date;\r\n"
				 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
				 " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
				 " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
				 " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
static const char fields[] = "From: Joe SixPack <joe@football.example.com>\r\n"
			     "To: Suzie Q <suzie@shopping.example.net>\r\n"
			     "Subject: Is dinner ready?\r\n"
			     "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
			     "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
static const char body[] = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

struct world {
	struct arena a;
	struct run *run;
	struct dns *dns;
	struct dns_memo memo;
	struct fault why;
	const struct dkim_signature *at;
	size_t n;
};

static void open_zone(struct world *w, struct slice text)
{
	assert_int_equal(dns_script_text(w->run, text, &w->dns, &w->why), RC_OK);
	dns_memo_init(&w->memo, w->dns, NULL);
}

static void close_zone(struct world *w)
{
	dns_memo_done(&w->memo);
	dns_free(&w->dns);
}

static int begin(void **state)
{
	static struct world w;
	w = (struct world){ 0 };
	arena_init(&w.a, 0);
	w.run = run_new(&(struct run_conf){ .seats = 1 });
	open_zone(&w, slice_str(zone));
	*state = &w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	close_zone(w);
	run_free(&w->run);
	arena_done(&w->a);
	return 0;
}

/* The body comes in pieces of `piece` octets. */
static void check(struct world *w, struct slice header, struct slice text, size_t piece)
{
	struct dkim_check *c;
	enum rc rc;
	unsigned runs = 0;
	assert_int_equal(dkim_check_begin(header, &w->a, &c), RC_OK);
	while (text.len) {
		dkim_check_body(c, slice_head(text, piece));
		text = slice_tail(text, piece);
	}
	dkim_check_end(c);
	while ((rc = dkim_check_results(c, &w->memo, 1528637910, &w->at, &w->n, &w->why)) ==
		RC_WAIT)
		assert_true(++runs < 30);
	assert_int_equal(rc, RC_OK);
}

static struct slice with(struct world *w, const char *before, const char *behind)
{
	return arena_fmt(&w->a, "%s%s%s\r\n", before, signatures, behind);
}

static void rfc8463(void **state)
{
	struct world *w = *state;
	for (size_t piece = 1; piece < sizeof(body); piece += 13) {
		check(w, with(w, "Received: by x\r\n", fields), slice_str(body), piece);
		assert_int_equal(w->n, 2);
		assert_int_equal(w->at[0].result, DKIM_PASS);
		assert_int_equal(w->at[1].result, DKIM_PASS);
	}
	assert_int_equal(w->at[1].bits, 1024);
	assert_true(slice_eq(w->at[0].start, S("/gCrinpc")));
	assert_true(slice_eq(w->at[0].identity, S("@football.example.com")));
}

/* Relaxed: blanks and empty lines at the end do not matter; a letter does. */
static void changed(void **state)
{
	struct world *w = *state;
	static const char relaxed[] =
		"Hi. \r\n\r\nWe lost the game. Are you\thungry yet?\r\n\r\nJoe.\r\n\r\n\r\n";
	static const char other[] =
		"Hi!\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
	check(w, with(w, "", fields), slice_str(relaxed), 7);
	assert_int_equal(w->at[0].result, DKIM_PASS);
	check(w, with(w, "", fields), slice_str(other), 7);
	assert_int_equal(w->at[0].result, DKIM_FAIL);
	assert_string_equal(w->at[0].problem, "the body was changed");
	/* a second From is caught: it was signed as absent */
	check(w, with(w, "From: <evil@x.test>\r\n", fields), slice_str(body), 7);
	assert_int_equal(w->at[0].result, DKIM_FAIL);
	assert_string_equal(w->at[1].problem, "a signed field was changed, or the key is another");
}

static void unusable(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *tags;
		enum dkim_result result;
		const char *problem;
	} cases[] = {
		{ "v=1; a=rsa-sha256; d=a.test; s=gone; h=From", DKIM_PERMERROR,
			"its key was revoked" },
		{ "v=1; a=rsa-sha256; d=a.test; s=none; h=From", DKIM_PERMERROR,
			"its key is not in DNS" },
		{ "v=1; a=rsa-sha256; d=a.test; s=down; h=From", DKIM_TEMPERROR,
			"DNS does not answer" },
		{ "v=1; a=rsa-sha256; d=a.test; s=sha1; h=From", DKIM_PERMERROR,
			"its key does not allow SHA-256" },
		{ "v=1; a=rsa-sha1; d=a.test; s=x; h=From", DKIM_POLICY,
			"SHA-1 is not trusted any more (RFC 8301)" },
		{ "v=1; a=rsa-sha256; d=a.test; s=x; h=To", DKIM_NEUTRAL, "it does not sign From" },
		{ "v=2; a=rsa-sha256; d=a.test; s=x; h=From", DKIM_NEUTRAL,
			"its version is not 1" },
		{ "v=1; v=1; a=rsa-sha256; d=a.test; s=x; h=From", DKIM_NEUTRAL,
			"it is no list of tags" },
		{ "v=1; a=rsa-sha256; d=a.test; s=x; h=From; t=9; x=8", DKIM_NEUTRAL,
			"its times or length cannot be read" },
		{ "v=1; a=rsa-sha256; d=a.test; s=x; h=From; t=8; x=9", DKIM_PERMERROR,
			"it has expired" },
		{ "v=1; a=rsa-sha256; d=a.test; s=x; h=From; l=100", DKIM_PERMERROR,
			"it signs more of the body than there is" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice header = arena_fmt(&w->a,
			"DKIM-Signature: %s; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; "
			"b=aGVsbG8=\r\n"
			"%s\r\n",
			cases[i].tags, fields);
		check(w, header, S("x\r\n"), 100);
		assert_int_equal(w->n, 1);
		if (w->at[0].result != cases[i].result ||
			strcmp(w->at[0].problem, cases[i].problem) != 0)
			fail_msg("%s: %s, %s", cases[i].tags, dkim_result_name(w->at[0].result),
				w->at[0].problem);
	}
	check(w, arena_fmt(&w->a, "%s\r\n", fields), S("x\r\n"), 100);
	assert_int_equal(w->n, 0);
}

static void sign_and_check(
	struct world *w, enum crypto_key_kind kind, enum canon header_form, enum canon body_form)
{
	struct buf pem, public, base64, signature;
	struct crypto_key *made, *key;
	struct canon_body sum;
	uint8_t hash[CRYPTO_SHA256_LEN];
	buf_init(&pem, 0, &w->a);
	buf_init(&public, 0, &w->a);
	buf_init(&base64, 0, &w->a);
	buf_init(&signature, 0, &w->a);
	assert_int_equal(crypto_key_make(kind, &made), RC_OK);
	assert_int_equal(crypto_key_pem(made, &pem), RC_OK);
	assert_int_equal(crypto_key_private(buf_slice(&pem), &key), RC_OK);
	assert_int_equal(crypto_key_public_bytes(key, &public), RC_OK);
	crypto_base64(buf_slice(&public), &base64);
	close_zone(w);
	open_zone(w, arena_fmt(&w->a, "new._domainkey.ours.test TXT v=DKIM1; k=%s; t=s; p=%.*s\n",
			     kind == CRYPTO_RSA ? "rsa" : "ed25519", FMT(buf_slice(&base64))));
	canon_body_init(&sum, body_form, UINT64_MAX);
	canon_body_add(&sum, slice_str(body));
	canon_body_final(&sum, hash);
	struct dkim_signer s = { .domain = S("ours.test"),
		.selector = S("new"),
		.key = key,
		.header_form = header_form,
		.body_form = body_form,
		.unix_now = 1528637909,
		.expires_s = 600 };
	struct slice header = arena_fmt(&w->a, "%s\r\n", fields);
	assert_int_equal(dkim_sign(&s, header, hash, &w->a, &signature), RC_OK);
	struct slice all = arena_fmt(&w->a, "%.*s%s\r\n", FMT(buf_slice(&signature)), fields);
	check(w, all, slice_str(body), 5);
	assert_int_equal(w->n, 1);
	if (w->at[0].result != DKIM_PASS)
		fail_msg("%s\n%.*s", w->at[0].problem, FMT(all));
	/* nothing can be added in front of what is oversigned */
	check(w, arena_fmt(&w->a, "Subject: other\r\n%.*s", FMT(all)), slice_str(body), 5);
	assert_int_equal(w->at[0].result, DKIM_FAIL);
	for (struct slice rest = buf_slice(&signature), line; rest.len;) {
		line = slice_split(&rest, '\n');
		assert_true(line.len <= 100);
	}
	crypto_key_free(&made);
	crypto_key_free(&key);
}

static void signs(void **state)
{
	for (int k = CRYPTO_RSA; k <= CRYPTO_ED25519; k++)
		for (int i = 0; i < 4; i++)
			sign_and_check(*state, (enum crypto_key_kind)k, (enum canon)(i & 1),
				(enum canon)(i >> 1));
}

int test_dkim(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rfc8463, begin, end),
		cmocka_unit_test_setup_teardown(changed, begin, end),
		cmocka_unit_test_setup_teardown(unusable, begin, end),
		cmocka_unit_test_setup_teardown(signs, begin, end),
	};
	return cmocka_run_group_tests_name("trust: dkim", tests, NULL, NULL);
}
