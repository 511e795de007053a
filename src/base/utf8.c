/* utf8.c: UTF-8 checked and walked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "base/must.h"
#include <string.h>

/* Octets of the well-formed character at the head, 0: none. */
static size_t well_formed(struct slice s, uint32_t *c)
{
	uint8_t b = s.at[0];
	size_t n = b < 0x80                ? 1
		   : b >= 0xc2 && b < 0xe0 ? 2
		   : b >= 0xe0 && b < 0xf0 ? 3
		   : b >= 0xf0 && b < 0xf5 ? 4
					   : 0;
	if (n == 0 || s.len < n)
		return 0;
	uint32_t v = n == 1 ? b : b & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s.at[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s.at[i] & 0x3f);
	}
	bool overlong = (n == 3 && v < 0x800) || (n == 4 && v < 0x10000);
	if (overlong || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*c = v;
	return n;
}

/* Octets of the plain ASCII run at the head, eight at a time: nearly all mail is nothing else. */
static size_t ascii_run(struct slice s)
{
	size_t n = 0;
	uint64_t eight;
	for (; s.len - n >= sizeof(eight); n += sizeof(eight)) {
		memcpy(&eight, s.at + n, sizeof(eight));
		if (eight & 0x8080808080808080u)
			break;
	}
	while (n < s.len && s.at[n] < 0x80)
		n++;
	return n;
}

bool utf8_valid(struct slice s)
{
	uint32_t c;
	while (true) {
		s = slice_tail(s, ascii_run(s));
		if (s.len == 0)
			return true;
		size_t n = well_formed(s, &c);
		if (n == 0)
			return false;
		s = slice_tail(s, n);
	}
}

uint32_t utf8_take(struct slice *s)
{
	uint32_t c;
	must(s->len > 0);
	size_t n = well_formed(*s, &c);
	*s = slice_tail(*s, n ? n : 1);
	return n ? c : 0xfffd;
}

void utf8_add(struct buf *out, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		buf_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_byte(out, (uint8_t)(0xc0 | c >> 6));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_byte(out, (uint8_t)(0xe0 | c >> 12));
		buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_byte(out, (uint8_t)(0xf0 | c >> 18));
		buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

struct slice utf8_cut(struct slice s, size_t max)
{
	if (s.len <= max)
		return s;
	size_t n = max;
	while (n > 0 && (s.at[n] & 0xc0) == 0x80)
		n--;
	return slice_head(s, n);
}
