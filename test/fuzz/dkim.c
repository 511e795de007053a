/* dkim.c: room: trust. A message, its signatures and lists of tags; the last line is the record of every key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "mime/mime.h"
#include "trust/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct dns *dns;
	struct dns_memo memo;
	struct fault why;
	struct buf table;
	struct dkim_check *check;
	const struct dkim_signature *found;
	struct mime_field f;
	size_t n = 0;
	struct slice text = slice_of(at, len);
	struct slice key = slice_tail(text, slice_rfind(text, '\n') + 1);
	struct slice message = slice_head(text, text.len - key.len), body = message;
	enum rc rc = RC_WAIT;
	arena_init(&a, 64 << 20);
	buf_init(&table, 0, &a);
	buf_str(&table, "s._domainkey.a.test TXT ");
	buf_add(&table, key);
	while (mime_field_next(&body, &f) == RC_OK)
		;
	if (dns_script_text(NULL, buf_slice(&table), &dns, &why) == RC_OK) {
		dns_memo_init(&memo, dns, NULL);
		must(dkim_check_begin(slice_head(message, message.len - body.len), &a, &check) ==
			RC_OK);
		dkim_check_body(check, slice_head(body, body.len / 3));
		dkim_check_body(check, slice_tail(body, body.len / 3));
		dkim_check_end(check);
		for (int i = 0; rc == RC_WAIT && i < 200; i++)
			rc = dkim_check_results(check, &memo, 1700000000, &found, &n, &why);
		must(rc == RC_OK && n <= DKIM_SIGNATURES_MOST);
		for (size_t i = 0; i < n; i++)
			must(found[i].problem && found[i].result < DKIM_RESULTS);
		dns_memo_done(&memo);
		dns_free(&dns);
	}
	arena_done(&a);
	return 0;
}
