/* record_make.c: From a message's bytes to its immutable record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "mail/fields.h"
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

static enum rc hashes(const struct fields *header, struct arena *a, struct mail_parsed *out)
{
	const struct slice names[] = { S("References"), S("In-Reply-To") };
	struct slice value, id;
	if (fields_find(header, S("Message-ID"), &value) == RC_OK &&
		mime_id_next(&value, &id) == RC_OK)
		out->msgid_hash = id_hash(id);
	for (size_t f = 0; f < 2; f++) {
		size_t n = 0;
		if (fields_find(header, names[f], &value) != RC_OK)
			continue;
		if (!out->ref_hash)
			out->ref_hash = arena_try_array(a, 2 * REFS_MAX, sizeof(*out->ref_hash));
		if (!out->ref_hash)
			return RC_LIMIT;
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

/* Visible ASCII at the head, at most `max`: most text is nothing else between its blanks. */
static size_t word_of(struct slice text, size_t max)
{
	size_t n = 0;
	while (n < text.len && n < max && text.at[n] > ' ' && text.at[n] < 0x7f)
		n++;
	return n;
}

static struct slice preview(const struct mime_part *root, struct arena *a)
{
	const struct mime_part *p = shown(root);
	struct slice text;
	struct buf b;
	size_t chars = 0;
	if (!p)
		return S("");
	struct mime_part first = *p; /* of its body only the beginning is at hand */
	first.body = 0;
	first.body_len = p->peek.len;
	if (mime_part_text(p->peek, &first, PREVIEW_LOOK, a, &text) != RC_OK)
		return S("");
	buf_init(&b, 0, a);
	for (bool blank = true; text.len && chars < PREVIEW_CHARS;) {
		size_t run = word_of(text, PREVIEW_CHARS - chars - (blank && b.len));
		uint32_t c = run ? text.at[0] : utf8_take(&text);
		if (c <= ' ' || c == 0x7f) {
			blank = true;
			continue;
		}
		if (blank && b.len) {
			buf_byte(&b, ' ');
			chars++;
		}
		blank = false;
		if (run)
			buf_add(&b, slice_head(text, run));
		else
			utf8_add(&b, c);
		text = slice_tail(text, run);
		chars += run ? run : 1;
	}
	return b.len ? buf_slice(&b) : S("");
}

static struct slice kept_fields(const struct fields *header, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	for (size_t i = 0; i < header->n; i++)
		if (mail_record_keeps(header->at[i].name))
			buf_add(&b, header->at[i].whole);
	return b.len ? buf_slice(&b) : S("");
}

static struct slice subject_of(const struct fields *header, struct arena *a)
{
	struct slice value;
	if (fields_find(header, S("Subject"), &value) != RC_OK)
		return S("");
	return mime_base_subject(mime_words(value, a));
}

struct mail_making {
	struct arena *work;
	struct mime_walk *walk;
};

/* Everything but the bytes of the record is in `w`. */
static enum rc write_record(const struct mime_part *root, const struct fields *header,
	const struct blob_ref *ref, struct arena *w, struct buf *rec)
{
	struct slice value;
	struct buf part;
	int64_t sent = 0;
	int zone;
	if (fields_find(header, S("Date"), &value) == RC_OK &&
		mime_date(value, &sent, &zone) != RC_OK)
		sent = 0;
	buf_byte(rec, RECORD_VERSION);
	buf_be64(rec, 0); /* the thread: mail_record_set_thread */
	buf_add(rec, slice_of(ref->hash, sizeof(ref->hash)));
	buf_varint(rec, ref->size);
	buf_varint(rec, root->head_len);
	mail_put_signed(rec, sent);
	buf_init(&part, 0, w);
	TRY(structure_envelope(header, w, &part));
	buf_vslice(rec, buf_slice(&part));
	for (int extended = 0; extended < 2; extended++) {
		buf_reset(&part);
		TRY(structure_body(root, header, extended, w, &part));
		buf_vslice(rec, buf_slice(&part));
	}
	buf_vslice(rec, preview(root, w));
	buf_vslice(rec, subject_of(header, w));
	buf_reset(&part);
	TRY(structure_parts(root, &part));
	buf_vslice(rec, buf_slice(&part));
	value = kept_fields(header, w);
	/* a header of that size is read from the message itself */
	bool whole = value.len <= FIELDS_MAX && root->header.len == root->head_len;
	buf_byte(rec, whole);
	buf_vslice(rec, whole ? value : S(""));
	if (ref->upload)
		buf_be64(rec, ref->upload);
	/* a record that lacks something lacks it for ever: rather none */
	return rec->over || part.over || w->over ? RC_LIMIT : RC_OK;
}

static enum rc make(const struct mime_part *root, const struct blob_ref *ref, struct arena *work,
	struct arena *a, struct mail_parsed *out)
{
	struct fields header;
	struct mail_parsed made = { 0 };
	struct buf rec;
	TRY(fields_of(root->header, work, &header));
	TRY(hashes(&header, a, &made));
	buf_init(&rec, 0, work);
	TRY(write_record(root, &header, ref, work, &rec));
	TRY(arena_copy(a, buf_slice(&rec), &made.record));
	*out = made;
	return RC_OK;
}

enum rc mail_record_begin(struct arena *work, struct mail_making **out)
{
	struct mail_making *m = arena_new(work, sizeof(*m));
	m->work = work;
	TRY(mime_walk_new(work, &m->walk));
	*out = m;
	return RC_OK;
}

enum rc mail_record_add(struct mail_making *m, struct slice bytes)
{
	return mime_walk_add(m->walk, bytes);
}

enum rc mail_record_end(
	struct mail_making *m, const struct blob_ref *ref, struct arena *a, struct mail_parsed *out)
{
	struct mime_part *root;
	TRY(mime_walk_end(m->walk, &root));
	return make(root, ref, m->work, a, out);
}

enum rc mail_record_make(
	struct slice message, const struct blob_ref *ref, struct arena *a, struct mail_parsed *out)
{
	struct arena work;
	struct mime_part *root;
	arena_init(&work, 0);
	enum rc rc = mime_parse(message, &work, &root);
	if (rc == RC_OK)
		rc = make(root, ref, &work, a, out);
	arena_done(&work);
	return rc;
}
