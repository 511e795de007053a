/* arc.c: room: trust. A message with sets of a chain; the last line is the record of every key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "mime/mime.h"
#include "trust/arc.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct crypto_key *key;

static void seal(const struct arc_answer *chain, struct slice header, struct arena *a)
{
	struct buf out;
	uint8_t hash[CRYPTO_SHA256_LEN] = { 1 };
	struct arc_sealer s = { .domain = S("a.test"),
		.selector = S("s"),
		.key = key,
		.authserv_id = S("mx.a.test"),
		.results = S("spf=pass"),
		.unix_now = 1700000000 };
	buf_init(&out, 0, a);
	enum rc rc = arc_seal(&s, chain, header, hash, a, &out);
	must(rc == RC_OK || rc == RC_NONE || rc == RC_BAD);
	must((rc == RC_OK) == (out.len > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct dns *dns;
	struct dns_memo memo;
	struct fault why;
	struct buf table;
	struct arc_check *check;
	struct arc_answer answer;
	struct mime_field f;
	struct slice text = slice_of(at, len);
	struct slice record = slice_tail(text, slice_rfind(text, '\n') + 1);
	struct slice message = slice_head(text, text.len - record.len), body = message;
	enum rc rc = RC_WAIT;
	if (!key)
		must(crypto_key_make(CRYPTO_ED25519, &key) == RC_OK);
	arena_init(&a, 64 << 20);
	buf_init(&table, 0, &a);
	buf_str(&table, "s._domainkey.a.test TXT ");
	buf_add(&table, record);
	while (mime_field_next(&body, &f) == RC_OK)
		;
	struct slice header = slice_head(message, message.len - body.len);
	if (dns_script_text(NULL, buf_slice(&table), &dns, &why) == RC_OK) {
		dns_memo_init(&memo, dns, NULL);
		must(arc_check_begin(header, &a, &check) == RC_OK);
		arc_check_body(check, body);
		arc_check_end(check);
		for (int i = 0; rc == RC_WAIT && i < 300; i++)
			rc = arc_check_result(check, &memo, &answer, &why);
		must(rc == RC_OK && answer.result < ARC_RESULTS && answer.sets <= ARC_SETS_MOST);
		seal(&answer, header, &a);
		dns_memo_done(&memo);
		dns_free(&dns);
	}
	arena_done(&a);
	return 0;
}
