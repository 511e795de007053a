/* respond.c: vacation (RFC 5230, RFC 6131) and notify (RFC 5435), with copies of what was sent (RFC 8580). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum { DAY_S = 86400, DAYS_MAX = 365 };

static void take_seconds(const struct sieve_op *op, struct sieve_action *a)
{
	const struct sieve_value *days = sieve_op_value(op, TAG_DAYS);
	const struct sieve_value *seconds = sieve_op_value(op, TAG_SECONDS);
	a->has_seconds = days || seconds;
	if (days)
		a->seconds = (days->number == 0                ? 1
				     : days->number > DAYS_MAX ? DAYS_MAX
							       : days->number) *
			     DAY_S;
	else if (seconds)
		a->seconds = seconds->number > (uint64_t)DAYS_MAX * DAY_S
				     ? (uint64_t)DAYS_MAX * DAY_S
				     : seconds->number;
}

/* RFC 5230 4.2: without :handle, what makes an answer another one. */
static enum rc vacation_handle(
	struct sieve_run *r, const struct sieve_op *op, struct sieve_action *a)
{
	TRY(sieve_tag_string(r, op, TAG_HANDLE, &a->handle));
	if (sieve_op_has(op, TAG_HANDLE))
		return RC_OK;
	struct slice all = arena_fmt(&r->step, "%.*s%c%.*s%c%.*s%c%d", FMT(a->text), 1,
		FMT(a->subject), 1, FMT(a->from), 1, a->mime);
	return sieve_save(r, all, &a->handle);
}

enum rc sieve_do_vacation(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_VACATION, .mime = sieve_op_has(op, TAG_MIME) };
	(void)yes;
	take_seconds(op, &a);
	TRY(sieve_string(r, op, 0, &a.text));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_tag_string(r, op, TAG_SUBJECT, &a.subject));
	TRY(sieve_tag_string(r, op, TAG_FROM, &a.from));
	TRY(sieve_tag_string(r, op, TAG_FCC, &a.fcc));
	TRY(sieve_tag_list(r, op, TAG_ADDRESSES, &a.addresses, &a.addresses_n));
	TRY(vacation_handle(r, op, &a));
	TRY(sieve_where(r, op, &a));
	return sieve_action_add(r, op, &a);
}

enum rc sieve_do_notify(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_NOTIFY };
	struct slice answer;
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	enum rc rc = sieve_ask(r, SIEVE_ASK_NOTIFY, a.text, S(""), &answer);
	if (rc == RC_NONE)
		return sieve_err(
			r, op, "\"%.*s\" cannot be notified", FMT(slice_head(a.text, 100)));
	if (rc != RC_OK)
		return rc;
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_tag_string(r, op, TAG_IMPORTANCE, &a.value));
	if (sieve_op_has(op, TAG_IMPORTANCE) &&
		(a.value.len != 1 || a.value.at[0] < '1' || a.value.at[0] > '3'))
		return sieve_err(r, op, "the importance is \"1\", \"2\" or \"3\"");
	TRY(sieve_tag_string(r, op, TAG_FROM, &a.from));
	TRY(sieve_tag_string(r, op, TAG_MESSAGE, &a.subject));
	TRY(sieve_tag_string(r, op, TAG_FCC, &a.fcc));
	TRY(sieve_tag_list(r, op, TAG_OPTIONS, &a.headers, &a.headers_n));
	TRY(sieve_where(r, op, &a));
	return sieve_action_add(r, op, &a);
}

enum rc sieve_do_valid_notify_method(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return sieve_ask_all(r, SIEVE_ASK_NOTIFY, &op->positions[0], S(""), yes);
}

enum rc sieve_do_notify_method_capability(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice uri, capability;
	TRY(sieve_string(r, op, 0, &uri));
	TRY(sieve_string(r, op, 1, &capability));
	return sieve_ask_match(r, op, (struct sieve_ask){ SIEVE_ASK_NOTIFY_ABLE, uri, capability },
		&op->positions[2], yes);
}
