/* cmd_list.c: LIST, LSUB and STATUS. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "wire/imap_args.h"
#include "wire/imap_write.h"

static const char *const uses[] = { [MAIL_USE_NONE] = "",
	[MAIL_USE_INBOX] = "",
	[MAIL_USE_ALL] = "\\All",
	[MAIL_USE_ARCHIVE] = "\\Archive",
	[MAIL_USE_DRAFTS] = "\\Drafts",
	[MAIL_USE_FLAGGED] = "\\Flagged",
	[MAIL_USE_JUNK] = "\\Junk",
	[MAIL_USE_SENT] = "\\Sent",
	[MAIL_USE_TRASH] = "\\Trash" };

static void item(struct buf *out, bool *first, const char *name, uint64_t value)
{
	buf_fmt(out, "%s%s %llu", *first ? "" : " ", name, (unsigned long long)value);
	*first = false;
}

static void status(struct imap_session *s, const struct mail_box_info *box, unsigned items)
{
	struct buf *out = imap_out(s);
	bool first = true;
	buf_str(out, "* STATUS ");
	imap_write_mailbox(box->name, s->x.is_utf8, out);
	buf_str(out, " (");
	if (items & IMAP_STATUS_MESSAGES)
		item(out, &first, "MESSAGES", box->exists);
	if (items & IMAP_STATUS_RECENT)
		item(out, &first, "RECENT", box->recent);
	if (items & IMAP_STATUS_UIDNEXT)
		item(out, &first, "UIDNEXT", box->uid_next);
	if (items & IMAP_STATUS_UIDVALIDITY)
		item(out, &first, "UIDVALIDITY", box->uid_validity);
	if (items & IMAP_STATUS_UNSEEN)
		item(out, &first, "UNSEEN", box->unseen);
	if (items & IMAP_STATUS_SIZE)
		item(out, &first, "SIZE", box->bytes);
	if (items & IMAP_STATUS_HIGHESTMODSEQ)
		item(out, &first, "HIGHESTMODSEQ", box->modseq ? box->modseq : 1);
	if (items & IMAP_STATUS_DELETED)
		item(out, &first, "DELETED", box->deleted);
	if (items & IMAP_STATUS_APPENDLIMIT)
		item(out, &first, "APPENDLIMIT", s->imap->deps.append_max);
	if (items & IMAP_STATUS_MAILBOXID)
		buf_fmt(out, "%sMAILBOXID (M%u)", first ? "" : " ", box->id);
	buf_str(out, ")\r\n");
}

enum rc imap_cmd_status(struct imap_session *s, struct fault *why)
{
	struct slice name;
	struct mail_box_info info;
	unsigned items;
	TRY(imap_lex_space(&s->x));
	TRY(imap_lex_mailbox(&s->x, &name));
	TRY(imap_lex_space(&s->x));
	TRY(imap_args_status(&s->x, &items));
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	TRY(imap_box(s, name, &info, why));
	status(s, &info, items);
	return RC_OK;
}

struct list {
	const char *word;
	struct imap_list args;
	const struct mail_box_info *boxes;
	size_t n;
};

static bool is_below(struct slice name, struct slice parent)
{
	return name.len > parent.len && name.at[parent.len] == '/' && slice_starts(name, parent);
}

/* Boxes are sorted by name, but "a-b" may stand between "a" and "a/b". */
static bool has_children(const struct list *l, struct slice name, bool subscribed)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_below(l->boxes[i].name, name) && (!subscribed || l->boxes[i].subscribed))
			return true;
	return false;
}

static bool matches(struct imap_session *s, const struct list *l, struct slice name)
{
	for (size_t i = 0; i < l->args.n; i++) {
		struct slice pattern = l->args.patterns[i];
		if (l->args.reference.len)
			pattern = arena_fmt(
				&s->arena, "%.*s%.*s", FMT(l->args.reference), FMT(pattern));
		if (imap_list_match(pattern, name))
			return true;
	}
	return false;
}

static void attribute(struct buf *out, bool *first, const char *word)
{
	if (!word[0])
		return;
	buf_fmt(out, "%s%s", *first ? "" : " ", word);
	*first = false;
}

static void tell(struct imap_session *s, const struct list *l, const struct mail_box_info *box,
	bool child_info)
{
	struct buf *out = imap_out(s);
	bool first = true;
	buf_fmt(out, "* %s (", l->word);
	if (!box->selectable)
		attribute(out, &first, "\\Noselect");
	if (l->args.return_subscribed && box->subscribed)
		attribute(out, &first, "\\Subscribed");
	if (l->word[1] == 'I')
		attribute(out, &first,
			has_children(l, box->name, false) ? "\\HasChildren" : "\\HasNoChildren");
	if (l->word[1] == 'I')
		attribute(out, &first, uses[box->use]);
	buf_str(out, ") \"/\" ");
	imap_write_mailbox(box->name, s->x.is_utf8, out);
	if (child_info)
		buf_str(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_str(out, "\r\n");
	if (l->args.status && box->selectable)
		status(s, box, l->args.status);
}

static void list(struct imap_session *s, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct mail_box_info *box = &l->boxes[i];
		if (!matches(s, l, box->name))
			continue;
		bool child = l->args.recursive_match && has_children(l, box->name, true);
		if (l->args.only_subscribed && !box->subscribed && !child)
			continue;
		if (l->args.only_special && !uses[box->use][0])
			continue;
		if (!box->selectable && !l->args.only_subscribed &&
			!has_children(l, box->name, false))
			continue; /* only a subscription */
		tell(s, l, box, child);
	}
}

/* RFC 3501 6.3.9: with "%", a parent that is not subscribed stands for its subscribed children. */
static void lsub_parents(struct imap_session *s, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct mail_box_info *box = &l->boxes[i];
		if (box->subscribed || !matches(s, l, box->name) ||
			!has_children(l, box->name, true))
			continue;
		struct mail_box_info name_only = *box;
		name_only.selectable = false;
		tell(s, l, &name_only, false);
	}
}

static enum rc load(struct imap_session *s, struct list *l)
{
	struct mail_box_info *boxes;
	TRY(mail_box_list(s->ma, &s->arena, &boxes, &l->n));
	l->boxes = boxes;
	return RC_OK;
}

enum rc imap_cmd_list(struct imap_session *s, struct fault *)
{
	struct list l = { .word = "LIST" };
	TRY(imap_lex_space(&s->x));
	TRY(imap_list_parse(&s->x, &l.args));
	if (l.args.n == 1 && !l.args.patterns[0].len && !l.args.is_extended) {
		buf_str(imap_out(s), "* LIST (\\Noselect) \"/\" \"\"\r\n");
		return RC_OK;
	}
	TRY(load(s, &l));
	list(s, &l);
	return RC_OK;
}

enum rc imap_cmd_lsub(struct imap_session *s, struct fault *)
{
	struct list l = { .word = "LSUB" };
	TRY(imap_lex_space(&s->x));
	TRY(imap_list_parse(&s->x, &l.args));
	if (l.args.is_extended)
		return RC_BAD;
	l.args.only_subscribed = true;
	TRY(load(s, &l));
	list(s, &l);
	if (l.args.n && slice_find(l.args.patterns[0], '%') < l.args.patterns[0].len)
		lsub_parents(s, &l);
	return RC_OK;
}
