/* resp.c: Reading and writing RESP2 and RESP3, and the hash slots of Redis Cluster. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/resp.h"

enum { DEPTH_MAX = 16, LINE_MAX_LEN = 64 * 1024, SLOTS = 16384 };

/* `a` NULL: the reply is only walked through, to see whether it is whole. */
struct reader {
	struct slice in;
	size_t left; /* octets that it may still be long */
	struct arena *a;
	unsigned depth;
};

static enum rc advance(struct reader *r, size_t n)
{
	if (n > r->left)
		return RC_LIMIT;
	r->in = slice_tail(r->in, n);
	r->left -= n;
	return RC_OK;
}

/* A line without its CR LF. */
static enum rc line(struct reader *r, struct slice *out)
{
	size_t at = slice_find(r->in, '\n');
	size_t most = r->left < LINE_MAX_LEN ? r->left : LINE_MAX_LEN;
	if (at == r->in.len)
		return at > most ? RC_LIMIT : RC_MORE;
	if (at + 1 > most)
		return RC_LIMIT;
	if (at == 0 || r->in.at[at - 1] != '\r')
		return RC_BAD;
	*out = slice_head(r->in, at - 1);
	return advance(r, at + 1);
}

static enum rc number(struct slice s, int64_t *out)
{
	bool is_minus = s.len && s.at[0] == '-';
	uint64_t n;
	if (s.len && (is_minus || s.at[0] == '+'))
		s = slice_tail(s, 1);
	TRY(slice_u64(s, (uint64_t)INT64_MAX + is_minus, &n));
	*out = (int64_t)(is_minus ? 0 - n : n);
	return RC_OK;
}

/* A length; -1 is RESP2's null. */
static enum rc length(struct slice s, int64_t *out)
{
	TRY(number(s, out));
	return *out < -1 ? RC_BAD : RC_OK;
}

static enum rc bulk(struct reader *r, struct slice head, bool is_verbatim, struct resp *out)
{
	int64_t n;
	TRY(length(head, &n));
	if (n < 0) {
		out->type = RESP_NULL;
		return RC_OK;
	}
	if ((uint64_t)n > r->left)
		return RC_LIMIT;
	if (r->in.len < (size_t)n + 2)
		return RC_MORE;
	if (r->in.at[n] != '\r' || r->in.at[n + 1] != '\n')
		return RC_BAD;
	out->text = slice_head(r->in, (size_t)n);
	if (is_verbatim) { /* "txt:" */
		if (n < 4 || out->text.at[3] != ':')
			return RC_BAD;
		out->text = slice_tail(out->text, 4);
	}
	return advance(r, (size_t)n + 2);
}

static enum rc value(struct reader *r, struct resp *out);

static enum rc items(struct reader *r, struct slice head, unsigned each, struct resp *out)
{
	int64_t n;
	struct resp scrap;
	TRY(length(head, &n));
	if (n < 0) {
		out->type = RESP_NULL;
		return RC_OK;
	}
	if ((uint64_t)n > r->left / 3 || r->depth == DEPTH_MAX) /* "_\r\n" is the shortest */
		return RC_LIMIT;
	out->n = (size_t)n * each;
	if (r->a && out->n) {
		out->items = arena_try_array(r->a, out->n, sizeof(*out->items));
		if (!out->items)
			return RC_LIMIT;
	}
	r->depth++;
	for (size_t i = 0; i < out->n; i++)
		TRY(value(r, r->a ? &out->items[i] : &scrap));
	r->depth--;
	return RC_OK;
}

static enum rc boolean(struct slice s, struct resp *out)
{
	if (s.len != 1 || (s.at[0] != 't' && s.at[0] != 'f'))
		return RC_BAD;
	out->number = s.at[0] == 't';
	return RC_OK;
}

static enum rc attribute(struct reader *r, struct slice head, struct resp *out)
{
	struct resp scrap = { .type = RESP_ARRAY };
	TRY(items(r, head, 2, &scrap));
	return value(r, out);
}

static enum rc value(struct reader *r, struct resp *out)
{
	static const struct {
		uint8_t mark;
		enum resp_type type;
	} types[] = { { '+', RESP_STRING }, { '-', RESP_ERROR }, { ':', RESP_INTEGER },
		{ '$', RESP_STRING }, { '*', RESP_ARRAY }, { '_', RESP_NULL },
		{ '#', RESP_INTEGER }, { ',', RESP_STRING }, { '(', RESP_STRING },
		{ '!', RESP_ERROR }, { '=', RESP_STRING }, { '%', RESP_ARRAY }, { '~', RESP_ARRAY },
		{ '>', RESP_PUSH }, { '|', RESP_NULL } };
	struct slice head;
	size_t row = 0;
	TRY(line(r, &head));
	while (row < sizeof(types) / sizeof(types[0]) && head.len && head.at[0] != types[row].mark)
		row++;
	if (!head.len || row == sizeof(types) / sizeof(types[0]))
		return RC_BAD;
	*out = (struct resp){ .type = types[row].type };
	head = slice_tail(head, 1);
	switch (types[row].mark) {
	case '_':
		return head.len ? RC_BAD : RC_OK;
	case ':':
		return number(head, &out->number);
	case '#':
		return boolean(head, out);
	case '$':
	case '!':
	case '=':
		return bulk(r, head, types[row].mark == '=', out);
	case '%':
		return items(r, head, 2, out);
	case '|':
		return attribute(r, head, out);
	case '*':
	case '~':
	case '>':
		return items(r, head, 1, out);
	default: /* + - , ( */
		out->text = head;
		return RC_OK;
	}
}

enum rc resp_parse(struct slice *in, size_t limit, struct arena *a, struct resp *out)
{
	struct reader whole = { .in = *in, .left = limit };
	struct reader r = { .in = *in, .left = limit, .a = a };
	struct resp scrap;
	TRY(value(&whole, &scrap));
	TRY(value(&r, out));
	*in = r.in;
	return RC_OK;
}

void resp_command(struct buf *out, const struct slice *words, size_t n)
{
	buf_fmt(out, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		buf_fmt(out, "$%zu\r\n", words[i].len);
		buf_add(out, words[i]);
		buf_add(out, S("\r\n"));
	}
}

bool resp_is_error(const struct resp *r, struct slice word)
{
	return r->type == RESP_ERROR && slice_starts(r->text, word) &&
	       (r->text.len == word.len || r->text.at[word.len] == ' ');
}

/* CRC-16/XMODEM. */
static uint16_t crc16(struct slice s)
{
	uint32_t crc = 0;
	for (size_t i = 0; i < s.len; i++) {
		crc ^= (uint32_t)s.at[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
	}
	return (uint16_t)crc;
}

uint16_t resp_slot(struct slice key)
{
	size_t open = slice_find(key, '{');
	struct slice rest = slice_tail(key, open + 1);
	size_t close = slice_find(rest, '}');
	bool has_tag = open < key.len && close > 0 && close < rest.len;
	return crc16(has_tag ? slice_head(rest, close) : key) % SLOTS;
}
