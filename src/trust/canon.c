/* canon.c: Simple and relaxed forms, octet by octet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/canon.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* RFC 6376 3.4.2: unfolded, runs of blanks as one, none at the ends. */
static void relax(struct slice value, struct buf *out)
{
	bool blank = false, any = false;
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.at[i];
		if (c == '\r' || c == '\n')
			continue;
		if (is_blank(c)) {
			blank = true;
			continue;
		}
		if (blank && any)
			buf_byte(out, ' ');
		blank = false;
		any = true;
		buf_byte(out, c);
	}
}

void canon_field(enum canon form, struct slice name, struct slice value, struct buf *out)
{
	if (form == CANON_SIMPLE) {
		buf_add(out, name);
		buf_byte(out, ':');
		buf_add(out, value);
	} else {
		struct slice bare = slice_trim(name);
		for (size_t i = 0; i < bare.len; i++) {
			uint8_t c = bare.at[i];
			buf_byte(out, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		}
		buf_byte(out, ':');
		relax(value, out);
	}
	buf_str(out, "\r\n");
}

void canon_body_init(struct canon_body *b, enum canon form, uint64_t limit)
{
	*b = (struct canon_body){ .form = form, .limit = limit };
	crypto_sha256_init(&b->sum);
}

static void flush(struct canon_body *b)
{
	crypto_sha256_add(&b->sum, slice_of(b->room, b->n));
	b->n = 0;
}

static void put(struct canon_body *b, uint8_t c)
{
	if (b->length++ >= b->limit)
		return;
	b->room[b->n++] = c;
	if (b->n == sizeof(b->room))
		flush(b);
}

/* What was held back is no end now. */
static void put_octet(struct canon_body *b, uint8_t c)
{
	for (; b->line_ends; b->line_ends--) {
		put(b, '\r');
		put(b, '\n');
	}
	if (b->blank)
		put(b, ' ');
	b->blank = false;
	b->any = true;
	put(b, c);
}

void canon_body_add(struct canon_body *b, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.at[i];
		if (b->cr && c == '\n') {
			b->cr = b->blank = false;
			b->line_ends++;
			continue;
		}
		if (b->cr)
			put_octet(b, '\r');
		b->cr = c == '\r';
		if (b->cr)
			continue;
		if (b->form == CANON_RELAXED && is_blank(c))
			b->blank = true;
		else
			put_octet(b, c);
	}
}

void canon_body_final(struct canon_body *b, uint8_t hash[CRYPTO_SHA256_LEN])
{
	if (b->cr)
		put_octet(b, '\r');
	if (b->any || b->form == CANON_SIMPLE) {
		put(b, '\r');
		put(b, '\n');
	}
	flush(b);
	crypto_sha256_final(&b->sum, hash);
}

void canon_body_done(struct canon_body *b)
{
	crypto_sha256_done(&b->sum);
}
