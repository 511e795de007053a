/* pop3_body.c: Messages as bodies of multi-line responses: dots stuffed in place, line ends made whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pop3.h"
#include <string.h>

static bool is_bare(const struct pop3_body *b, const uint8_t *at, size_t i)
{
	return i ? at[i - 1] != '\r' : !b->after_cr;
}

static bool needs_dot(const struct pop3_body *b, const uint8_t *at, size_t i)
{
	return at[i] == '.' && (i ? at[i - 1] == '\n' : !b->in_line);
}

/* How many octets are to be put between the others. */
static size_t missing(const struct pop3_body *b, const uint8_t *at, size_t len)
{
	size_t n = needs_dot(b, at, 0);
	const uint8_t *lf = memchr(at, '\n', len);
	while (lf) {
		size_t i = (size_t)(lf - at);
		n += is_bare(b, at, i);
		n += i + 1 < len && at[i + 1] == '.';
		lf = memchr(lf + 1, '\n', len - i - 1);
	}
	return n;
}

/* From the end backwards, until all are put. */
static void spread(const struct pop3_body *b, uint8_t *at, size_t len, size_t n)
{
	for (size_t i = len; n;) {
		i--;
		bool bare = at[i] == '\n' && is_bare(b, at, i), dot = needs_dot(b, at, i);
		at[i + n] = at[i];
		if (bare || dot)
			at[i + --n] = dot ? '.' : '\r';
	}
}

void pop3_body_stuff(struct pop3_body *b, struct buf *out, size_t from)
{
	size_t len = out->len - from;
	if (!len)
		return;
	uint8_t last = out->at[out->len - 1];
	size_t n = missing(b, out->at + from, len);
	if (n && !buf_room(out, n))
		return;
	spread(b, out->at + from, len, n);
	buf_added(out, n);
	b->in_line = last != '\n';
	b->after_cr = last == '\r';
}

void pop3_body_end(struct pop3_body *b, struct buf *out)
{
	if (b->in_line)
		buf_str(out, b->after_cr ? "\n" : "\r\n");
	buf_str(out, ".\r\n");
}

size_t pop3_body_lines(struct slice in, uint64_t *lines)
{
	size_t n = 0;
	while (*lines && n < in.len) {
		size_t lf = slice_find(slice_tail(in, n), '\n');
		if (n + lf == in.len)
			return in.len;
		n += lf + 1;
		--*lines;
	}
	return n;
}
