/* charset.c: room: mime. A charset's name in the first line, any bytes behind it: always UTF-8 out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "base/utf8.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct slice text = slice_of(at, len), out;
	arena_init(&a, 0);
	struct slice name = slice_split(&text, '\n');
	must(mime_to_utf8(name, text, &a, &out) == RC_OK && utf8_valid(out));
	for (int e = MIME_7BIT; e <= MIME_OTHER; e++)
		must(mime_decode((enum mime_encoding)e, text, &a, &out) == RC_OK &&
			out.len <= text.len);
	must(mime_html_text(text, &a, &out) == RC_OK);
	arena_done(&a);
	return 0;
}
