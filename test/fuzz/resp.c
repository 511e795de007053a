/* resp.c: room: wire: Replies of Redis. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static size_t count(const struct resp *r)
{
	size_t n = 1;
	for (size_t i = 0; i < r->n; i++)
		n += count(&r->items[i]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct resp r;
	struct slice in = slice_of(at, len), half = slice_of(at, len / 2);
	arena_init(&a, 1 << 22);
	enum rc cut = resp_parse(&half, 1 << 16, &a, &r);
	enum rc rc = resp_parse(&in, 1 << 16, &a, &r);
	if (rc == RC_OK)
		must(count(&r) <= len && in.len < len);
	if (cut == RC_OK) /* what was whole stays so */
		must(rc == RC_OK && half.at == in.at);
	must(resp_slot(slice_of(at, len)) < 16384);
	arena_done(&a);
	return 0;
}
