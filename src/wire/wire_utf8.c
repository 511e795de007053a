/* wire_utf8.c: UTF-8 checked, one character at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_utf8.h"

static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

size_t wire_utf8_char(struct slice s, uint32_t *code)
{
	if (!s.len)
		return 0;
	uint8_t c = s.at[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	if (!n || n > s.len)
		return 0;
	uint32_t u = n == 1 ? c : c & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s.at[i] & 0xc0) != 0x80)
			return 0;
		u = u << 6 | (s.at[i] & 0x3fU);
	}
	if (u < least[n] || u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
		return 0;
	*code = u;
	return n;
}

bool wire_utf8_valid(struct slice s)
{
	while (s.len) {
		uint32_t code;
		size_t n = wire_utf8_char(s, &code);
		if (!n)
			return false;
		s = slice_tail(s, n);
	}
	return true;
}

bool wire_utf8_beyond_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

size_t wire_utf8_put(uint32_t code, uint8_t out[4])
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}
