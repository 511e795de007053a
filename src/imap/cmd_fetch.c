/* cmd_fetch.c: FETCH: a cursor over messages, items and the octets of long literals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/fetch.h"
#include "wire/imap_write.h"

enum { FETCH_ROOM = 8 * 1024 };

static enum rc mark_seen(struct imap_session *s, struct mail_change *ch, struct fault *)
{
	const struct mail_flag_change fc = { .op = MAIL_FLAGS_ADD, .flags = MAIL_SEEN };
	ranges_clear(&s->touched);
	return mail_change_flags(ch, s->box, &s->uids, &fc, &s->touched, NULL);
}

static enum rc parse(struct imap_session *s)
{
	struct fetch *f = arena_new(&s->arena, sizeof(*f));
	TRY(imap_take_uids(s, &s->uids));
	TRY(imap_lex_space(&s->x));
	TRY(imap_fetch_parse(&s->x, &f->args));
	if (f->args.vanished)
		return RC_BAD; /* QRESYNC is not enabled: RFC 7162 3.2.6 */
	s->condstore |= f->args.has_changed_since || f->args.kinds & 1U << IMAP_FETCH_MODSEQ;
	for (size_t i = 0; i < f->args.n; i++) {
		const struct imap_fetch_item *item = &f->args.items[i];
		bool section =
			item->kind == IMAP_FETCH_SECTION || item->kind == IMAP_FETCH_BINARY_SIZE;
		f->needs_bytes |= section && !fetch_is_kept(item);
		f->needs_record |=
			section || item->kind == IMAP_FETCH_ENVELOPE ||
			item->kind == IMAP_FETCH_BODY || item->kind == IMAP_FETCH_BODYSTRUCTURE ||
			item->kind == IMAP_FETCH_PREVIEW || item->kind == IMAP_FETCH_THREADID;
	}
	f->entries = arena_try_array(&s->arena, FETCH_CHUNK, sizeof(*f->entries));
	f->seqs = arena_try_array(&s->arena, FETCH_CHUNK, sizeof(*f->seqs));
	if (!f->entries || !f->seqs)
		return RC_LIMIT;
	f->from = 1;
	s->work = f;
	return RC_OK;
}

static enum rc refill(struct imap_session *s, struct fetch *f, struct fault *why)
{
	struct mail_reading r = { .from = f->from,
		.uids = &s->uids,
		.entries = f->entries,
		.seqs = f->seqs,
		.max = FETCH_CHUNK };
	f->at = f->ahead.end = 0;
	f->n = 0;
	TRY(mail_view_read(&s->view, &r, why));
	f->n = r.n;
	f->from = r.from;
	return RC_OK;
}

static void begin_message(struct imap_session *s, const struct fetch *f, size_t at)
{
	const struct mail_entry *e = &f->entries[at];
	struct buf *out = imap_out(s);
	imap_tell_new_keywords(s, e);
	buf_str(out, "* ");
	buf_u64(out, f->seqs[at]);
	buf_str(out, " FETCH (");
	bool first = true;
	if (s->is_uid && !(f->args.kinds & 1U << IMAP_FETCH_UID)) {
		buf_str(out, "UID ");
		buf_u64(out, e->uid);
		first = false;
	}
	if (f->args.has_changed_since && !(f->args.kinds & 1U << IMAP_FETCH_MODSEQ)) {
		buf_fmt(out, "%sMODSEQ (%llu)", first ? "" : " ", (unsigned long long)e->modseq);
		first = false;
	}
	if (s->touched.n && !(f->args.kinds & 1U << IMAP_FETCH_FLAGS) &&
		ranges_has(&s->touched, e->uid)) {
		buf_str(out, first ? "" : " ");
		imap_write_entry_flags(s, e, out);
		first = false;
	}
	if (!first)
		buf_byte(out, ' ');
}

