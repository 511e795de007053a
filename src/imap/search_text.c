/* search_text.c: Looking for text in headers, decoded and without case. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "mail/find.h"
#include "mime/mime.h"

enum { HEADER_MAX = 1 << 20 };

/* A value of one line without encoded words is searched as it lies: whatever its octets past 127 mean, an ASCII text is
 * not among them, and a text with others is not in an ASCII value. */
static bool contains(struct slice raw, struct slice text, struct arena *a)
{
	struct slice value;
	raw = slice_trim(raw);
	if (slice_find(raw, '\n') == raw.len && slice_find(raw, '\r') == raw.len &&
		slice_search(raw, S("=?")) == raw.len) {
		if (find_is_ascii(text))
			return !text.len || find_text(raw, text) < raw.len;
		if (find_is_ascii(raw))
			return false;
	}
	if (search_fold(mime_words(mime_unfold(raw, a), a), a, &value) != RC_OK)
		return false;
	return !text.len || slice_search(value, text) < value.len;
}

static bool in_fields(struct slice header, struct slice name, struct slice text, struct arena *a)
{
	struct mime_field field;
	while (mime_field_next(&header, &field) == RC_OK) {
		if (name.len && (field.name.len != name.len || !slice_eq_nocase(field.name, name)))
			continue;
		if (contains(field.value, text, a))
			return true;
		if (!name.len && contains(field.name, text, a))
			return true;
	}
	return false;
}

static enum rc read_header(struct search_message *m)
{
	uint64_t len = m->rec.head_len < HEADER_MAX ? m->rec.head_len : HEADER_MAX;
	if (m->header.at)
		return RC_OK;
	if (m->whole.at) {
		m->header = slice_head(m->whole, (size_t)len);
		return RC_OK;
	}
	return search_get(m, len, &m->header);
}

enum search_fit search_header(struct search_message *m, struct slice field, struct slice text)
{
	if (m->rec.has_fields && field.len && mail_record_keeps(field))
		return in_fields(m->rec.fields, field, text, m->a) ? SEARCH_YES : SEARCH_NO;
	if (m->depth < SEARCH_BYTES) { /* any field: perhaps one that is kept */
		bool kept = !field.len && in_fields(m->rec.fields, field, text, m->a);
		return kept ? SEARCH_YES : SEARCH_UNKNOWN;
	}
	bool found = read_header(m) == RC_OK && in_fields(m->header, field, text, m->a);
	return found ? SEARCH_YES : SEARCH_NO;
}
