/* search_fold.c: Text folded for comparison without case. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "imap/search.h"

static uint32_t fold(uint32_t c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
		(c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if ((c >= 0x100 && c < 0x138) || (c >= 0x14a && c < 0x178) || (c >= 0x1e00 && c < 0x1e96))
		return c | 1;
	return c == 0x3c2 ? 0x3c3 : c;
}

enum rc search_fold(struct slice text, struct arena *a, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, a);
	if (text.len && !buf_room(&b, text.len))
		return RC_LIMIT;
	while (text.len) {
		uint8_t c = text.at[0];
		if (c < 128) {
			buf_byte(&b, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
			text = slice_tail(text, 1);
			continue;
		}
		utf8_add(&b, fold(utf8_take(&text)));
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}
