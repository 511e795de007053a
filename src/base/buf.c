/* buf.c: Growing buffers, and binary integers in and out of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t limit, struct arena *arena)
{
	*b = (struct buf){ .limit = limit, .arena = arena };
}

void buf_done(struct buf *b)
{
	if (!b->arena)
		mem_free(MEM_BUFFER, b->at);
	buf_init(b, b->limit, b->arena);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->over = b->full = false;
}

struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->at, b->len);
}

static bool grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : 64;
	while (cap < want)
		cap += cap;
	if (b->limit && cap > b->limit)
		cap = b->limit;
	uint8_t *p;
	bool small = cap <= ARENA_SMALL; /* never fails: keys, heads, replies */
	if (b->arena) {
		p = small ? arena_new(b->arena, cap) : arena_try(b->arena, cap);
		if (p && b->len)
			memcpy(p, b->at, b->len);
	} else {
		p = small ? mem_more(MEM_BUFFER, b->at, cap) : mem_grow(MEM_BUFFER, b->at, cap);
	}
	if (!p)
		return false;
	b->at = p;
	b->cap = cap;
	return true;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	if (b->over)
		return NULL;
	if (n > SIZE_MAX / 4 - b->len || (b->limit && b->len + n > b->limit)) {
		b->over = b->full = true;
		return NULL;
	}
	if (b->cap - b->len < n && !grow(b, b->len + n)) {
		b->over = true;
		return NULL;
	}
	return b->at + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	must(b->cap - b->len >= n);
	b->len += n;
}

void buf_add(struct buf *b, struct slice s)
{
	if (s.len == 0)
		return;
	uint8_t *p = buf_room(b, s.len);
	if (!p)
		return;
	memcpy(p, s.at, s.len);
	b->len += s.len;
}

void buf_byte(struct buf *b, uint8_t c)
{
	if (b->len < b->cap && !b->over) {
		b->at[b->len++] = c;
		return;
	}
	buf_add(b, slice_of(&c, 1));
}

void buf_str(struct buf *b, const char *str)
{
	buf_add(b, slice_str(str));
}

void buf_u64(struct buf *b, uint64_t n)
{
	uint8_t digits[20];
	size_t i = sizeof(digits);
	do {
		digits[--i] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_add(b, slice_of(digits + i, sizeof(digits) - i));
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	uint8_t *p = n >= 0 ? buf_room(b, (size_t)n + 1) : NULL;
	if (p) {
		vsnprintf((char *)p, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
	must(n <= b->len);
	if (n && n < b->len)
		memmove(b->at, b->at + n, b->len - n);
	b->len -= n;
}

static void be(struct buf *b, uint64_t n, size_t bytes)
{
	uint8_t out[8];
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
	buf_add(b, slice_of(out, bytes));
}

void buf_be16(struct buf *b, uint16_t n)
{
	be(b, n, 2);
}

void buf_be32(struct buf *b, uint32_t n)
{
	be(b, n, 4);
}

void buf_be64(struct buf *b, uint64_t n)
{
	be(b, n, 8);
}

void buf_varint(struct buf *b, uint64_t n)
{
	while (n >= 0x80) {
		buf_byte(b, (uint8_t)(n | 0x80));
		n >>= 7;
	}
	buf_byte(b, (uint8_t)n);
}

void buf_vslice(struct buf *b, struct slice s)
{
	buf_varint(b, s.len);
	buf_add(b, s);
}

static enum rc take_be(struct slice *in, size_t bytes, uint64_t *out)
{
	if (in->len < bytes)
		return RC_BAD;
	uint64_t n = 0;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | in->at[i];
	*in = slice_tail(*in, bytes);
	*out = n;
	return RC_OK;
}

enum rc take_byte(struct slice *in, uint8_t *out)
{
	uint64_t n;
	TRY(take_be(in, 1, &n));
	*out = (uint8_t)n;
	return RC_OK;
}

enum rc take_be16(struct slice *in, uint16_t *out)
{
	uint64_t n;
	TRY(take_be(in, 2, &n));
	*out = (uint16_t)n;
	return RC_OK;
}

enum rc take_be32(struct slice *in, uint32_t *out)
{
	uint64_t n;
	TRY(take_be(in, 4, &n));
	*out = (uint32_t)n;
	return RC_OK;
}

enum rc take_be64(struct slice *in, uint64_t *out)
{
	return take_be(in, 8, out);
}

enum rc take_varint(struct slice *in, uint64_t *out)
{
	uint64_t n = 0;
	for (size_t i = 0; i < in->len && i < 10; i++) {
		uint64_t part = in->at[i] & 0x7f;
		if (i == 9 && part > 1)
			return RC_BAD;
		n |= part << (7 * i);
		if (!(in->at[i] & 0x80)) {
			*in = slice_tail(*in, i + 1);
			*out = n;
			return RC_OK;
		}
	}
	return RC_BAD;
}

enum rc take_bytes(struct slice *in, size_t n, struct slice *out)
{
	if (in->len < n)
		return RC_BAD;
	*out = slice_head(*in, n);
	*in = slice_tail(*in, n);
	return RC_OK;
}

enum rc take_vslice(struct slice *in, struct slice *out)
{
	struct slice rest = *in;
	uint64_t n;
	TRY(take_varint(&rest, &n));
	if (n > rest.len)
		return RC_BAD;
	TRY(take_bytes(&rest, (size_t)n, out));
	*in = rest;
	return RC_OK;
}
