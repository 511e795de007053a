/* json_read.c: Reading JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_read.h"
#include "base/buf.h"
#include "base/utf8.h"

enum { SCAN_MAX = 4096 }; /* keys of an object that are compared for doubles */

struct reader {
	struct slice in;
	const uint8_t *start;
	struct arena *a;
	struct fault *why;
};

static enum rc fail(struct reader *r, const char *what)
{
	return fault_set(
		r->why, FAULT_SYNTAX, "JSON, octet %zu: %s", (size_t)(r->in.at - r->start), what);
}

static void blanks(struct reader *r)
{
	size_t n = 0;
	while (n < r->in.len && memchr(" \t\r\n", r->in.at[n], 4))
		n++;
	r->in = slice_tail(r->in, n);
}

static bool next_is(struct reader *r, uint8_t c)
{
	if (r->in.len == 0 || r->in.at[0] != c)
		return false;
	r->in = slice_tail(r->in, 1);
	return true;
}

static bool hex4(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < 4; i++) {
		uint8_t c = i < r->in.len ? r->in.at[i] : 'x', low = c | 0x20;
		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			*out = *out << 4 | (uint32_t)(low - 'a' + 10);
		else
			return false;
	}
	r->in = slice_tail(r->in, 4);
	return true;
}

static enum rc escape(struct reader *r, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = r->in.len ? r->in.at[0] : 0;
	const char *known = c ? memchr(from, c, sizeof(from) - 1) : NULL;
	uint32_t hi, lo;
	r->in = slice_tail(r->in, 1);
	if (known) {
		buf_byte(out, (uint8_t)to[known - from]);
		return RC_OK;
	}
	if (c != 'u' || !hex4(r, &hi))
		return fail(r, "bad escape");
	if (hi >= 0xdc00 && hi < 0xe000)
		return fail(r, "lone surrogate");
	if (hi >= 0xd800 && hi < 0xdc00) {
		if (!next_is(r, '\\') || !next_is(r, 'u') || !hex4(r, &lo) || lo < 0xdc00 ||
			lo > 0xdfff)
			return fail(r, "lone surrogate");
		hi = 0x10000 + ((hi & 0x3ff) << 10 | (lo & 0x3ff));
	}
	utf8_add(out, hi);
	return RC_OK;
}

/* From behind the opening quote on. A string without escapes is a view. */
static enum rc string(struct reader *r, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, r->a);
	while (true) {
		size_t n = 0;
		while (n < r->in.len && r->in.at[n] != '"' && r->in.at[n] != '\\' &&
			r->in.at[n] >= 0x20)
			n++;
		struct slice plain = slice_head(r->in, n);
		r->in = slice_tail(r->in, n);
		if (b.len == 0 && next_is(r, '"')) {
			*out = plain;
			return RC_OK;
		}
		buf_add(&b, plain);
		if (next_is(r, '"'))
			break;
		if (!next_is(r, '\\'))
			return fail(r, r->in.len ? "control character in a string"
						 : "the string is not closed");
		TRY(escape(r, &b));
	}
	*out = buf_slice(&b);
	return b.over ? fault_set(r->why, FAULT_MEMORY, "JSON: too long a string") : RC_OK;
}

static size_t digits(struct slice s, size_t at)
{
	while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9')
		at++;
	return at;
}

static enum rc number(struct reader *r, struct slice *out)
{
	struct slice s = r->in;
	size_t from = s.len && s.at[0] == '-', at = digits(s, from), end;
	if (at == from || (at > from + 1 && s.at[from] == '0'))
		return fail(r, "a value is missing");
	if (at < s.len && s.at[at] == '.') {
		end = digits(s, at + 1);
		if (end == at + 1)
			return fail(r, "bad number");
		at = end;
	}
	if (at < s.len && (s.at[at] | 0x20) == 'e') {
		from = at + 1;
		from += from < s.len && (s.at[from] == '+' || s.at[from] == '-');
		at = digits(s, from);
		if (at == from)
			return fail(r, "bad number");
	}
	*out = slice_head(s, at);
	r->in = slice_tail(s, at);
	return RC_OK;
}

