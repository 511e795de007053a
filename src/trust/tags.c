/* tags.c: Reads lists of tags. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/tags.h"
#include "base/buf.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool digit = (s.at[i] >= '0' && s.at[i] <= '9') || s.at[i] == '_';
		if (!is_letter(s.at[i]) && !(digit && i > 0))
			return false;
	}
	return s.len > 0;
}

static bool is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_blank(s.at[i]) && (s.at[i] <= ' ' || s.at[i] == 0x7f))
			return false; /* UTF-8 may stand here (RFC 8616) */
	}
	return true;
}

enum rc tags_parse(struct slice text, struct tags *out)
{
	out->n = 0;
	while (text.len) {
		struct slice spec = slice_split(&text, ';');
		struct slice value = spec;
		struct slice name = slice_trim(slice_split(&value, '='));
		if (slice_trim(spec).len == 0 && slice_trim(text).len == 0 && out->n)
			return RC_OK; /* the last one may end in ';' */
		if (slice_find(spec, '=') == spec.len || !is_name(name) || !is_value(value))
			return RC_BAD;
		for (size_t i = 0; i < out->n; i++) {
			if (slice_eq(out->at[i].name, name))
				return RC_BAD;
		}
		if (out->n == TAGS_MOST)
			return RC_LIMIT;
		out->at[out->n++] = (struct tag){ name, slice_trim(value) };
	}
	return out->n ? RC_OK : RC_BAD;
}

const struct tag *tags_find(const struct tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->n; i++) {
		if (slice_eq(tags->at[i].name, slice_str(name)))
			return &tags->at[i];
	}
	return NULL;
}

struct slice tags_get(const struct tags *tags, const char *name, struct slice otherwise)
{
	const struct tag *t = tags_find(tags, name);
	return t ? t->value : otherwise;
}

struct slice tags_packed(struct slice value, struct arena *a)
{
	struct buf out;
	buf_init(&out, 0, a);
	for (size_t i = 0; i < value.len; i++) {
		if (!is_blank(value.at[i]))
			buf_byte(&out, value.at[i]);
	}
	return buf_slice(&out);
}

enum rc tags_word(struct slice *list, struct slice *word)
{
	if (list->len == 0)
		return RC_NONE;
	*word = slice_trim(slice_split(list, ':'));
	return RC_OK;
}

bool tags_has_word(struct slice list, struct slice word)
{
	struct slice one;
	while (tags_word(&list, &one) == RC_OK) {
		if (slice_eq_nocase(one, word))
			return true;
	}
	return false;
}

void tags_without_b(struct slice text, struct buf *out)
{
	while (text.len) {
		size_t end = slice_find(text, ';');
		struct slice spec = slice_head(text, end);
		size_t eq = slice_find(spec, '=');
		bool is_b = eq < spec.len && slice_eq(slice_trim(slice_head(spec, eq)), S("b"));
		buf_add(out, is_b ? slice_head(spec, eq + 1) : spec);
		if (end < text.len)
			buf_byte(out, ';');
		text = slice_tail(text, end + 1);
	}
}
