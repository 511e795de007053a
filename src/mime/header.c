/* header.c: Header fields, folded or broken, and their unfolding. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"

static bool is_name_char(uint8_t c)
{
	return c > ' ' && c != ':' && c != 0x7f;
}

/* The end of the line at `from`: index behind its LF, or the end. */
static size_t line_end(struct slice s, size_t from)
{
	size_t lf = slice_find(slice_tail(s, from), '\n');
	return from + lf < s.len ? from + lf + 1 : s.len;
}

static bool is_blank_line(struct slice line)
{
	return line.len == 0 || line.at[0] == '\n' ||
	       (line.len >= 2 && line.at[0] == '\r' && line.at[1] == '\n');
}

/* Index of the colon that ends a field's name; blanks before it are forgiven. line.len: no field. */
static size_t name_end(struct slice line)
{
	size_t i = 0;
	while (i < line.len && is_name_char(line.at[i]))
		i++;
	size_t colon = i;
	while (colon < line.len && (line.at[colon] == ' ' || line.at[colon] == '\t'))
		colon++;
	return i > 0 && colon < line.len && line.at[colon] == ':' ? colon : line.len;
}

static struct slice strip_end(struct slice s)
{
	if (s.len && s.at[s.len - 1] == '\n')
		s.len--;
	if (s.len && s.at[s.len - 1] == '\r')
		s.len--;
	return s;
}

bool mime_is_field(struct slice line)
{
	return name_end(line) < line.len;
}

enum rc mime_field_next(struct slice *rest, struct mime_field *out)
{
	while (rest->len) {
		struct slice line = slice_head(*rest, line_end(*rest, 0));
		if (is_blank_line(line)) {
			*rest = slice_tail(*rest, line.len);
			return RC_NONE;
		}
		size_t end = line.len;
		while (end < rest->len && (rest->at[end] == ' ' || rest->at[end] == '\t'))
			end = line_end(*rest, end);
		struct slice whole = slice_head(*rest, end);
		size_t colon = name_end(line);
		*rest = slice_tail(*rest, end);
		if (colon == line.len)
			continue;
		out->whole = whole;
		out->name = slice_trim(slice_head(whole, colon));
		out->value = strip_end(slice_tail(whole, colon + 1));
		return RC_OK;
	}
	return RC_NONE;
}

enum rc mime_field_find(struct slice header, struct slice name, struct slice *value)
{
	struct mime_field f;
	while (mime_field_next(&header, &f) == RC_OK) {
		if (slice_eq_nocase(f.name, name)) {
			*value = f.value;
			return RC_OK;
		}
	}
	return RC_NONE;
}

struct slice mime_unfold(struct slice value, struct arena *a)
{
	value = slice_trim(value);
	if (slice_find(value, '\n') == value.len && slice_find(value, '\r') == value.len)
		return value;
	uint8_t *out = arena_try(a, value.len);
	size_t n = 0;
	if (!out)
		return slice_head(value, slice_find(value, '\n'));
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] != '\r' && value.at[i] != '\n')
			out[n++] = value.at[i];
	return slice_of(out, n);
}