static bool word(struct reader *r, struct slice w)
{
	if (!slice_starts(r->in, w))
		return false;
	r->in = slice_tail(r->in, w.len);
	return true;
}

static enum rc value(struct reader *r, unsigned depth, struct json_item *item);

static enum rc member_key(struct reader *r, const struct json_item *object, struct json_item *item)
{
	size_t seen = 0;
	blanks(r);
	if (!next_is(r, '"'))
		return fail(r, "a key is missing");
	TRY(string(r, &item->key));
	for (const struct json_item *i = object->first; i && seen < SCAN_MAX; i = i->next, seen++) {
		if (slice_eq(i->key, item->key))
			return fail(r, "a key is given twice");
	}
	blanks(r);
	return next_is(r, ':') ? RC_OK : fail(r, "\":\" is missing");
}

static enum rc members(struct reader *r, unsigned depth, struct json_item *item, uint8_t close)
{
	struct json_item **last = &item->first;
	if (depth == 0)
		return fault_set(r->why, FAULT_MEMORY, "JSON: nested too deep");
	blanks(r);
	if (next_is(r, close))
		return RC_OK;
	do {
		struct json_item *one = arena_new(r->a, sizeof(*one));
		if (item->type == JSON_OBJECT)
			TRY(member_key(r, item, one));
		TRY(value(r, depth - 1, one));
		*last = one;
		last = &one->next;
		item->n++;
		if (r->a->over || (item->type == JSON_OBJECT && item->n > SCAN_MAX))
			return fault_set(r->why, FAULT_MEMORY, "JSON: too large");
		blanks(r);
	} while (next_is(r, ','));
	return next_is(r, close) ? RC_OK : fail(r, "the object or array is not closed");
}

static enum rc value(struct reader *r, unsigned depth, struct json_item *item)
{
	blanks(r);
	if (next_is(r, '"')) {
		item->type = JSON_STRING;
		return string(r, &item->text);
	}
	if (next_is(r, '{')) {
		item->type = JSON_OBJECT;
		return members(r, depth, item, '}');
	}
	if (next_is(r, '[')) {
		item->type = JSON_ARRAY;
		return members(r, depth, item, ']');
	}
	if (word(r, S("null")))
		return RC_OK;
	item->boolean = word(r, S("true"));
	if (item->boolean || word(r, S("false"))) {
		item->type = JSON_BOOL;
		return RC_OK;
	}
	item->type = JSON_NUMBER;
	return number(r, &item->text);
}

enum rc json_read(struct slice text, unsigned depth, struct arena *a, const struct json_item **out,
	struct fault *why)
{
	struct reader r = { .in = text, .start = text.at, .a = a, .why = why };
	struct json_item *top = arena_new(a, sizeof(*top));
	if (!utf8_valid(text))
		return fail(&r, "this is not UTF-8");
	TRY(value(&r, depth, top));
	blanks(&r);
	if (r.in.len)
		return fail(&r, "something follows the value");
	*out = top;
	return RC_OK;
}

const struct json_item *json_read_get(const struct json_item *object, struct slice key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	const struct json_item *i = object->first;
	while (i && !slice_eq(i->key, key))
		i = i->next;
	return i;
}

struct slice json_read_str(const struct json_item *object, struct slice key)
{
	const struct json_item *i = json_read_get(object, key);
	return i && i->type == JSON_STRING ? i->text : S("");
}

bool json_read_bool(const struct json_item *object, struct slice key)
{
	const struct json_item *i = json_read_get(object, key);
	return i && i->type == JSON_BOOL && i->boolean;
}

enum rc json_read_u64(const struct json_item *object, struct slice key, uint64_t *out)
{
	const struct json_item *i = json_read_get(object, key);
	if (!i)
		return RC_NONE;
	return i->type == JSON_NUMBER ? slice_u64(i->text, UINT64_MAX, out) : RC_BAD;
}
