/* http1_chunked.c: Chunked bodies, piece by piece. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http1.h"

enum { EXTRA_MAX = 16384, SIZE_DIGITS = 15 };

enum state {
	SIZE_FIRST,
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LINE_START,
	TRAILER,
	TRAILER_LF,
	END_LF,
	ENDED
};

static int hex(uint8_t c)
{
	uint8_t low = c | 0x20;
	if (c >= '0' && c <= '9')
		return c - '0';
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static enum rc size_octet(struct http1_chunked *c, uint8_t ch)
{
	int digit = hex(ch);
	if (digit >= 0) {
		if (c->left >> (4 * SIZE_DIGITS - 4))
			return RC_BAD;
		c->left = c->left << 4 | (unsigned)digit;
		c->state = SIZE;
		return RC_OK;
	}
	if (c->state == SIZE_FIRST)
		return RC_BAD;
	if (ch == '\r')
		c->state = SIZE_LF;
	else if (ch == ';' || ch == ' ' || ch == '\t')
		c->state = EXTENSION;
	else
		return RC_BAD;
	return RC_OK;
}

static enum rc expect(struct http1_chunked *c, uint8_t ch, uint8_t wanted, enum state next)
{
	c->state = (uint8_t)next;
	return ch == wanted ? RC_OK : RC_BAD;
}

/* A line whose octets do not matter, up to its CR. */
static enum rc extra(struct http1_chunked *c, uint8_t ch, enum state next)
{
	if (++c->trailer > EXTRA_MAX)
		return RC_LIMIT;
	if (ch == '\r')
		c->state = (uint8_t)next;
	return ch == '\n' ? RC_BAD : RC_OK;
}

static enum rc octet(struct http1_chunked *c, uint8_t ch)
{
	switch ((enum state)c->state) {
	case SIZE_FIRST:
	case SIZE:
		return size_octet(c, ch);
	case EXTENSION:
		return extra(c, ch, SIZE_LF);
	case SIZE_LF:
		return expect(c, ch, '\n', c->left ? DATA : LINE_START);
	case DATA_CR:
		return expect(c, ch, '\r', DATA_LF);
	case DATA_LF:
		return expect(c, ch, '\n', SIZE_FIRST);
	case LINE_START:
		c->state = TRAILER;
		return extra(c, ch, END_LF);
	case TRAILER:
		return extra(c, ch, TRAILER_LF);
	case TRAILER_LF:
		return expect(c, ch, '\n', LINE_START);
	case END_LF:
		return expect(c, ch, '\n', ENDED);
	case DATA:
	case ENDED:
		break;
	}
	return RC_BAD;
}

enum rc http1_chunked_next(struct http1_chunked *c, struct slice *in, struct slice *data)
{
	*data = S("");
	while (c->state != ENDED && in->len) {
		if (c->state == DATA) {
			*data = slice_head(*in, c->left < in->len ? (size_t)c->left : in->len);
			*in = slice_tail(*in, data->len);
			c->left -= data->len;
			if (!c->left)
				c->state = DATA_CR;
			return RC_OK;
		}
		TRY(octet(c, in->at[0]));
		*in = slice_tail(*in, 1);
	}
	return c->state == ENDED ? RC_NONE : RC_MORE;
}
