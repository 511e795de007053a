/* address.c: Addresses and domains made comparable: case, quotes, IDNA. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include <idn2.h>
#include <utf8proc.h>

enum { CODEPOINTS_MOST = DIR_ADDRESS_MOST, NAME_MOST = 253, LABEL_MOST = 63 };

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] >= 0x80)
			return false;
	}
	return true;
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < 0x20 || s.at[i] == 0x7f)
			return true;
	}
	return false;
}

/* RFC 5321 4.1.2, Quoted-string: without its quotes and backslashes. */
static enum rc unquoted(struct slice in, struct arena *a, struct slice *out)
{
	*out = in;
	if (in.len < 2 || in.at[0] != '"' || in.at[in.len - 1] != '"')
		return slice_find(in, '"') < in.len ? RC_BAD : RC_OK;
	struct buf b;
	buf_init(&b, 0, a);
	for (size_t i = 1; i + 1 < in.len; i++) {
		if (in.at[i] == '\\' && i + 2 < in.len)
			i++;
		if (in.at[i] == '"')
			return RC_BAD; /* could not be told from a quoted one when it is read again */
		buf_byte(&b, in.at[i]);
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

/* Case-folded and composed, so that one name has one spelling. */
static enum rc folded(struct slice in, struct arena *a, struct slice *out)
{
	uint8_t *room = arena_try(a, in.len + 1);
	if (!room)
		return RC_LIMIT;
	if (is_ascii(in)) {
		for (size_t i = 0; i < in.len; i++)
			room[i] = lower(in.at[i]);
		*out = slice_of(room, in.len);
		return RC_OK;
	}
	utf8proc_int32_t points[CODEPOINTS_MOST + 1];
	enum { HOW = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD };
	utf8proc_ssize_t n = utf8proc_decompose(
		in.at, (utf8proc_ssize_t)in.len, points, CODEPOINTS_MOST, (utf8proc_option_t)HOW);
	if (n <= 0 || n > CODEPOINTS_MOST)
		return RC_BAD;
	n = utf8proc_reencode(points, n, (utf8proc_option_t)HOW);
	if (n <= 0)
		return RC_BAD;
	return arena_copy(a, slice_of(points, (size_t)n), out);
}

/* RFC 5890 A-labels, checked letter by letter: letters, digits, hyphen, underscore. */
static enum rc checked_labels(struct slice name)
{
	size_t label = 0;
	if (name.len == 0 || name.len > NAME_MOST)
		return RC_BAD;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];
		bool is_word =
			(c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (c == '.' ? label == 0 : !is_word || label >= LABEL_MOST)
			return RC_BAD;
		label = c == '.' ? 0 : label + 1;
	}
	return label > 0 ? RC_OK : RC_BAD;
}

/* RFC 5891 5, after the mapping of UTS 46. */
static enum rc a_labels(struct slice in, struct arena *a, struct slice *out)
{
	if (in.len > DIR_ADDRESS_MOST || slice_find(in, 0) < in.len)
		return RC_BAD;
	const char *text = arena_str(a, in);
	uint8_t *made = NULL;
	if (!text)
		return RC_LIMIT;
	if (idn2_lookup_u8((const uint8_t *)text, &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
		IDN2_OK)
		return RC_BAD;
	enum rc rc = arena_copy(a, slice_str((const char *)made), out);
	idn2_free(made);
	return rc;
}

enum rc dir_domain_name(struct slice in, struct arena *a, struct slice *out)
{
	if (in.len > 2 && in.at[0] == '[' && in.at[in.len - 1] == ']')
		return has_control(in) ? RC_BAD : folded(in, a, out);
	if (in.len > 1 && in.at[in.len - 1] == '.')
		in.len--;
	TRY(is_ascii(in) ? folded(in, a, &in) : a_labels(in, a, &in));
	TRY(checked_labels(in));
	*out = in;
	return RC_OK;
}

enum rc dir_address(struct slice in, struct arena *a, struct dir_address *out)
{
	struct dir_address r = { 0 };
	if (in.len == 0 || in.len > DIR_ADDRESS_MOST || has_control(in))
		return RC_BAD;
	size_t at = slice_rfind(in, '@');
	TRY(unquoted(slice_head(in, at), a, &r.local));
	TRY(folded(r.local, a, &r.local));
	if (r.local.len == 0)
		return RC_BAD;
	if (at < in.len)
		TRY(dir_domain_name(slice_tail(in, at + 1), a, &r.domain));
	size_t plus = slice_find(r.local, '+');
	r.base = r.local;
	if (plus > 0 && plus < r.local.len) {
		r.base = slice_head(r.local, plus);
		r.detail = slice_tail(r.local, plus + 1);
	}
	*out = r;
	return RC_OK;
}

struct slice dir_address_text(const struct dir_address *address, struct arena *a)
{
	if (address->domain.len == 0)
		return address->local;
	return arena_fmt(a, "%.*s@%.*s", FMT(address->local), FMT(address->domain));
}
