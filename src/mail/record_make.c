/* record_make.c: From a message's bytes to its immutable record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "mail/log.h"
#include "mail/record_int.h"
#include "mail/structure.h"
#include "mime/mime.h"
#include <xxhash.h>

enum { PREVIEW_CHARS = 256, PREVIEW_LOOK = 16384, FIELDS_MAX = 16384, REFS_MAX = 64 };

static uint64_t id_hash(struct slice id)
{
	uint64_t h = XXH3_64bits(id.at, id.len);
	return h ? h : 1;
}

static enum rc hashes(struct slice header, struct arena *a, struct mail_parsed *out)
{
	static const char *const fields[] = { "References", "In-Reply-To" };
	struct slice value, id;
	out->ref_hash = arena_try_array(a, 2 * REFS_MAX, sizeof(*out->ref_hash));
	if (!out->ref_hash)
		return RC_LIMIT;
	if (mime_field_find(header, S("Message-ID"), &value) == RC_OK &&
		mime_id_next(&value, &id) == RC_OK)
		out->msgid_hash = id_hash(id);
	for (size_t f = 0; f < 2; f++) {
		size_t n = 0;
		if (mime_field_find(header, slice_str(fields[f]), &value) != RC_OK)
			continue;
		while (n++ < REFS_MAX && mime_id_next(&value, &id) == RC_OK) {
			uint64_t h = id_hash(id);
			bool known = h == out->msgid_hash;
			for (size_t i = 0; i < out->ref_n; i++)
				known |= out->ref_hash[i] == h;
			if (!known)
				out->ref_hash[out->ref_n++] = h;
		}
	}
	return RC_OK;
}

/* The first text part that is shown: plain before HTML of an alternative comes first anyway. */
static const struct mime_part *shown(const struct mime_part *p)
{
	while (p->is_multipart && p->child)
		p = p->child;
	return slice_eq_nocase(p->type.type, S("text")) ? p : NULL;
}

static struct slice preview(struct slice message, const struct mime_part *root, struct arena *a)
{
	const struct mime_part *p = shown(root);
	struct slice text;
	struct buf b;
	size_t chars = 0;
	if (!p || mime_part_text(message, p, PREVIEW_LOOK, a, &text) != RC_OK)
		return S("");
	buf_init(&b, 0, a);
	for (bool blank = true; text.len && chars < PREVIEW_CHARS;) {
		uint32_t c = utf8_take(&text);
		if (c <= ' ' || c == 0x7f) {
			blank = true;
			continue;
		}
		if (blank && b.len) {
			buf_byte(&b, ' ');
			chars++;
		}
		blank = false;
		utf8_add(&b, c);
		chars++;
	}
	return b.len ? buf_slice(&b) : S("");
}

static struct slice kept_fields(struct slice header, struct arena *a)
{
	struct mime_field f;
	struct buf b;
	buf_init(&b, 0, a);
	while (mime_field_next(&header, &f) == RC_OK)
		if (mail_record_keeps(f.name))
			buf_add(&b, f.whole);
	return b.len ? buf_slice(&b) : S("");
}

static struct slice subject_of(struct slice header, struct arena *a)
{
	struct slice value;
	if (mime_field_find(header, S("Subject"), &value) != RC_OK)
		return S("");
	return mime_base_subject(mime_words(value, a));
}

enum rc mail_record_make(
	struct slice message, const struct blob_ref *ref, struct arena *a, struct mail_parsed *out)
{
	struct mime_part *root;
	struct buf rec, part;
	struct slice value;
	int64_t sent = 0;
	int zone;
	*out = (struct mail_parsed){ 0 };
	TRY(mime_parse(message, a, &root));
	struct slice header = slice_of(message.at + root->head, root->head_len);
	TRY(hashes(header, a, out));
	if (mime_field_find(header, S("Date"), &value) == RC_OK &&
		mime_date(value, &sent, &zone) != RC_OK)
		sent = 0;
	buf_init(&rec, 0, a);
	buf_byte(&rec, RECORD_VERSION);
	buf_be64(&rec, 0); /* the thread: mail_record_set_thread */
	buf_add(&rec, slice_of(ref->hash, sizeof(ref->hash)));
	buf_varint(&rec, message.len);
	buf_varint(&rec, root->head_len);
	mail_put_signed(&rec, sent);
	buf_init(&part, 0, a);
	TRY(structure_envelope(header, a, &part));
	buf_vslice(&rec, buf_slice(&part));
	for (int extended = 0; extended < 2; extended++) {
		buf_reset(&part);
		TRY(structure_body(message, root, extended, a, &part));
		buf_vslice(&rec, buf_slice(&part));
	}
	buf_vslice(&rec, preview(message, root, a));
	buf_vslice(&rec, subject_of(header, a));
	buf_reset(&part);
	TRY(structure_parts(message, root, &part));
	buf_vslice(&rec, buf_slice(&part));
	value = kept_fields(header, a);
	bool whole =
		value.len <= FIELDS_MAX; /* a header of that size is read from the message itself */
	buf_byte(&rec, whole);
	buf_vslice(&rec, whole ? value : S(""));
	out->record = buf_slice(&rec);
	return rec.over || part.over ? RC_LIMIT : RC_OK;
}
