/* change_box.c: Creating, deleting, renaming and subscribing mailboxes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "base/utf8.h"
#include "mail/change_int.h"
#include "run/run.h"

enum { NAME_MAX_LEN = 1000, LEVELS_MAX = 50 };

/* Levels parted by '/', none empty, no control characters, no wildcards of LIST. */
static bool name_ok(struct slice name)
{
	size_t levels = 1;
	if (name.len == 0 || name.len > NAME_MAX_LEN || !utf8_valid(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];
		bool edge = i == 0 || i + 1 == name.len || name.at[i + 1] == '/';
		if (c < 0x20 || c == 0x7f || c == '*' || c == '%' || (c == '/' && edge))
			return false;
		levels += c == '/';
	}
	return levels <= LEVELS_MAX;
}

/* A copy of the box's head with its name in the arena. RC_NONE: no such box. */
static enum rc head_of(struct mail_change *ch, uint32_t id, struct mail_box_info *info)
{
	enum rc rc = RC_NONE;
	lock_enter(&ch->ma->lock);
	struct mail_box *box = mail_box_by_id(ch->ma, id);
	if (box) {
		*info = box->head;
		rc = arena_copy(ch->arena, box->head.name, &info->name);
	}
	lock_leave(&ch->ma->lock);
	return rc;
}

static enum rc head_by_name(struct mail_change *ch, struct slice name, struct mail_box_info *info)
{
	lock_enter(&ch->ma->lock);
	struct mail_box *box = mail_box_by_name(ch->ma, name);
	uint32_t id = box ? box->head.id : 0;
	lock_leave(&ch->ma->lock);
	return id ? head_of(ch, id, info) : RC_NONE;
}

static bool made_here(const struct mail_change *ch, struct slice name)
{
	for (size_t i = 0; i < ch->pending_n; i++)
		if (slice_eq(ch->pending[i].name, name))
			return true;
	return false;
}

static void put_head(struct mail_change *ch, const struct mail_box_info *info)
{
	struct mail_op op = { .kind = MAIL_OP_BOX, .box = info->id, .info = *info };
	mail_log_op(&ch->log, &op);
}

static uint32_t next_validity(struct mail_change *ch)
{
	uint64_t now = (uint64_t)run_unix(ch->ma->mail->deps.run);
	if (now > UINT32_MAX || now <= ch->uid_validity_last)
		now = (uint64_t)ch->uid_validity_last + 1;
	return ch->uid_validity_last = (uint32_t)now;
}

static enum rc make_one(struct mail_change *ch, struct slice name, enum mail_use use, uint32_t *id)
{
	struct mail_box_info info;
	enum rc rc = head_by_name(ch, name, &info);
	if (rc == RC_NONE) {
		info = (struct mail_box_info){
			.id = ++ch->box_last, .name = name, .subscribed = use != MAIL_USE_NONE
		};
	} else if (rc != RC_OK) {
		return rc;
	}
	info.uid_validity = next_validity(ch);
	info.selectable = true;
	info.ghost = false;
	info.use = use;
	if (ch->pending_n == CHANGE_BOXES)
		return RC_LIMIT;
	ch->pending[ch->pending_n++] = (struct mail_pending){
		.box = info.id, .uid_next = rc == RC_OK ? info.uid_next : 1, .name = name
	};
	put_head(ch, &info);
	*id = info.id;
	return RC_OK;
}

/* RC_OK also when it is there already and can be selected. */
static enum rc make_above(struct mail_change *ch, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		struct mail_box_info info;
		uint32_t id;
		if (name.at[i] != '/')
			continue;
		struct slice above = slice_head(name, i);
		enum rc rc = made_here(ch, above) ? RC_OK : head_by_name(ch, above, &info);
		if (rc == RC_NONE || (rc == RC_OK && !made_here(ch, above) && info.ghost))
			rc = make_one(ch, above, MAIL_USE_NONE, &id);
		TRY(rc);
	}
	return RC_OK;
}

enum rc mail_change_create(struct mail_change *ch, struct slice given, enum mail_use use,
	uint32_t *id, struct fault *why)
{
	struct mail_box_info info;
	struct slice name;
	if (!name_ok(given))
		return fault_set(why, FAULT_MAILBOX_NAME, "%s", "");
	TRY(arena_copy(ch->arena, given, &name));
	enum rc rc = head_by_name(ch, name, &info);
	if (rc == RC_OK && info.selectable)
		return fault_set(why, FAULT_MAILBOX_EXISTS, "%s", "");
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	TRY(make_above(ch, name));
	return make_one(ch, name, use, id);
}

struct child_search {
	struct mail_box_info *at;
	size_t n;
};

