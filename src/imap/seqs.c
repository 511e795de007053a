/* seqs.c: From what commands name to UIDs and mailboxes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"

/* "*" in an empty mailbox names nothing, and is no offence: clients ask for 1:* before they look. */
static bool is_past_end(const struct imap_set *set, uint32_t exists)
{
	for (size_t i = 0; !exists && i < set->n; i++)
		if (!set->at[i].lo || !set->at[i].hi)
			return false;
	return imap_set_highest(set, exists) > exists;
}

enum rc imap_uids_lax(struct imap_session *s, const struct imap_set *set, struct ranges *uids)
{
	if (set->is_saved) {
		for (size_t i = 0; i < s->saved.n; i++)
			TRY(ranges_add(uids, s->saved.at[i].lo, s->saved.at[i].hi));
		return RC_OK;
	}
	if (s->is_uid)
		return imap_set_resolve(set, mail_view_uid_last(&s->view), true, uids);
	struct ranges seqs = { 0 };
	enum rc rc = imap_set_resolve(set, s->view.exists, true, &seqs);
	if (rc == RC_OK)
		rc = mail_view_uids(&s->view, &seqs, uids);
	ranges_done(&seqs);
	return rc;
}

enum rc imap_uids(struct imap_session *s, const struct imap_set *set, struct ranges *uids)
{
	if (!s->is_uid && !set->is_saved && is_past_end(set, s->view.exists))
		return RC_BAD;
	return imap_uids_lax(s, set, uids);
}

enum rc imap_take_uids(struct imap_session *s, struct ranges *uids)
{
	struct imap_set set;
	TRY(imap_lex_space(&s->x));
	TRY(imap_set_parse(&s->x, &set));
	return imap_uids(s, &set, uids);
}

enum rc imap_box(
	struct imap_session *s, struct slice name, struct mail_box_info *info, struct fault *why)
{
	enum rc rc = mail_box_find(s->ma, name, &s->arena, info);
	if (rc == RC_NONE || (rc == RC_OK && !info->selectable))
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
	return rc;
}

void imap_unselect(struct imap_session *s)
{
	if (s->state != IMAP_SELECTED)
		return;
	mail_view_close(&s->view);
	ranges_clear(&s->saved);
	s->state = IMAP_AUTHED;
}

enum rc imap_logged_in(struct imap_session *s, struct fault *why)
{
	struct dir_principal p;
	TRY(mail_open(s->imap->deps.mail, s->auth.account, &s->ma, why));
	if (dir_principal(s->imap->deps.dir, s->auth.account, &s->arena, &p, NULL) == RC_OK)
		mail_quota_set(s->ma, p.quota_bytes);
	s->state = IMAP_AUTHED;
	conn_idle(s->conn, s->imap->deps.idle_ms);
	conn_total(s->conn, 0);
	conn_trust(s->conn);
	return RC_OK;
}
