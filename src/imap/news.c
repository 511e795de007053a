/* news.c: What others changed, told as untagged responses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"
#include "wire/imap_write.h"

enum { CHUNK = 256 };

void imap_write_entry_flags(struct imap_session *s, const struct mail_entry *e, struct buf *out)
{
	size_t n = 0;
	const char *const *names = e->kwset ? mail_keywords(s->ma, e->kwset, &n) : NULL;
	buf_str(out, "FLAGS (");
	imap_write_flags(e->flags, names, n, out);
	buf_byte(out, ')');
}

void imap_tell_keywords(struct imap_session *s)
{
	const char **names = NULL;
	size_t n = 0;
	struct buf *out = imap_out(s);
	if (mail_keywords_all(s->ma, run_step_arena(s->conn->task.run), &names, &n) != RC_OK)
		return;
	s->keywords_told = n;
	buf_str(out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, " %s", names[i]);
	buf_str(out, ")\r\n");
}

void imap_tell_new_keywords(struct imap_session *s, const struct mail_entry *e)
{
	if (e->kwset && mail_keywords_count(s->ma) > s->keywords_told)
		imap_tell_keywords(s);
}

void imap_flags_response(
	struct imap_session *s, const struct mail_entry *e, uint32_t seq, bool with_uid)
{
	struct buf *out = imap_out(s);
	imap_tell_new_keywords(s, e);
	buf_fmt(out, "* %u FETCH (", seq);
	if (with_uid)
		buf_fmt(out, "UID %u ", e->uid);
	imap_write_entry_flags(s, e, out);
	if (s->condstore)
		buf_fmt(out, " MODSEQ (%llu)", (unsigned long long)e->modseq);
	buf_str(out, ")\r\n");
}

/* What cannot be read now is told with the next news. */
static void flags(struct imap_session *s, const struct ranges *uids)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	struct mail_reading r = { .from = 1,
		.uids = uids,
		.entries = arena_try_array(a, CHUNK, sizeof(*r.entries)),
		.seqs = arena_try_array(a, CHUNK, sizeof(*r.seqs)),
		.max = CHUNK };
	struct fault why = { 0 };
	enum rc rc = r.entries && r.seqs && uids->n ? RC_MORE : RC_OK;
	while (rc == RC_MORE) {
		rc = mail_view_read(&s->view, &r, &why);
		for (size_t i = 0; i < r.n; i++)
			imap_flags_response(s, &r.entries[i], r.seqs[i], s->is_uid || s->condstore);
		if (rc == RC_OK && r.n == CHUNK)
			rc = RC_MORE;
	}
	if (rc != RC_OK)
		mail_view_untold(&s->view, uids, r.from);
}

void imap_news(struct imap_session *s, bool may_expunge)
{
	struct mail_news news;
	struct buf *out = imap_out(s);
	if (!s->view.dirty && s->view.box)
		return;
	if (mail_view_sync(&s->view, may_expunge, run_step_arena(s->conn->task.run), &news) !=
		RC_OK)
		return;
	if (news.deleted) {
		buf_str(out, "* BYE the mailbox was deleted\r\n");
		s->closing = true;
		return;
	}
	for (size_t i = 0; i < news.expunged_n; i++)
		buf_fmt(out, "* %u EXPUNGE\r\n", news.expunged[i]);
	if (news.more)
		buf_fmt(out, "* %u EXISTS\r\n* %u RECENT\r\n", news.exists, news.recent);
	flags(s, &news.flags);
	mail_news_done(&news);
}
