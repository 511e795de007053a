/* imap_utf7.c: Mailbox names in modified UTF-7, both ways. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_utf7.h"
#include "base/utf8.h"

static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

struct shift {
	uint32_t bits, high; /* high: a first surrogate that waits for its second */
	unsigned n;
};

/* One UTF-16 unit into UTF-8. */
static enum rc unit(struct shift *s, uint32_t u, struct buf *out)
{
	if (s->high) {
		if (u < 0xdc00 || u > 0xdfff)
			return RC_BAD;
		u = 0x10000 + ((s->high - 0xd800) << 10) + (u - 0xdc00);
		s->high = 0;
	} else if (u >= 0xd800 && u < 0xdc00) {
		s->high = u;
		return RC_OK;
	} else if ((u >= 0xdc00 && u < 0xe000) || (u >= 0x20 && u < 0x7f) || !u) {
		return RC_BAD;
	}
	utf8_add(out, u);
	return RC_OK;
}

/* What stands between "&" and "-". */
static enum rc shifted(struct slice in, struct buf *out)
{
	struct shift s = { 0 };
	for (size_t i = 0; i < in.len; i++) {
		int v = value(in.at[i]);
		if (v < 0)
			return RC_BAD;
		s.bits = (s.bits << 6 | (uint32_t)v) & 0x3fffff;
		s.n += 6;
		if (s.n >= 16) {
			s.n -= 16;
			TRY(unit(&s, s.bits >> s.n & 0xffff, out));
		}
	}
	return s.high || s.n >= 6 || (s.bits & ((1U << s.n) - 1)) ? RC_BAD : RC_OK;
}

enum rc imap_utf7_read(struct slice in, struct arena *a, struct slice *out)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.at[i] > 127 || !in.at[i])
			return RC_BAD;
	if (slice_find(in, '&') == in.len) {
		*out = in;
		return RC_OK;
	}
	struct buf b;
	buf_init(&b, 0, a);
	while (in.len) {
		struct slice rest = slice_tail(in, 1);
		if (in.at[0] != '&') {
			buf_byte(&b, in.at[0]);
			in = rest;
			continue;
		}
		size_t end = slice_find(rest, '-');
		if (end == rest.len)
			return RC_BAD;
		if (!end)
			buf_byte(&b, '&');
		TRY(shifted(slice_head(rest, end), &b));
		in = slice_tail(rest, end + 1);
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

static void put_unit(struct shift *s, uint32_t u, struct buf *out)
{
	s->bits = (s->bits << 16 | u) & 0x3fffff;
	s->n += 16;
	while (s->n >= 6) {
		s->n -= 6;
		buf_byte(out, (uint8_t)alphabet[s->bits >> s->n & 63]);
	}
}

static void put_char(struct shift *s, uint32_t code, struct buf *out)
{
	if (code < 0x10000) {
		put_unit(s, code, out);
		return;
	}
	code -= 0x10000;
	put_unit(s, 0xd800 + (code >> 10), out);
	put_unit(s, 0xdc00 + (code & 0x3ff), out);
}

static void close_shift(struct shift *s, struct buf *out)
{
	if (s->n)
		buf_byte(out, (uint8_t)alphabet[s->bits << (6 - s->n) & 63]);
	buf_byte(out, '-');
	*s = (struct shift){ 0 };
}

void imap_utf7_write(struct slice utf8, struct buf *out)
{
	struct shift s = { 0 };
	bool open = false;
	while (utf8.len) {
		uint32_t code = utf8_take(&utf8);
		bool direct = code >= 0x20 && code < 0x7f;
		if (direct && open)
			close_shift(&s, out);
		if (!direct && !open)
			buf_byte(out, '&');
		open = !direct;
		if (direct)
			buf_byte(out, (uint8_t)code);
		if (code == '&')
			buf_byte(out, '-');
		if (!direct)
			put_char(&s, code, out);
	}
	if (open)
		close_shift(&s, out);
}
