/* cmd_search.c: SEARCH: a cursor over the view, and its old and new answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "run/run.h"
#include "wire/imap_write.h"

enum { CHUNK = 256, TURN_US = 20000, KEPT_MAX = 1 << 20 };

/* The chunk's records that the bytes are asked for lie in the session's batch_arena. */
struct search {
	struct imap_search program;
	struct mail_entry *entries, *asked;
	uint32_t *seqs;
	uint8_t *fits; /* enum search_fit, as far as it is known */
	uint16_t *places; /* of `asked` among the entries */
	struct slice *records; /* of those whose bytes must be looked at */
	size_t n, at; /* of the chunk; the next one to settle */
	uint32_t from;
	uint64_t modseq; /* highest of those found */
	uint64_t read; /* bytes of records */
};

static enum rc make_room(struct imap_session *s, struct search *w)
{
	w->entries = arena_try_array(&s->arena, CHUNK, sizeof(*w->entries));
	w->asked = arena_try_array(&s->arena, CHUNK, sizeof(*w->asked));
	w->seqs = arena_try_array(&s->arena, CHUNK, sizeof(*w->seqs));
	w->fits = arena_try_array(&s->arena, CHUNK, sizeof(*w->fits));
	w->places = arena_try_array(&s->arena, CHUNK, sizeof(*w->places));
	w->records = arena_try_array(&s->arena, CHUNK, sizeof(*w->records));
	bool all = w->entries && w->asked && w->seqs && w->fits && w->places && w->records;
	return all ? RC_OK : RC_LIMIT;
}

static enum rc parse(struct imap_session *s, struct fault *why)
{
	struct search *w = arena_new(&s->arena, sizeof(*w));
	TRY(imap_lex_space(&s->x));
	TRY(imap_search_parse(&s->x, &w->program));
	TRY(search_prepare(s, &w->program, why));
	TRY(make_room(s, w));
	w->from = 1;
	s->condstore |= w->program.uses_modseq;
	s->work = w;
	return RC_OK;
}

/* s->uids: what the answer names; s->touched: UIDs, for "$". */
static enum rc found(struct imap_session *s, struct search *w, size_t i)
{
	const struct mail_entry *e = &w->entries[i];
	uint32_t number = s->is_uid ? e->uid : w->seqs[i];
	w->modseq = e->modseq > w->modseq ? e->modseq : w->modseq;
	TRY(ranges_add(&s->uids, number, number));
	return w->program.ret & IMAP_RETURN_SAVE ? ranges_add(&s->touched, e->uid, e->uid) : RC_OK;
}

static struct search_message message(
	struct imap_session *s, struct search *w, size_t i, enum search_depth depth)
{
	return (struct search_message){ .s = s,
		.entry = &w->entries[i],
		.seq = w->seqs[i],
		.now = run_unix(s->conn->task.run),
		.depth = depth };
}

struct scan {
	struct imap_session *s;
	struct search *w;
	struct arena a;
	bool failed; /* no memory: whether one fits nobody knows */
};

/* What is still not known after its record keeps it for its bytes; when too much is kept, it is read again then. */
static bool visit(void *ctx, size_t index, struct slice bytes)
{
	struct scan *sc = ctx;
	struct search *w = sc->w;
	struct arena *kept = &sc->s->batch_arena;
	size_t i = w->places[index];
	struct search_message m = message(sc->s, w, i, SEARCH_RECORD);
	w->fits[i] = SEARCH_NO;
	w->read += bytes.len;
	if (mail_record_read(bytes, &m.rec) != RC_OK)
		return true;
	m.a = &sc->a;
	enum search_fit fit = search_fits(&m, w->program.root);
	sc->failed |= sc->a.over;
	if (sc->a.used)
		arena_reset(&sc->a);
	if (fit == SEARCH_UNKNOWN &&
		(kept->used > KEPT_MAX || arena_copy(kept, bytes, &w->records[i]) != RC_OK))
		w->records[i] = S("");
	w->fits[i] = (uint8_t)fit;
	return true;
}

/* One scan for the records of all that the table does not settle. Those that are gone meanwhile do not fit. */
static enum rc ask_records(struct imap_session *s, struct search *w, size_t n, struct fault *why)
{
	struct scan sc = { .s = s, .w = w };
	if (n == 0)
		return RC_OK;
	for (size_t k = 0; k < n; k++)
		w->fits[w->places[k]] = SEARCH_NO;
	arena_init(&sc.a, 0);
	const struct mail_wanted wanted = { w->asked, n, w->read };
	enum rc rc = mail_records(s->ma, &wanted, visit, &sc, why);
	arena_done(&sc.a);
	return rc == RC_OK && sc.failed ? RC_LIMIT : rc;
}

/* The next chunk, as far as table and records settle it. */
static enum rc refill(struct imap_session *s, struct search *w, struct fault *why)
{
	size_t asked = 0;
	arena_reset(&s->batch_arena);
	w->at = w->n = 0;
	struct mail_reading r = {
		.from = w->from, .entries = w->entries, .seqs = w->seqs, .max = CHUNK
	};
	TRY(mail_view_read(&s->view, &r, why));
	w->n = r.n;
	w->from = r.from;
	for (size_t i = 0; i < w->n; i++) {
		struct search_message m = message(s, w, i, SEARCH_ENTRY);
		w->fits[i] = (uint8_t)search_fits(&m, w->program.root);
		if (w->fits[i] != SEARCH_UNKNOWN)
			continue;
		w->places[asked] = (uint16_t)i;
		w->asked[asked++] = w->entries[i];
	}
	return ask_records(s, w, asked, why);
}

