/* cmd_boxes.c: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "wire/imap_args.h"

struct names {
	struct slice name, to;
	enum mail_use use;
	uint32_t id;
	bool on;
};

static const struct {
	struct slice word;
	enum mail_use use;
} uses[] = {
	{ S("\\All"), MAIL_USE_ALL },
	{ S("\\Archive"), MAIL_USE_ARCHIVE },
	{ S("\\Drafts"), MAIL_USE_DRAFTS },
	{ S("\\Flagged"), MAIL_USE_FLAGGED },
	{ S("\\Junk"), MAIL_USE_JUNK },
	{ S("\\Sent"), MAIL_USE_SENT },
	{ S("\\Trash"), MAIL_USE_TRASH },
};

/* The name in the command, parsed when the command runs first. */
static enum rc take_name(struct imap_session *s, struct names **out)
{
	TRY(imap_lex_space(&s->x));
	*out = imap_work(s, sizeof(**out));
	return imap_lex_mailbox(&s->x, &(*out)->name);
}

static enum rc create(struct imap_session *s, struct mail_change *ch, struct fault *why)
{
	struct names *w = s->work;
	return mail_change_create(ch, w->name, w->use, &w->id, why);
}

static enum rc parse_create(struct imap_session *s, struct fault *why)
{
	struct names *w;
	struct slice use;
	TRY(take_name(s, &w));
	TRY(imap_args_create(&s->x, &use));
	if (w->name.len > 1 && w->name.at[w->name.len - 1] == '/')
		w->name.len--; /* RFC 3501 6.3.3: names below it will follow */
	for (size_t i = 0; use.len && i < sizeof(uses) / sizeof(uses[0]); i++)
		if (slice_eq_nocase(use, uses[i].word))
			w->use = uses[i].use;
	if (use.len && w->use == MAIL_USE_NONE) {
		snprintf(s->code, sizeof(s->code), "[USEATTR] "); /* RFC 6154 3 */
		(void)fault_set(why, FAULT_MAILBOX_NAME, "no such use");
		return RC_DENIED;
	}
	return RC_OK;
}

enum rc imap_cmd_create(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse_create(s, why));
	TRY(imap_change(s, create, why));
	struct names *w = s->work;
	snprintf(s->code, sizeof(s->code), "[MAILBOXID (M%u)] ", w->id);
	return RC_OK;
}

static enum rc remove_box(struct imap_session *s, struct mail_change *ch, struct fault *why)
{
	struct names *w = s->work;
	return mail_change_delete(ch, w->id, why);
}

/* Nothing stands behind the names, and the box of the first one exists. */
static enum rc find_box(struct imap_session *s, struct fault *why)
{
	struct names *w = s->work;
	struct mail_box_info info;
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	enum rc rc = mail_box_find(s->ma, w->name, &s->arena, &info);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
	w->id = info.id;
	return rc;
}

static enum rc parse_delete(struct imap_session *s, struct fault *why)
{
	struct names *w;
	TRY(take_name(s, &w));
	return find_box(s, why);
}

enum rc imap_cmd_delete(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse_delete(s, why));
	struct names *w = s->work;
	if (s->state == IMAP_SELECTED && s->box == w->id)
		imap_unselect(s);
	return imap_change(s, remove_box, why);
}

static enum rc rename_box(struct imap_session *s, struct mail_change *ch, struct fault *why)
{
	struct names *w = s->work;
	return mail_change_rename(ch, w->id, w->to, why);
}

static enum rc parse_rename(struct imap_session *s, struct fault *why)
{
	struct names *w;
	TRY(take_name(s, &w));
	TRY(imap_lex_space(&s->x));
	TRY(imap_lex_mailbox(&s->x, &w->to));
	return find_box(s, why);
}

enum rc imap_cmd_rename(struct imap_session *s, struct fault *why)
{
	if (!s->work)
		TRY(parse_rename(s, why));
	return imap_change(s, rename_box, why);
}

static enum rc subscribe(struct imap_session *s, struct mail_change *ch, struct fault *why)
{
	struct names *w = s->work;
	return mail_change_subscribe(ch, w->name, w->on, why);
}

static enum rc run_subscribe(struct imap_session *s, bool on, struct fault *why)
{
	if (!s->work) {
		struct names *w;
		TRY(take_name(s, &w));
		if (!imap_lex_at_end(&s->x))
			return RC_BAD;
		w->on = on;
	}
	return imap_change(s, subscribe, why);
}

enum rc imap_cmd_subscribe(struct imap_session *s, struct fault *why)
{
	return run_subscribe(s, true, why);
}

enum rc imap_cmd_unsubscribe(struct imap_session *s, struct fault *why)
{
	return run_subscribe(s, false, why);
}
