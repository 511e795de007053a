/* search_text.c: Looking for text in headers and bodies, decoded and without case. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "base/utf8.h"
#include "mime/mime.h"

enum { HEADER_MAX = 1 << 20, PART_MAX = 8 << 20 };

static uint32_t fold(uint32_t c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
		(c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if ((c >= 0x100 && c < 0x138) || (c >= 0x14a && c < 0x178) || (c >= 0x1e00 && c < 0x1e96))
		return c | 1;
	return c == 0x3c2 ? 0x3c3 : c;
}

enum rc search_fold(struct slice text, struct arena *a, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, a);
	if (text.len && !buf_room(&b, text.len))
		return RC_LIMIT;
	while (text.len) {
		uint8_t c = text.at[0];
		if (c < 128) {
			buf_byte(&b, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
			text = slice_tail(text, 1);
			continue;
		}
		utf8_add(&b, fold(utf8_take(&text)));
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc search_record(struct search_message *m)
{
	struct slice bytes;
	if (m->has_record)
		return RC_OK;
	if (m->is_gone)
		return RC_NONE;
	enum rc rc = mail_record_get(m->s->ma, m->entry->mid, m->a, &bytes, NULL);
	if (rc == RC_OK)
		rc = mail_record_read(bytes, &m->rec);
	m->has_record = rc == RC_OK;
	m->is_gone = !m->has_record;
	m->failed |= rc == RC_TEMP;
	return rc;
}

static bool contains(struct slice raw, struct slice text, struct arena *a)
{
	struct slice value;
	if (!text.len)
		return true;
	if (search_fold(mime_words(mime_unfold(raw, a), a), a, &value) != RC_OK)
		return false;
	return slice_search(value, text) < value.len;
}

static bool in_fields(struct slice header, struct slice name, struct slice text, struct arena *a)
{
	struct mime_field field;
	while (mime_field_next(&header, &field) == RC_OK) {
		if (name.len && !slice_eq_nocase(field.name, name))
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
	if (m->header.at)
		return RC_OK;
	uint64_t len = m->rec.head_len < HEADER_MAX ? m->rec.head_len : HEADER_MAX;
	return mail_bytes_get(m->s->ma, &m->rec.blob, 0, len, m->a, &m->header, NULL);
}

bool search_header(struct search_message *m, struct slice field, struct slice text)
{
	if (search_record(m) != RC_OK)
		return false;
	if (m->rec.has_fields && field.len && mail_record_keeps(field))
		return in_fields(m->rec.fields, field, text, m->a);
	return read_header(m) == RC_OK && in_fields(m->header, field, text, m->a);
}

/* The text of one part, as UTF-8 and folded, into `out`. */
static void add_text(
	struct slice whole, const struct mime_part *part, struct arena *a, struct buf *out)
{
	struct slice text;
	if (mime_part_text(whole, part, PART_MAX, a, &text) != RC_OK)
		return;
	if (search_fold(text, a, &text) != RC_OK)
		return;
	buf_add(out, text);
	buf_byte(out, '\n');
}

static void walk(struct slice whole, const struct mime_part *part, unsigned depth, struct arena *a,
	struct buf *out)
{
	for (; part && depth < MIME_DEPTH_MAX + 2; part = part->next) {
		if (part->child)
			walk(whole, part->child, depth + 1, a, out);
		else
			add_text(whole, part, a, out);
	}
}

/* Decoded once for all keys of the program. */
static enum rc read_text(struct search_message *m)
{
	struct slice whole;
	struct mime_part *root;
	struct buf b;
	if (m->has_text)
		return RC_OK;
	TRY(search_record(m));
	TRY(mail_bytes_get(m->s->ma, &m->rec.blob, 0, m->rec.size, m->a, &whole, NULL));
	TRY(mime_parse(whole, m->a, &root));
	buf_init(&b, 0, m->a);
	walk(whole, root, 0, m->a, &b);
	m->text = buf_slice(&b);
	m->has_text = true;
	return b.over ? RC_LIMIT : RC_OK;
}

bool search_body(struct search_message *m, struct slice text)
{
	if (read_text(m) != RC_OK)
		return false;
	return !text.len || slice_search(m->text, text) < m->text.len;
}
