/* fetch_section.c: The octets that BODY[section] names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/fetch.h"
#include "mime/mime.h"

enum { HEADER_MAX = 4 << 20 }; /* more of a header is not looked at for single fields */

static bool wanted(const struct imap_fetch_item *item, struct slice name)
{
	for (size_t i = 0; i < item->fields_n; i++)
		if (slice_eq_nocase(item->fields[i], name))
			return item->what == IMAP_SECTION_FIELDS;
	return item->what == IMAP_SECTION_FIELDS_NOT;
}

static enum rc pick(struct slice header, const struct imap_fetch_item *item, struct arena *a,
	struct fetch_span *out)
{
	struct slice field, name, value;
	struct buf b;
	buf_init(&b, 0, a);
	while (mail_field_next(&header, &field, &name, &value) == RC_OK)
		if (name.len && wanted(item, name))
			buf_add(&b, field);
	buf_str(&b, "\r\n");
	*out = (struct fetch_span){ .is_ready = true, .bytes = buf_slice(&b), .len = b.len };
	return b.over ? RC_LIMIT : RC_OK;
}

bool fetch_is_kept(const struct imap_fetch_item *item)
{
	if (item->kind != IMAP_FETCH_SECTION || item->what != IMAP_SECTION_FIELDS ||
		item->number.len)
		return false;
	for (size_t i = 0; i < item->fields_n; i++)
		if (!mail_record_keeps(item->fields[i]))
			return false;
	return true;
}

enum rc fetch_fields_kept(const struct mail_record *rec, const struct imap_fetch_item *item,
	struct arena *a, struct fetch_span *out)
{
	if (!rec->has_fields || !fetch_is_kept(item))
		return RC_NONE;
	return pick(rec->fields, item, a, out);
}

void fetch_partial(const struct imap_fetch_item *item, struct fetch_span *span)
{
	if (!item->has_partial || span->is_nil)
		return;
	uint64_t skip = item->offset < span->len ? item->offset : span->len;
	uint64_t len = span->len - skip < item->length ? span->len - skip : item->length;
	if (span->is_ready)
		span->bytes = slice_head(slice_tail(span->bytes, (size_t)skip), (size_t)len);
	span->offset += skip;
	span->len = len;
}

static struct fetch_span span(uint64_t offset, uint64_t len)
{
	return (struct fetch_span){ .offset = offset, .len = len };
}

/* The region of a section, before fields are picked. */
static struct fetch_span region(
	const struct mail_record *rec, const struct imap_fetch_item *item, struct mail_part *part)
{
	const struct fetch_span nil = { .is_nil = true };
	*part = (struct mail_part){ 0 };
	if (!item->number.len) {
		if (item->what == IMAP_SECTION_ALL)
			return span(0, rec->size);
		if (item->what == IMAP_SECTION_TEXT)
			return span(rec->head_len, rec->size - rec->head_len);
		return span(0, rec->head_len);
	}
	if (mail_record_part(rec, item->number, part) != RC_OK)
		return nil;
	if (item->what == IMAP_SECTION_ALL)
		return span(part->body, part->body_len);
	if (item->what == IMAP_SECTION_MIME)
		return span(part->head, part->head_len);
	if (!part->is_message)
		return nil;
	if (item->what == IMAP_SECTION_TEXT)
		return span(
			part->body + part->inner_head_len, part->body_len - part->inner_head_len);
	return span(part->body, part->inner_head_len);
}

static enum rc read_span(struct imap_session *s, const struct mail_record *rec,
	struct fetch_span *out, struct arena *a, struct fault *why)
{
	TRY(mail_bytes_get(s->ma, &rec->blob, out->offset, out->len, a, &out->bytes, why));
	out->is_ready = true;
	out->len = out->bytes.len;
	return RC_OK;
}

enum rc fetch_section(struct imap_session *s, const struct mail_record *rec,
	const struct imap_fetch_item *item, struct arena *a, struct fetch_span *out,
	struct fault *why)
{
	struct mail_part part;
	if (fetch_fields_kept(rec, item, a, out) == RC_OK)
		return RC_OK;
	*out = region(rec, item, &part);
	if (out->is_nil)
		return RC_OK;
	if (item->is_binary) {
		TRY(read_span(s, rec, out, a, why));
		if (item->number.len)
			TRY(mime_decode(part.encoding, out->bytes, a, &out->bytes));
		out->len = out->bytes.len;
		return RC_OK;
	}
	if (item->what != IMAP_SECTION_FIELDS && item->what != IMAP_SECTION_FIELDS_NOT)
		return RC_OK;
	out->len = out->len < HEADER_MAX ? out->len : HEADER_MAX;
	TRY(read_span(s, rec, out, a, why));
	/* the blank line that ends the header is no field, and pick() writes its own */
	return pick(out->bytes, item, a, out);
}