/* All boxes below `name`, ghosts left out. */
static enum rc children(struct mail_change *ch, struct slice name, struct child_search *found)
{
	struct mail_box_info *all;
	size_t n;
	TRY(mail_box_list(ch->ma, ch->arena, &all, &n));
	*found = (struct child_search){ arena_try_array(ch->arena, n + 1, sizeof(*all)), 0 };
	if (!found->at)
		return RC_LIMIT;
	for (size_t i = 0; i < n; i++) {
		bool below = slice_starts(all[i].name, name) && all[i].name.len > name.len &&
			     all[i].name.at[name.len] == '/';
		if (below && !all[i].ghost)
			found->at[found->n++] = all[i];
	}
	return RC_OK;
}

static const struct ranges everything = { .at = &(struct range){ 1, UINT32_MAX }, .n = 1 };

enum rc mail_change_delete(struct mail_change *ch, uint32_t box, struct fault *why)
{
	struct mail_box_info info;
	struct child_search below;
	TRY(head_of(ch, box, &info));
	if (info.use == MAIL_USE_INBOX)
		return fault_set(why, FAULT_FORBIDDEN, "INBOX cannot be deleted");
	TRY(children(ch, info.name, &below));
	if (!info.selectable && below.n)
		return fault_set(why, FAULT_FORBIDDEN, "the mailbox has others below it");
	if (below.n == 0 && !info.subscribed) {
		/* the messages' places go first, so that what nobody links any more is found */
		TRY(mail_change_expunge(ch, box, &everything, false, NULL));
		struct mail_op op = { .kind = MAIL_OP_BOX_GONE, .box = box };
		mail_log_op(&ch->log, &op);
		return RC_OK;
	}
	TRY(mail_change_expunge(ch, box, &everything, false, NULL));
	info.selectable = false;
	info.use = MAIL_USE_NONE;
	info.ghost = below.n == 0;
	put_head(ch, &info);
	return RC_OK;
}

static enum rc move_inbox(
	struct mail_change *ch, uint32_t inbox, struct slice name, struct fault *why)
{
	uint32_t to;
	struct ranges src = { 0 }, dst = { 0 };
	TRY(mail_change_create(ch, name, MAIL_USE_NONE, &to, why));
	enum rc rc = mail_change_copy(ch, inbox, &everything, to, true, &src, &dst);
	ranges_done(&src);
	ranges_done(&dst);
	return rc;
}

enum rc mail_change_rename(
	struct mail_change *ch, uint32_t box, struct slice given, struct fault *why)
{
	struct mail_box_info info, there;
	struct child_search below;
	struct slice name;
	if (!name_ok(given))
		return fault_set(why, FAULT_MAILBOX_NAME, "%s", "");
	TRY(arena_copy(ch->arena, given, &name));
	TRY(head_of(ch, box, &info));
	enum rc rc = head_by_name(ch, name, &there);
	if (rc == RC_OK && !there.ghost)
		return fault_set(why, FAULT_MAILBOX_EXISTS, "%s", "");
	if (info.use == MAIL_USE_INBOX)
		return move_inbox(ch, box, name, why);
	if (slice_starts(name, info.name) && name.at[info.name.len] == '/')
		return fault_set(why, FAULT_MAILBOX_NAME, "a mailbox cannot be moved below itself");
	if (rc == RC_OK) {
		struct mail_op op = { .kind = MAIL_OP_BOX_GONE, .box = there.id };
		mail_log_op(&ch->log, &op);
	}
	TRY(make_above(ch, name));
	TRY(children(ch, info.name, &below));
	size_t old = info.name.len;
	for (size_t i = 0; i < below.n; i++) {
		struct slice tail = slice_tail(below.at[i].name, old);
		below.at[i].name = arena_fmt(ch->arena, "%.*s%.*s", FMT(name), FMT(tail));
		put_head(ch, &below.at[i]);
	}
	info.name = name;
	put_head(ch, &info);
	return RC_OK;
}

enum rc mail_change_subscribe(struct mail_change *ch, struct slice name, bool on, struct fault *why)
{
	struct mail_box_info info;
	enum rc rc = head_by_name(ch, name, &info);
	if (rc == RC_NONE || (rc == RC_OK && on && info.ghost))
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
	TRY(rc);
	if (info.subscribed == on)
		return RC_OK;
	info.subscribed = on;
	if (info.ghost) {
		struct mail_op op = { .kind = MAIL_OP_BOX_GONE, .box = info.id };
		mail_log_op(&ch->log, &op);
		return RC_OK;
	}
	put_head(ch, &info);
	return RC_OK;
}
