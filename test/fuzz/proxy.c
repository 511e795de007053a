/* proxy.c: room: wire: PROXY protocol headers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = slice_of(at, len);
	struct proxy_head head;
	enum rc rc = proxy_parse(&in, &head);
	must(rc == RC_OK ? in.len < len : in.len == len);
	must(rc != RC_MORE || len < PROXY_MAX);
	return 0;
}
