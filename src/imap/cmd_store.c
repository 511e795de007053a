/* cmd_store.c: STORE, COPY and MOVE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"
#include "wire/imap_args.h"

_Static_assert(
	(unsigned)IMAP_SEEN == MAIL_SEEN && (unsigned)IMAP_DRAFT == MAIL_DRAFT &&
		(unsigned)IMAP_RECENT == MAIL_RECENT && (unsigned)IMAP_DELETED == MAIL_DELETED &&
		(unsigned)IMAP_ANSWERED == MAIL_ANSWERED && (unsigned)IMAP_FLAGGED == MAIL_FLAGGED,
	"bits of wire and mail agree");

enum { CHUNK = 256 };

struct store {
	struct imap_store args;
	bool is_done;
	uint32_t from;
};

static enum rc change_flags(struct imap_session *s, struct mail_change *ch, struct fault *)
{
	static const enum mail_flag_op ops[] = { [IMAP_STORE_SET] = MAIL_FLAGS_SET,
		[IMAP_STORE_ADD] = MAIL_FLAGS_ADD,
		[IMAP_STORE_REMOVE] = MAIL_FLAGS_REMOVE };
	const struct imap_store *st = &((struct store *)s->work)->args;
	struct mail_flag_change fc = { .op = ops[st->op],
		.flags = st->flags.system & MAIL_FLAGS_ALL,
		.keywords = st->flags.keywords,
		.keywords_n = st->flags.n,
		.check = st->has_unchanged_since,
		.unchanged_since = st->unchanged_since };
	ranges_clear(&s->touched);
	ranges_clear(&s->failed);
	return mail_change_flags(ch, s->box, &s->uids, &fc, &s->touched, &s->failed);
}

static enum rc parse_store(struct imap_session *s, struct fault *why)
{
	if (s->view.read_only)
		return fault_set(why, FAULT_MAILBOX_READ_ONLY, "%s", "");
	TRY(imap_take_uids(s, &s->uids));
	TRY(imap_lex_space(&s->x));
	struct store *w = arena_new(&s->arena, sizeof(*w));
	TRY(imap_args_store(&s->x, &w->args));
	s->condstore |= w->args.has_unchanged_since;
	w->from = 1;
	s->work = w;
	return RC_OK;
}

/* Without SILENT every message named is answered; with it, under CONDSTORE, those that changed tell their modseq. */
static enum rc tell(struct imap_session *s, struct store *w, struct fault *why)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	const struct ranges *uids = w->args.is_silent ? &s->touched : &s->uids;
	struct mail_entry *entries = arena_try_array(a, CHUNK, sizeof(*entries));
	uint32_t *seqs = arena_try_array(a, CHUNK, sizeof(*seqs));
	if (!entries || !seqs || (w->args.is_silent && !s->condstore))
		return RC_OK;
	struct mail_reading r = {
		.from = w->from, .uids = uids, .entries = entries, .seqs = seqs, .max = CHUNK
	};
	TRY(mail_view_read(&s->view, &r, why));
	for (size_t i = 0; i < r.n; i++) {
		if (s->failed.n && ranges_has(&s->failed, entries[i].uid))
			continue;
		if (!w->args.is_silent) {
			imap_flags_response(s, &entries[i], seqs[i], s->is_uid);
			continue;
		}
		buf_fmt(imap_out(s), "* %u FETCH (UID %u MODSEQ (%llu))\r\n", seqs[i],
			entries[i].uid, (unsigned long long)entries[i].modseq);
	}
	w->from = r.from;
	return r.n < CHUNK ? RC_OK : RC_MORE;
}

/* RFC 7162 3.1.3: MODIFIED names what failed, by sequence number or UID. */
static enum rc modified(struct imap_session *s)
{
	struct buf b;
	struct ranges seqs = { 0 };
	enum rc rc = RC_OK;
	if (!s->failed.n)
		return RC_OK;
	buf_init(&b, 0, &s->arena);
	buf_str(&b, "[MODIFIED ");
	for (size_t i = 0; !s->is_uid && i < s->failed.n; i++)
		for (uint32_t uid = s->failed.at[i].lo; rc == RC_OK && uid <= s->failed.at[i].hi;
			uid++) {
			uint32_t seq = mail_view_seq(&s->view, uid);
			rc = seq ? ranges_add(&seqs, seq, seq) : RC_OK;
		}
	ranges_text(s->is_uid ? &s->failed : &seqs, &b);
	ranges_done(&seqs);
	buf_str(&b, "] ");
	s->long_code = buf_slice(&b);
	s->done = "conditional STORE failed for some";
	return rc;
}

enum rc imap_cmd_store(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse_store(s, why));
	struct store *w = s->work;
	if (!w->is_done)
		TRY(imap_change(s, change_flags, why));
	w->is_done = true;
	TRY(tell(s, w, why));
	return modified(s);
}

/* --- COPY and MOVE --- */

struct copy {
	uint32_t to, uid_validity;
	bool is_move, is_done;
};

static enum rc copy(struct imap_session *s, struct mail_change *ch, struct fault *)
{
	struct copy *w = s->work;
	ranges_clear(&s->touched);
	ranges_clear(&s->failed);
	return mail_change_copy(ch, s->box, &s->uids, w->to, w->is_move, &s->touched, &s->failed);
}

static enum rc parse_copy(struct imap_session *s, bool move, struct fault *why)
{
	struct slice name;
	struct mail_box_info info;
	TRY(imap_take_uids(s, &s->uids));
	TRY(imap_lex_space(&s->x));
	TRY(imap_lex_mailbox(&s->x, &name));
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	if (move && s->view.read_only)
		return fault_set(why, FAULT_MAILBOX_READ_ONLY, "%s", "");
	enum rc rc = imap_box(s, name, &info, why);
	if (rc == RC_NONE) { /* RFC 3501 6.4.7: TRYCREATE */
		buf_fmt(imap_out(s), "%s NO [TRYCREATE] no such mailbox\r\n", s->tag);
		s->silent = true;
		return rc;
	}
	TRY(rc);
	struct copy *w = imap_work(s, sizeof(*w));
	*w = (struct copy){ .to = info.id, .uid_validity = info.uid_validity, .is_move = move };
	return RC_OK;
}

static enum rc run(struct imap_session *s, bool move, struct fault *why)
{
	struct buf b;
	if (!s->work)
		TRY(parse_copy(s, move, why));
	struct copy *w = s->work;
	TRY(imap_change(s, copy, why));
	if (!s->touched.n)
		return RC_OK;
	buf_init(&b, 0, &s->arena);
	buf_fmt(&b, "[COPYUID %u ", w->uid_validity);
	ranges_text(&s->touched, &b);
	buf_byte(&b, ' ');
	ranges_text(&s->failed, &b);
	buf_str(&b, "] ");
	if (move) /* RFC 6851 4.3: before the EXPUNGEs */
		buf_fmt(imap_out(s), "* OK %.*s\r\n", FMT(slice_trim(buf_slice(&b))));
	else
		s->long_code = buf_slice(&b);
	return RC_OK;
}

enum rc imap_cmd_copy(struct imap_session *s, struct fault *why)
{
	return run(s, false, why);
}

enum rc imap_cmd_move(struct imap_session *s, struct fault *why)
{
	return run(s, true, why);
}
