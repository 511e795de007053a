/* deliver.c: keep, fileinto, redirect, discard, reject, ereject (RFC 5228 4, RFC 3894, RFC 5429), and the list of actions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum { EDITS_MAX = 1000 };

const char *sieve_action_name(enum sieve_action_kind kind)
{
	static const char *const names[] = {
		[SIEVE_KEEP] = "keep",
		[SIEVE_FILEINTO] = "fileinto",
		[SIEVE_REDIRECT] = "redirect",
		[SIEVE_DISCARD] = "discard",
		[SIEVE_REJECT] = "reject",
		[SIEVE_EREJECT] = "ereject",
		[SIEVE_VACATION] = "vacation",
		[SIEVE_NOTIFY] = "notify",
		[SIEVE_ADDHEADER] = "addheader",
		[SIEVE_DELETEHEADER] = "deleteheader",
		[SIEVE_REPLACE] = "replace",
		[SIEVE_ENCLOSE] = "enclose",
		[SIEVE_REMEMBER] = "remember",
	};
	return names[kind];
}

static bool is_edit(enum sieve_action_kind kind)
{
	return kind == SIEVE_ADDHEADER || kind == SIEVE_DELETEHEADER || kind == SIEVE_REPLACE ||
	       kind == SIEVE_ENCLOSE || kind == SIEVE_REMEMBER;
}

/* The same done twice to the same message is done once, RFC 5228 2.10.3. */
static bool is_there(const struct sieve_run *r, const struct sieve_action *a)
{
	bool once = a->kind == SIEVE_KEEP || a->kind == SIEVE_FILEINTO ||
		    a->kind == SIEVE_REDIRECT || a->kind == SIEVE_DISCARD;
	for (size_t i = r->actions_n; once && i-- > 0;) {
		const struct sieve_action *b = &r->actions[i];
		if (is_edit(b->kind) && b->kind != SIEVE_REMEMBER)
			return false;
		if (b->kind == a->kind && b->is_list == a->is_list && slice_eq(b->text, a->text) &&
			slice_eq(b->special_use, a->special_use) &&
			slice_eq(b->mailbox_id, a->mailbox_id))
			return true;
	}
	return false;
}

static bool is_kind(const struct sieve_action *a, uint32_t kinds)
{
	return kinds >> a->kind & 1;
}

/* RFC 5429 2: who rejects does nothing else with the message; RFC 5230 4: one vacation. */
static enum rc exclude(struct sieve_run *r, const struct sieve_op *op, const struct sieve_action *a)
{
	const uint32_t rejects = 1u << SIEVE_REJECT | 1u << SIEVE_EREJECT;
	const uint32_t others = 1u << SIEVE_KEEP | 1u << SIEVE_FILEINTO | 1u << SIEVE_REDIRECT |
				1u << SIEVE_VACATION;
	for (size_t i = 0; i < r->actions_n; i++) {
		const struct sieve_action *b = &r->actions[i];
		if (is_kind(a, rejects) && is_kind(b, rejects))
			return sieve_err(r, op, "a message is rejected once");
		if ((is_kind(a, rejects) && is_kind(b, others)) ||
			(is_kind(a, others) && is_kind(b, rejects)))
			return sieve_err(r, op, "%s and %s exclude each other",
				sieve_action_name(a->kind), sieve_action_name(b->kind));
		if (a->kind == SIEVE_VACATION && b->kind == SIEVE_VACATION)
			return sieve_err(r, op, "vacation answers a message once");
	}
	return RC_OK;
}

/* One more place; the last is for the implicit keep. */
static enum rc room(struct sieve_run *r)
{
	if (r->actions_n + 1 < r->actions_cap)
		return RC_OK;
	struct sieve_action *more = arena_try_array(r->arena, r->actions_cap * 2, sizeof(*more));
	if (!more)
		return RC_LIMIT;
	memcpy(more, r->actions, r->actions_n * sizeof(*more));
	r->actions = more;
	r->actions_cap *= 2;
	return RC_OK;
}

enum rc sieve_action_add(
	struct sieve_run *r, const struct sieve_op *op, const struct sieve_action *a)
{
	if (is_there(r, a))
		return RC_OK;
	TRY(exclude(r, op, a));
	if (is_edit(a->kind) ? r->edits_n == EDITS_MAX
			     : r->actions_n - r->edits_n == r->rules.actions_max)
		return sieve_over(r, op, "this script wants too many actions");
	if (a->kind == SIEVE_REDIRECT && r->redirects == r->rules.redirects_max)
		return sieve_over(r, op, "this script redirects to too many addresses");
	TRY(room(r));
	r->redirects += a->kind == SIEVE_REDIRECT;
	r->edits_n += is_edit(a->kind);
	r->actions[r->actions_n++] = *a;
	return RC_OK;
}

enum rc sieve_where(struct sieve_run *r, const struct sieve_op *op, struct sieve_action *a)
{
	const struct sieve_value *flags = sieve_op_value(op, TAG_FLAGS);
	a->create = sieve_op_has(op, TAG_CREATE);
	TRY(sieve_tag_string(r, op, TAG_SPECIALUSE, &a->special_use));
	TRY(sieve_tag_string(r, op, TAG_MAILBOXID, &a->mailbox_id));
	if (!flags)
		return RC_OK;
	a->has_flags = true;
	return sieve_flags_list(r, flags, &a->flags, &a->flags_n);
}

enum rc sieve_do_keep(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_KEEP };
	(void)yes;
	TRY(sieve_where(r, op, &a));
	if (!a.has_flags)
		sieve_flags_now(r, &a);
	TRY(sieve_action_add(r, op, &a));
	r->keeps = false;
	return RC_OK;
}

enum rc sieve_do_fileinto(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_FILEINTO, .copy = sieve_op_has(op, TAG_COPY) };
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	if (!a.text.len)
		return sieve_err(r, op, "the mailbox has no name");
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_where(r, op, &a));
	if (!a.has_flags)
		sieve_flags_now(r, &a);
	TRY(sieve_action_add(r, op, &a));
	r->keeps &= a.copy;
	return RC_OK;
}

enum rc sieve_do_redirect(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_REDIRECT,
		.copy = sieve_op_has(op, TAG_COPY),
		.is_list = sieve_op_has(op, TAG_LIST) };
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	if (!a.is_list && !sieve_is_address(a.text))
		return sieve_err(r, op, "\"%.*s\" is no address", FMT(slice_head(a.text, 100)));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_action_add(r, op, &a));
	r->keeps &= a.copy;
	return RC_OK;
}

enum rc sieve_do_discard(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)yes;
	TRY(sieve_action_add(r, op, &(struct sieve_action){ .kind = SIEVE_DISCARD }));
	r->keeps = false;
	return RC_OK;
}

static enum rc reject(struct sieve_run *r, const struct sieve_op *op, enum sieve_action_kind kind)
{
	struct sieve_action a = { .kind = kind };
	TRY(sieve_string(r, op, 0, &a.text));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_action_add(r, op, &a));
	r->keeps = false;
	return RC_OK;
}

enum rc sieve_do_reject(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)yes;
	return reject(r, op, SIEVE_REJECT);
}

enum rc sieve_do_ereject(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)yes;
	return reject(r, op, SIEVE_EREJECT);
}
