/* cmd_select.c: SELECT, EXAMINE, CLOSE, UNSELECT. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "wire/imap_args.h"

static void tell_flags(struct imap_session *s, bool read_only)
{
	imap_tell_keywords(s);
	buf_fmt(imap_out(s), "* OK [PERMANENTFLAGS (%s)] flags kept\r\n",
		read_only ? "" : "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*");
}

static enum rc open_box(
	struct imap_session *s, const struct mail_box_info *info, bool read_only, struct fault *why)
{
	struct buf *out = imap_out(s);
	struct mail_news news;
	TRY(mail_view_open(s->ma, info->id, read_only, &s->conn->task, &s->view, why));
	s->state = IMAP_SELECTED;
	s->box = info->id;
	tell_flags(s, read_only);
	TRY(mail_view_sync(&s->view, true, &s->arena, &news));
	mail_news_done(&news);
	buf_fmt(out, "* %u EXISTS\r\n* %u RECENT\r\n", s->view.exists, news.recent);
	uint32_t unseen = 0;
	if (info->unseen)
		TRY(mail_view_first_unseen(&s->view, &unseen, why));
	if (unseen)
		buf_fmt(out, "* OK [UNSEEN %u] first unseen\r\n", unseen);
	buf_fmt(out, "* OK [UIDVALIDITY %u] UIDs valid\r\n* OK [UIDNEXT %u] next UID\r\n",
		info->uid_validity, s->view.uid_next);
	struct mail_box_info now;
	if (mail_box_find(s->ma, info->name, &s->arena, &now) == RC_OK)
		buf_fmt(out, "* OK [HIGHESTMODSEQ %llu] highest\r\n",
			(unsigned long long)(now.modseq ? now.modseq : 1));
	buf_fmt(out, "* OK [MAILBOXID (M%u)] id\r\n", info->id);
	return RC_OK;
}

static enum rc run(struct imap_session *s, bool read_only, struct fault *why)
{
	struct slice name;
	struct imap_select args;
	struct mail_box_info info;
	TRY(imap_lex_space(&s->x));
	TRY(imap_lex_mailbox(&s->x, &name));
	TRY(imap_args_select(&s->x, &args));
	if (args.qresync)
		return RC_BAD; /* not enabled: RFC 7162 3.2.5 */
	bool was_open = s->state == IMAP_SELECTED;
	imap_unselect(s);
	if (was_open)
		buf_str(imap_out(s), "* OK [CLOSED] the mailbox before is closed\r\n");
	s->condstore |= args.condstore;
	TRY(imap_box(s, name, &info, why));
	TRY(open_box(s, &info, read_only, why));
	snprintf(s->code, sizeof(s->code), "[%s] ", read_only ? "READ-ONLY" : "READ-WRITE");
	return RC_OK;
}

enum rc imap_cmd_select(struct imap_session *s, struct fault *why)
{
	return run(s, false, why);
}

enum rc imap_cmd_examine(struct imap_session *s, struct fault *why)
{
	return run(s, true, why);
}

enum rc imap_cmd_unselect(struct imap_session *s, struct fault *)
{
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	imap_unselect(s);
	return RC_OK;
}

static enum rc expunge_deleted(struct imap_session *s, struct mail_change *ch, struct fault *)
{
	ranges_clear(&s->touched);
	return mail_change_expunge(ch, s->box, &s->uids, true, &s->touched);
}

enum rc imap_cmd_close(struct imap_session *s, struct fault *why)
{
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	if (!s->view.read_only && s->view.box) {
		if (!s->uids.n)
			TRY(ranges_add(&s->uids, 1, UINT32_MAX - 1));
		TRY(imap_change(s, expunge_deleted, why));
	}
	imap_unselect(s);
	return RC_OK;
}

enum rc imap_cmd_expunge(struct imap_session *s, struct fault *why)
{
	if (!s->work) {
		if (s->view.read_only)
			return fault_set(why, FAULT_MAILBOX_READ_ONLY, "%s", "");
		if (s->is_uid)
			TRY(imap_take_uids(s, &s->uids));
		else
			TRY(ranges_add(&s->uids, 1, UINT32_MAX - 1));
		if (!imap_lex_at_end(&s->x))
			return RC_BAD;
		imap_work(s, 16);
	}
	return imap_change(s, expunge_deleted, why);
}
