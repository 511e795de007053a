/* cmd_search.c: SEARCH: a cursor over the view, and its old and new answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "run/run.h"
#include "wire/imap_write.h"

enum { CHUNK = 256, TURN_US = 20000 };

struct search {
	struct imap_search program;
	struct mail_entry *entries;
	uint32_t *seqs;
	uint32_t from;
	uint64_t modseq; /* highest of those found */
};

static enum rc parse(struct imap_session *s, struct fault *why)
{
	struct search *w = arena_new(&s->arena, sizeof(*w));
	TRY(imap_lex_space(&s->x));
	TRY(imap_search_parse(&s->x, &w->program));
	TRY(search_prepare(s, &w->program, why));
	w->entries = arena_try_array(&s->arena, CHUNK, sizeof(*w->entries));
	w->seqs = arena_try_array(&s->arena, CHUNK, sizeof(*w->seqs));
	if (!w->entries || !w->seqs)
		return RC_LIMIT;
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

static enum rc look(struct imap_session *s, struct search *w)
{
	uint64_t until = run_now_us() + TURN_US;
	size_t n;
	while (w->from &&
		(n = mail_view_read(&s->view, w->from, NULL, w->entries, w->seqs, CHUNK)) > 0) {
		for (size_t i = 0; i < n; i++) {
			struct search_message m = { .s = s,
				.entry = &w->entries[i],
				.seq = w->seqs[i],
				.now = run_unix(s->conn->task.run),
				.a = &s->batch_arena };
			bool fits = search_fits(&m, w->program.root);
			if (m.failed || s->batch_arena.over) /* whether it fits nobody knows */
				return m.failed ? RC_TEMP : RC_LIMIT;
			if (s->batch_arena.used)
				arena_reset(&s->batch_arena);
			if (fits)
				TRY(found(s, w, i));
			w->from = w->entries[i].uid + 1;
			if (s->batch_arena.held && run_now_us() > until)
				return RC_MORE;
		}
	}
	return RC_OK;
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
	TRY(look(s, w));
	if (w->program.ret & IMAP_RETURN_SAVE)
		TRY(save(s, w));
	if (w->program.has_return)
		new_answer(s, w);
	else
		old_answer(s, w);
	return RC_OK;
}