/* RC_NONE: it does not fit, or is gone. */
static enum rc fits_by_bytes(struct imap_session *s, struct search *w, size_t i, struct arena *a)
{
	struct search_message m = message(s, w, i, SEARCH_BYTES);
	struct slice bytes = w->records[i];
	m.a = a;
	if (!bytes.len)
		TRY(mail_record_get(s->ma, m.entry->mid, a, &bytes, NULL));
	if (mail_record_read(bytes, &m.rec) != RC_OK)
		return RC_NONE;
	bool fits = search_fits(&m, w->program.root) == SEARCH_YES;
	if (m.failed != RC_OK || a->over)
		return m.failed != RC_OK ? m.failed : RC_LIMIT;
	return fits ? RC_OK : RC_NONE;
}

/* Settles the chunk in its order. RC_MORE: a turn is over. */
static enum rc settle(struct imap_session *s, struct search *w, struct arena *a, uint64_t until)
{
	for (; w->at < w->n; w->at++) {
		bool unknown = w->fits[w->at] == SEARCH_UNKNOWN;
		enum rc fits = unknown                        ? fits_by_bytes(s, w, w->at, a)
			       : w->fits[w->at] == SEARCH_YES ? RC_OK
							      : RC_NONE;
		if (fits != RC_NONE)
			TRY(fits);
		if (fits == RC_OK)
			TRY(found(s, w, w->at));
		if (!unknown)
			continue;
		arena_reset(a);
		if (run_now_us() > until) {
			w->at++;
			return RC_MORE;
		}
	}
	return RC_OK;
}

static enum rc look(struct imap_session *s, struct search *w, struct fault *why)
{
	uint64_t until = run_now_us() + TURN_US;
	struct arena a;
	enum rc rc;
	arena_init(&a, 0);
	do {
		rc = w->at < w->n ? RC_OK : refill(s, w, why);
		if (rc == RC_OK)
			rc = settle(s, w, &a, until);
		if (rc == RC_OK && w->n && run_now_us() > until)
			rc = RC_MORE;
	} while (rc == RC_OK && w->n);
	arena_done(&a);
	return rc;
}

static void old_answer(struct imap_session *s, const struct search *w)
{
	struct buf *out = imap_out(s);
	buf_str(out, "* SEARCH");
	for (size_t i = 0; i < s->uids.n; i++) {
		for (uint64_t x = s->uids.at[i].lo; x <= s->uids.at[i].hi; x++) {
			buf_byte(out, ' ');
			buf_u64(out, x);
		}
	}
	if (w->program.uses_modseq && s->uids.n)
		buf_fmt(out, " (MODSEQ %llu)", (unsigned long long)w->modseq);
	buf_str(out, "\r\n");
}

/* RFC 4731 3.1. */
static void new_answer(struct imap_session *s, const struct search *w)
{
	struct buf *out = imap_out(s);
	unsigned ret = w->program.ret;
	const struct ranges *r = &s->uids;
	if (ret == IMAP_RETURN_SAVE)
		return;
	buf_str(out, "* ESEARCH (TAG ");
	imap_write_string(slice_str(s->tag), out);
	buf_fmt(out, ")%s", s->is_uid ? " UID" : "");
	if (ret & IMAP_RETURN_MIN && r->n)
		buf_fmt(out, " MIN %u", r->at[0].lo);
	if (ret & IMAP_RETURN_MAX && r->n)
		buf_fmt(out, " MAX %u", r->at[r->n - 1].hi);
	if (ret & IMAP_RETURN_ALL && r->n) {
		buf_str(out, " ALL ");
		ranges_text(r, out);
	}
	if (ret & IMAP_RETURN_COUNT)
		buf_fmt(out, " COUNT %llu", (unsigned long long)ranges_count(r));
	if (w->program.uses_modseq && r->n)
		buf_fmt(out, " MODSEQ %llu", (unsigned long long)w->modseq);
	buf_str(out, "\r\n");
}

/* RFC 5182 2.1: with MIN or MAX alone only these are kept. */
static enum rc save(struct imap_session *s, const struct search *w)
{
	unsigned only = w->program.ret &
			(IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL | IMAP_RETURN_COUNT);
	const struct ranges *r = &s->touched;
	ranges_clear(&s->saved);
	if (!r->n)
		return RC_OK;
	if (only && !(only & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT))) {
		if (only & IMAP_RETURN_MIN)
			TRY(ranges_add(&s->saved, r->at[0].lo, r->at[0].lo));
		if (only & IMAP_RETURN_MAX)
			TRY(ranges_add(&s->saved, r->at[r->n - 1].hi, r->at[r->n - 1].hi));
		return RC_OK;
	}
	for (size_t i = 0; i < r->n; i++)
		TRY(ranges_add(&s->saved, r->at[i].lo, r->at[i].hi));
	return RC_OK;
}

enum rc imap_cmd_search(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse(s, why));
	struct search *w = s->work;
	TRY(look(s, w, why));
	if (w->program.ret & IMAP_RETURN_SAVE)
		TRY(save(s, w));
	if (w->program.has_return)
		new_answer(s, w);
	else
		old_answer(s, w);
	return RC_OK;
}
