/* search_body.c: Looking for text in the text parts of a message: in place where they are plain, else decoded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "mail/find.h"
#include "mime/mime.h"

enum { PART_MAX = 8 << 20 };

/* A text part: its octets without transfer encoding, and what they mean. */
struct text {
	struct slice bytes, charset;
	bool is_html;
};

/* Octets below 128 mean ASCII there, whatever stands beside them. */
static bool holds_ascii(struct slice charset)
{
	static const char *const names[] = { "us-ascii", "utf-8", "ascii", "utf8" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(charset, slice_str(names[i])))
			return true;
	return charset.len == 0 || slice_starts_nocase(charset, S("iso-8859-")) ||
	       slice_starts_nocase(charset, S("windows-125"));
}

static bool is_leaf_text(const struct mail_part *p)
{
	/* the message itself stands under the empty number; without parts it is "1" too */
	return p->number.len && p->is_text && !p->is_multipart && !p->is_message;
}

/* RC_NONE: no text. */
static enum rc open_part(
	struct slice whole, const struct mail_part *p, struct arena *a, struct text *out)
{
	struct mime_params type = { 0 };
	struct slice value;
	if (!is_leaf_text(p))
		return RC_NONE;
	struct slice head = slice_head(slice_tail(whole, (size_t)p->head), (size_t)p->head_len);
	if (mime_field_find(head, S("Content-Type"), &value) == RC_OK &&
		mime_params(value, a, &type) != RC_OK)
		type = (struct mime_params){ 0 };
	size_t len = p->body_len < PART_MAX ? (size_t)p->body_len : PART_MAX;
	struct slice body = slice_head(slice_tail(whole, (size_t)p->body), len);
	out->charset = mime_param(&type, S("charset"));
	out->is_html =
		slice_eq_nocase(type.type, S("text")) && slice_eq_nocase(type.subtype, S("html"));
	return mime_decode(p->encoding, body, a, &out->bytes);
}

/* As UTF-8; HTML: what is seen of it. */
static enum rc read_part(const struct text *t, struct arena *a, struct slice *out)
{
	struct slice text;
	TRY(mime_to_utf8(t->charset, t->bytes, a, &text));
	if (t->is_html)
		return mime_html_text(text, a, out);
	*out = text;
	return RC_OK;
}

static bool in_text(const struct text *t, struct slice text, bool is_ascii, struct arena *a)
{
	struct slice hay = t->bytes;
	bool plain = !t->is_html && holds_ascii(t->charset);
	if (plain && !is_ascii && find_is_ascii(hay))
		return false;
	if (!(plain && is_ascii) && read_part(t, a, &hay) != RC_OK)
		return false;
	if (is_ascii)
		return find_text(hay, text) < hay.len;
	return search_fold(hay, a, &hay) == RC_OK && slice_search(hay, text) < hay.len;
}

static bool in_parts(struct search_message *m, struct slice text)
{
	struct slice rest = m->rec.parts;
	struct mail_part p;
	struct text t;
	bool is_ascii = find_is_ascii(text);
	while (mail_record_part_next(&rest, &p) == RC_OK)
		if (open_part(m->whole, &p, m->a, &t) == RC_OK && in_text(&t, text, is_ascii, m->a))
			return true;
	return false;
}

/* Decoded once for the other keys of the program. */
static enum rc make_text(struct search_message *m)
{
	struct slice rest = m->rec.parts;
	struct mail_part p;
	struct buf b;
	if (m->text.at)
		return RC_OK;
	buf_init(&b, 0, m->a);
	buf_byte(&b, '\n');
	while (mail_record_part_next(&rest, &p) == RC_OK) {
		struct slice text;
		struct text t;
		if (open_part(m->whole, &p, m->a, &t) != RC_OK ||
			read_part(&t, m->a, &text) != RC_OK ||
			search_fold(text, m->a, &text) != RC_OK)
			continue;
		buf_add(&b, text);
		buf_byte(&b, '\n');
	}
	m->text = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc search_get(struct search_message *m, uint64_t len, struct slice *out)
{
	enum rc rc = mail_bytes_get(m->s->ma, &m->rec.blob, 0, len, m->a, out, NULL);
	if (rc == RC_TEMP || rc == RC_LIMIT)
		m->failed = rc;
	return rc;
}

enum rc search_read(struct search_message *m)
{
	return m->whole.at ? RC_OK : search_get(m, m->rec.size, &m->whole);
}

bool search_body(struct search_message *m, struct slice text)
{
	if (search_read(m) != RC_OK)
		return false;
	if (!text.len)
		return true;
	if (m->bodies++ == 0)
		return in_parts(m, text);
	return make_text(m) == RC_OK && slice_search(m->text, text) < m->text.len;
}
