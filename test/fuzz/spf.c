/* spf.c: room: trust. Records of SPF: lines of a table, asked for a sender below the first name of the table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/must.h"
#include "trust/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct dns *dns;
	struct dns_memo memo;
	struct fault why;
	struct spf_answer out;
	struct buf table;
	struct slice text = slice_of(at, len);
	struct spf_ask ask = { .ip = { 192, 0, 2, 7 },
		.ip_len = len % 2 ? 4 : 16,
		.helo = S("helo.a.test"),
		.sender = S("some.one-else@a.test") };
	enum rc rc = RC_WAIT;
	arena_init(&a, 64 << 20);
	buf_init(&table, 0, &a);
	/* the first line is the record of the sender's domain, the others are rows */
	buf_str(&table, "a.test TXT v=spf1 ");
	buf_add(&table, slice_split(&text, '\n'));
	buf_byte(&table, '\n');
	buf_add(&table, text);
	if (dns_script_text(NULL, buf_slice(&table), &dns, &why) == RC_OK) {
		dns_memo_init(&memo, dns, NULL);
		for (int i = 0; rc == RC_WAIT && i < 600; i++)
			rc = spf_check(&ask, &memo, &a, &out, &why);
		must(rc == RC_OK || rc == RC_LIMIT);
		must(rc != RC_OK || (out.result < SPF_RESULTS && out.lookups <= 11));
		dns_memo_done(&memo);
		dns_free(&dns);
	}
	arena_done(&a);
	return 0;
}
