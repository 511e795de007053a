/* json.c: Writing JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"
#include "base/must.h"
#include "base/utf8.h"

void json_quote(struct slice text, struct buf *out)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	bool valid = utf8_valid(text);
	buf_byte(out, '"');
	while (text.len) {
		uint8_t c = text.at[0];
		const char *known = c ? memchr(from, c, sizeof(from) - 1) : NULL;
		if (c >= 0x80 && !valid) {
			utf8_add(out, utf8_take(&text));
			continue;
		}
		if (known)
			buf_fmt(out, "\\%c", to[known - from]);
		else if (c < 0x20 || c == 0x7f)
			buf_fmt(out, "\\u%04x", c);
		else
			buf_byte(out, c);
		text = slice_tail(text, 1);
	}
	buf_byte(out, '"');
}

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

/* The comma before a value, and its key. */
static void begin(struct json *j, const char *key)
{
	uint64_t bit = j->depth ? (uint64_t)1 << (j->depth - 1) : 0;
	if (bit == 0 && j->depth == 0 && !key)
		return;
	if (key) {
		json_key(j, slice_str(key));
	} else if (j->is_array & bit) {
		if (j->has_one & bit)
			buf_byte(j->out, ',');
		j->has_one |= bit;
	}
}

void json_key(struct json *j, struct slice key)
{
	must(j->depth > 0);
	uint64_t bit = (uint64_t)1 << (j->depth - 1);
	must(!(j->is_array & bit));
	if (j->has_one & bit)
		buf_byte(j->out, ',');
	j->has_one |= bit;
	json_quote(key, j->out);
	buf_byte(j->out, ':');
}

static void open(struct json *j, const char *key, bool array)
{
	begin(j, key);
	must(j->depth < JSON_DEPTH_MAX);
	uint64_t bit = (uint64_t)1 << j->depth++;
	j->has_one &= ~bit;
	j->is_array = array ? j->is_array | bit : j->is_array & ~bit;
	buf_byte(j->out, array ? '[' : '{');
}

void json_object(struct json *j, const char *key)
{
	open(j, key, false);
}

void json_array(struct json *j, const char *key)
{
	open(j, key, true);
}

void json_end(struct json *j)
{
	must(j->depth > 0);
	j->depth--;
	buf_byte(j->out, j->is_array >> j->depth & 1 ? ']' : '}');
}

void json_str(struct json *j, const char *key, const char *text)
{
	json_slice(j, key, slice_str(text));
}

void json_slice(struct json *j, const char *key, struct slice text)
{
	begin(j, key);
	json_quote(text, j->out);
}

void json_u64(struct json *j, const char *key, uint64_t n)
{
	begin(j, key);
	buf_u64(j->out, n);
}

void json_i64(struct json *j, const char *key, int64_t n)
{
	begin(j, key);
	buf_fmt(j->out, "%lld", (long long)n);
}

void json_bool(struct json *j, const char *key, bool is_true)
{
	begin(j, key);
	buf_str(j->out, is_true ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	buf_str(j->out, "null");
}

void json_raw(struct json *j, const char *key, struct slice json)
{
	begin(j, key);
	buf_add(j->out, json);
}
