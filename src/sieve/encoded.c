/* encoded.c: encoded-character: ${hex: ...} and ${unicode: ...} in strings (RFC 5228 2.4.2.4). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/sieve_int.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes a blank-led hex number of 1 to `digits_max` digits. RC_NONE: none. */
static enum rc take_hex(struct slice *in, size_t digits_max, uint32_t *out)
{
	size_t n = 0;
	uint32_t value = 0;
	while (in->len && is_blank(in->at[0]))
		*in = slice_tail(*in, 1);
	for (; n < in->len; n++) {
		uint8_t c = in->at[n] | 0x20;
		unsigned digit = in->at[n] >= '0' && in->at[n] <= '9' ? in->at[n] - 0u - '0'
				 : c >= 'a' && c <= 'f'               ? c - 'a' + 10u
								      : 16;
		if (digit == 16)
			break;
		value = value > 0xffffff ? value : value * 16 + digit;
	}
	if (n == 0 || n > digits_max)
		return RC_NONE;
	if (n < in->len && !is_blank(in->at[n]) && in->at[n] != '}')
		return RC_NONE;
	*in = slice_tail(*in, n);
	*out = value;
	return RC_OK;
}

/* What stands at the head of `*in`, which begins with "${": decoded and taken, or RC_NONE. RC_BAD: no such character. */
static enum rc take_encoded(struct slice *in, struct buf *out)
{
	bool is_hex = slice_starts_nocase(*in, S("${hex:"));
	if (!is_hex && !slice_starts_nocase(*in, S("${unicode:")))
		return RC_NONE;
	struct slice rest = slice_tail(*in, is_hex ? 6 : 10);
	size_t before = out->len;
	uint32_t c;
	bool bad = false;
	while (take_hex(&rest, is_hex ? 2 : 8, &c) == RC_OK) {
		bad |= !is_hex && (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff));
		if (is_hex)
			buf_byte(out, (uint8_t)c);
		else
			utf8_add(out, c);
	}
	if (!rest.len || rest.at[0] != '}' || out->len == before) {
		out->len = before;
		return RC_NONE;
	}
	*in = slice_tail(rest, 1);
	return bad ? RC_BAD : RC_OK;
}

enum rc sieve_encoded(struct slice text, struct arena *a, struct slice *out, size_t *at)
{
	struct buf b;
	if (slice_search(text, S("${")) == text.len) {
		*out = text;
		return RC_OK;
	}
	buf_init(&b, 0, a);
	for (struct slice rest = text; rest.len;) {
		enum rc rc = slice_starts(rest, S("${")) ? take_encoded(&rest, &b) : RC_NONE;
		if (rc == RC_BAD) {
			*at = text.len - rest.len;
			return RC_BAD;
		}
		if (rc == RC_NONE) {
			buf_byte(&b, rest.at[0]);
			rest = slice_tail(rest, 1);
		}
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}