/* Items that the table or the record answers. */
static void plain(struct imap_session *s, const struct mail_entry *e, const struct mail_record *rec,
	enum imap_fetch_kind kind, struct slice name)
{
	struct buf *out = imap_out(s);
	if (kind == IMAP_FETCH_FLAGS) {
		imap_write_entry_flags(s, e, out);
		return;
	}
	buf_add(out, name);
	buf_byte(out, ' ');
	if (kind == IMAP_FETCH_UID)
		buf_u64(out, e->uid);
	else if (kind == IMAP_FETCH_SIZE)
		buf_u64(out, e->size);
	else if (kind == IMAP_FETCH_INTERNALDATE)
		imap_write_date_time(e->received, out);
	else if (kind == IMAP_FETCH_MODSEQ)
		buf_fmt(out, "(%llu)", (unsigned long long)e->modseq);
	else if (kind == IMAP_FETCH_EMAILID)
		buf_fmt(out, "(E%llx)", (unsigned long long)e->mid);
	else if (kind == IMAP_FETCH_THREADID)
		buf_fmt(out, "(T%llx)", (unsigned long long)(rec->thread ? rec->thread : e->mid));
	else if (kind == IMAP_FETCH_ENVELOPE)
		buf_add(out, rec->envelope);
	else if (kind == IMAP_FETCH_BODY)
		buf_add(out, rec->body);
	else if (kind == IMAP_FETCH_BODYSTRUCTURE)
		buf_add(out, rec->structure);
	else if (kind == IMAP_FETCH_PREVIEW)
		imap_write_string(rec->preview, out);
	else
		buf_str(out, "NIL");
}

static void literal_head(
	struct imap_session *s, const struct imap_fetch_item *item, const struct fetch_span *span)
{
	struct buf *out = imap_out(s);
	buf_add(out, item->echo);
	buf_byte(out, ' ');
	if (item->kind == IMAP_FETCH_BINARY_SIZE) {
		buf_u64(out, span->len);
		return;
	}
	if (span->is_nil) {
		buf_str(out, "NIL");
		return;
	}
	if (item->is_binary && span->is_ready && slice_find(span->bytes, 0) < span->bytes.len)
		buf_byte(out, '~');
	imap_write_literal(span->len, out);
	if (span->is_ready)
		buf_add(out, span->bytes);
}

/* --- everything is in the table and the records: one scan serves a chunk --- */

struct scan {
	struct imap_session *s;
	struct fetch *f;
	struct arena a;
};

static bool whole_message(struct scan *sc, size_t at, const struct mail_record *rec)
{
	struct imap_session *s = sc->s;
	struct fetch *f = sc->f;
	begin_message(s, f, at);
	for (size_t i = 0; i < f->args.n; i++) {
		const struct imap_fetch_item *item = &f->args.items[i];
		struct fetch_span span;
		if (i)
			buf_byte(imap_out(s), ' ');
		if (item->kind != IMAP_FETCH_SECTION) {
			plain(s, &f->entries[at], rec, item->kind, item->echo);
		} else if (fetch_fields_kept(rec, item, &sc->a, &span) == RC_OK) {
			fetch_partial(item, &span);
			literal_head(s, item, &span);
		} else {
			s->closing = true; /* the message was begun */
			return false;
		}
	}
	buf_str(imap_out(s), ")\r\n");
	f->at = at + 1;
	return !imap_full(s);
}

static bool visit(void *ctx, size_t index, struct slice bytes)
{
	struct scan *sc = ctx;
	struct mail_record rec;
	size_t at = (size_t)(index + sc->f->item); /* `item` holds where the scan began */
	sc->f->records += bytes.len;
	if (mail_record_read(bytes, &rec) != RC_OK) {
		sc->f->at = at + 1;
		return true;
	}
	bool kept = true;
	for (size_t i = 0; i < sc->f->args.n; i++)
		kept &= rec.has_fields || sc->f->args.items[i].kind != IMAP_FETCH_SECTION;
	if (!kept) { /* its fields did not fit into the record: the slow way for this chunk */
		sc->f->needs_bytes = true;
		return false;
	}
	bool go_on = whole_message(sc, at, &rec);
	arena_reset(&sc->a);
	return go_on;
}

/* A long answer fills the output to its mark over and over. */
static void make_room(struct buf *out, size_t want)
{
	want = (want < 2 * CONN_HIGH_WATER ? want : 2 * CONN_HIGH_WATER) + FETCH_ROOM;
	if (out->cap < want)
		(void)buf_room(out, want - out->len); /* once, not by doubling */
}

