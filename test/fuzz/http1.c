/* http1.c: room: wire: HTTP/1 heads and chunked bodies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void body(struct slice in)
{
	struct http1_chunked c = { 0 };
	struct slice data;
	size_t total = 0, all = in.len;
	while (http1_chunked_next(&c, &in, &data) == RC_OK)
		total += data.len;
	must(total <= all);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct http1_head head;
	struct slice in = slice_of(at, len), out;
	size_t seen = 0;
	arena_init(&a, 1 << 22);
	enum rc rc = http1_request_parse(&in, 8192, &seen, &a, &head);
	if (rc == RC_OK && head.framing == HTTP1_CHUNKED)
		body(in);
	/* However it is cut, the verdict is the same. */
	struct slice part = slice_of(at, len / 2);
	seen = 0;
	if (http1_request_parse(&part, 8192, &seen, &a, &head) == RC_MORE) {
		part = slice_of(at, len);
		must(http1_request_parse(&part, 8192, &seen, &a, &head) == rc);
	}
	in = slice_of(at, len);
	(void)http1_response_parse(&in, 8192, false, &a, &head);
	(void)http1_unescape(slice_of(at, len), true, &a, &out);
	arena_done(&a);
	return 0;
}
