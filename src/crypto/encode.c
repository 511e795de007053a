/* encode.c: Hex and base64 of short things: digests, salts, keys. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

static const char digits[] = "0123456789abcdef";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_hex(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		buf_byte(out, (uint8_t)digits[in.at[i] >> 4]);
		buf_byte(out, (uint8_t)digits[in.at[i] & 15]);
	}
}

/* 0..15, or 16: no hex digit. */
static unsigned nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10 : 16;
}

enum rc crypto_unhex(struct slice in, size_t room, uint8_t *out, size_t *len)
{
	if (in.len % 2)
		return RC_BAD;
	for (size_t i = 0; i < in.len; i++) {
		if (nibble(in.at[i]) > 15)
			return RC_BAD;
	}
	if (in.len / 2 > room)
		return RC_LIMIT;
	for (size_t i = 0; i < in.len; i += 2)
		out[i / 2] = (uint8_t)(nibble(in.at[i]) << 4 | nibble(in.at[i + 1]));
	*len = in.len / 2;
	return RC_OK;
}

void crypto_base64(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t bits = (uint32_t)in.at[i] << 16;
		bits |= n > 1 ? (uint32_t)in.at[i + 1] << 8 : 0;
		bits |= n > 2 ? in.at[i + 2] : 0;
		buf_byte(out, (uint8_t)letters[bits >> 18]);
		buf_byte(out, (uint8_t)letters[bits >> 12 & 63]);
		buf_byte(out, n > 1 ? (uint8_t)letters[bits >> 6 & 63] : '=');
		buf_byte(out, n > 2 ? (uint8_t)letters[bits & 63] : '=');
	}
}

/* 0..63, or 64: no letter of the alphabet. */
static uint32_t sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

enum rc crypto_unbase64(struct slice in, size_t room, uint8_t *out, size_t *len)
{
	size_t pads = 0;
	while (pads < 2 && in.len > 0 && in.at[in.len - 1] == '=') {
		in.len--;
		pads++;
	}
	if (in.len % 4 == 1 || (pads > 0 && (in.len + pads) % 4 != 0))
		return RC_BAD;
	for (size_t i = 0; i < in.len; i++) {
		if (sextet(in.at[i]) > 63)
			return RC_BAD;
	}
	if (in.len / 4 * 3 + (in.len % 4 ? in.len % 4 - 1 : 0) > room)
		return RC_LIMIT;
	uint32_t bits = 0;
	size_t n = 0;
	for (size_t i = 0; i < in.len; i++) {
		bits = bits << 6 | sextet(in.at[i]);
		if (i % 4 > 0)
			out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*len = n;
	return RC_OK;
}