static void make_room_for_many(struct imap_session *s, const struct fetch *f)
{
	if (f->n - f->at >= FETCH_CHUNK / 4)
		make_room(imap_out(s), CONN_HIGH_WATER);
}

static enum rc chunk_by_records(struct imap_session *s, struct fetch *f, struct fault *why)
{
	struct scan sc = { .s = s, .f = f };
	arena_init(&sc.a, 0);
	f->item = f->at;
	size_t from = f->at;
	make_room_for_many(s, f);
	const struct mail_wanted wanted = { f->entries + from, f->n - from, f->records };
	enum rc rc = mail_records(s->ma, &wanted, visit, &sc, why);
	f->item = 0;
	arena_done(&sc.a);
	TRY(rc);
	if (s->closing)
		return RC_LOST;
	if (!imap_full(s) && !f->needs_bytes)
		f->at = f->n; /* the rest of the chunk is gone from the store */
	return RC_OK;
}

static void chunk_by_table(struct imap_session *s, struct fetch *f)
{
	const struct mail_record none = { 0 };
	struct scan sc = { .s = s, .f = f };
	make_room_for_many(s, f);
	while (f->at < f->n && whole_message(&sc, f->at, &none))
		;
}

/* --- sections: one message, one item, one piece of a literal at a time --- */

/* A store that does not answer now: the client asks again for a message of which nothing was sent yet. What was begun
 * cannot be mended. */
static enum rc unanswered(struct imap_session *s, struct fetch *f, enum rc rc)
{
	s->closing = f->begun == SIZE_MAX || (rc != RC_TEMP && rc != RC_LIMIT);
	if (s->closing)
		return RC_LOST;
	imap_out(s)->len = f->begun;
	arena_done(&s->batch_arena);
	return rc;
}

static enum rc piece(struct imap_session *s, struct fetch *f, struct fault *why)
{
	struct buf *out = imap_out(s);
	uint64_t room = BLOB_FRAME - f->offset % BLOB_FRAME; /* each frame is unpacked once */
	uint64_t len = f->left < room ? f->left : room, want = out->len + len;
	enum rc rc = mail_bytes_append(s->ma, &f->rec.blob, f->offset, len, out, why);
	if (rc != RC_OK || out->len != want)
		return unanswered(s, f, rc);
	f->left -= len;
	f->offset += len;
	return RC_OK;
}

static bool keep(void *ctx, size_t index, struct slice bytes)
{
	struct fetch *f = ctx;
	struct fetch_ahead *ahead = &f->ahead;
	f->records += bytes.len;
	if (bytes.len > FETCH_AHEAD_BYTES - ahead->used) {
		ahead->end = ahead->from + index;
		return false;
	}
	uint8_t *at = ahead->bytes + ahead->used;
	memcpy(at, bytes.at, bytes.len);
	ahead->used += bytes.len;
	ahead->records[index] = slice_of(at, bytes.len);
	return true;
}

/* As many messages as fill the output once: what is read further ahead may be expunged before it is sent. */
static enum rc read_ahead(struct imap_session *s, struct fetch *f, struct fault *why)
{
	struct fetch_ahead *ahead = &f->ahead;
	size_t n = 0, room = imap_out(s)->len;
	while (n < FETCH_AHEAD && f->at + n < f->n && room <= CONN_HIGH_WATER)
		room += f->entries[f->at + n++].size;
	if (n > 1 && !ahead->bytes)
		ahead->bytes = arena_try(&s->arena, FETCH_AHEAD_BYTES);
	ahead->from = ahead->end = f->at;
	if (n <= 1 || !ahead->bytes)
		return RC_OK;
	make_room(imap_out(s), room);
	ahead->used = 0;
	ahead->end = f->at + n;
	memset(ahead->records, 0, n * sizeof(ahead->records[0]));
	const struct mail_wanted wanted = { f->entries + f->at, n, f->records };
	return mail_records(s->ma, &wanted, keep, f, why);
}

