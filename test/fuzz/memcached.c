/* memcached.c: room: wire: Replies of Memcached. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/memcached.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct memcached_reply r;
	struct slice in = slice_of(at, len);
	for (size_t before = len + 1; in.len < before;) {
		before = in.len;
		if (memcached_parse(&in, 4096, &r) != RC_OK)
			break;
		must(r.value.len <= 4096 && in.len < before);
	}
	return 0;
}
