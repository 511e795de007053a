/* dmarc.c: room: trust. Lines of a table; the first two are the From field and the record of its domain. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "trust/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct dns *dns;
	struct dns_memo memo;
	struct fault why;
	struct buf table;
	struct dmarc_answer out;
	struct slice text = slice_of(at, len), from = slice_split(&text, '\n'), domain;
	struct dkim_signature signature = { .result = DKIM_PASS, .domain = S("x.a.test") };
	arena_init(&a, 64 << 20);
	buf_init(&table, 0, &a);
	buf_str(&table, "_dmarc.a.test TXT ");
	buf_add(&table, text);
	struct slice header = arena_fmt(&a, "From: %.*s\r\n\r\n", FMT(from));
	if (dmarc_from(header, &a, &domain) != RC_OK)
		domain = S("b.a.test");
	if (dns_script_text(NULL, buf_slice(&table), &dns, &why) == RC_OK) {
		for (int method = DMARC_BY_LIST; method <= DMARC_BY_WALK; method++) {
			struct dmarc_ask ask = { .method = (enum dmarc_method)method,
				.from = domain,
				.dkim = &signature,
				.dkim_n = 1,
				.dice = (unsigned)(len % 100) };
			enum rc rc = RC_WAIT;
			dns_memo_init(&memo, dns, NULL);
			for (int i = 0; rc == RC_WAIT && i < 100; i++)
				rc = dmarc_check(&ask, &memo, &a, &out, &why);
			must(rc == RC_OK && out.result < DMARC_RESULTS &&
				out.policy <= out.published);
			dns_memo_done(&memo);
		}
		dns_free(&dns);
	}
	arena_done(&a);
	return 0;
}