static enum rc load(struct imap_session *s, struct fetch *f, struct fault *why)
{
	struct slice bytes;
	if (f->at >= f->ahead.end)
		TRY(read_ahead(s, f, why));
	if (f->at < f->ahead.end) {
		bytes = f->ahead.records[f->at - f->ahead.from];
		return bytes.at ? mail_record_read(bytes, &f->rec) : RC_NONE;
	}
	TRY(mail_record_get(s->ma, f->entries[f->at].mid, &s->batch_arena, &bytes, why));
	return mail_record_read(bytes, &f->rec);
}

static enum rc item(struct imap_session *s, struct fetch *f, const struct imap_fetch_item *it,
	struct fault *why)
{
	struct fetch_span span = { 0 };
	if (it->kind != IMAP_FETCH_SECTION && it->kind != IMAP_FETCH_BINARY_SIZE) {
		plain(s, &f->entries[f->at], &f->rec, it->kind, it->echo);
		return RC_OK;
	}
	enum rc rc = fetch_section(s, &f->rec, it, &s->batch_arena, &span, why);
	if (rc == RC_LIMIT || rc == RC_TEMP)
		return unanswered(s, f, rc); /* NIL would be a lie */
	if (rc != RC_OK)
		span = (struct fetch_span){ .is_nil = true };
	fetch_partial(it, &span);
	literal_head(s, it, &span);
	if (!span.is_ready && !span.is_nil) {
		f->left = span.len;
		f->offset = span.offset;
	}
	return RC_OK;
}

static void end_message(struct imap_session *s, struct fetch *f)
{
	arena_done(&s->batch_arena);
	f->item = 0;
	f->at++;
}

/* What is left of a literal, as far as the output takes it. */
static enum rc pieces(struct imap_session *s, struct fetch *f, struct fault *why)
{
	while (f->left) {
		if (imap_full(s))
			return RC_MORE;
		TRY(piece(s, f, why));
	}
	return RC_OK;
}

/* RC_MORE only when the output is full: short literals gather there, and leave together. */
static enum rc message(struct imap_session *s, struct fetch *f, struct fault *why)
{
	if (!f->item) {
		enum rc rc = load(s, f, why);
		if (rc != RC_OK) {
			end_message(s, f);
			return rc == RC_LIMIT || rc == RC_TEMP ? rc
							       : RC_OK; /* expunged meanwhile */
		}
		f->begun = imap_out(s)->len;
		begin_message(s, f, f->at);
	}
	TRY(pieces(s, f, why));
	while (f->item < f->args.n) {
		if (f->item)
			buf_byte(imap_out(s), ' ');
		TRY(item(s, f, &f->args.items[f->item++], why));
		TRY(pieces(s, f, why));
	}
	buf_str(imap_out(s), ")\r\n");
	end_message(s, f);
	return RC_OK;
}

/* CHANGEDSINCE drops messages from the chunk. */
static void drop_unchanged(struct fetch *f)
{
	size_t kept = 0;
	for (size_t i = 0; i < f->n; i++) {
		if (f->entries[i].modseq <= f->args.changed_since)
			continue;
		f->entries[kept] = f->entries[i];
		f->seqs[kept++] = f->seqs[i];
	}
	f->n = kept;
}

static enum rc run(struct imap_session *s, struct fetch *f, struct fault *why)
{
	for (;;) {
		if (f->at == f->n) {
			TRY(refill(s, f, why));
			if (f->n == 0)
				return RC_OK;
			if (f->args.has_changed_since)
				drop_unchanged(f);
			continue;
		}
		if (imap_full(s))
			return RC_MORE;
		if (f->needs_bytes)
			TRY(message(s, f, why));
		else if (f->needs_record)
			TRY(chunk_by_records(s, f, why));
		else
			chunk_by_table(s, f);
	}
}

enum rc imap_cmd_fetch(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse(s));
	struct fetch *f = s->work;
	f->ahead.end = 0; /* the client may have let us wait for long */
	f->begun = SIZE_MAX;
	if (!f->seen_done && f->args.sets_seen && !s->view.read_only)
		TRY(imap_change(s, mark_seen, why));
	f->seen_done = true;
	return run(s, f, why);
}
