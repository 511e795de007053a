/* edit.c: addheader and deleteheader (RFC 5293): tests behind them see the header as it will be. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/ops_int.h"

enum { VALUE_MAX = 16 << 10 };

/* The fields of that name, from now on the run's own. */
static enum rc edit_of(struct sieve_run *r, struct slice name, size_t more, struct sieve_edit **out)
{
	struct sieve_edit *e = r->edits;
	struct sieve_field *at;
	size_t n;
	TRY(sieve_fields(r, 0, name, &at, &n));
	struct sieve_field *own = arena_try_array(r->arena, n + more + 1, sizeof(*own));
	if (!own)
		return RC_LIMIT;
	for (size_t i = 0; i < n; i++) {
		own[i] = at[i];
		TRY(sieve_save(r, at[i].raw, &own[i].raw));
		TRY(sieve_save(r, at[i].text, &own[i].text));
	}
	while (e && !slice_eq_nocase(e->name, name))
		e = e->next;
	if (!e) {
		e = arena_new(r->arena, sizeof(*e));
		*e = (struct sieve_edit){ .next = r->edits };
		TRY(sieve_save(r, name, &e->name));
		r->edits = e;
	}
	e->at = own;
	e->n = n;
	*out = e;
	return RC_OK;
}

/* One line, trimmed: RFC 5293 4. */
static enum rc field_value(struct sieve_run *r, struct slice in, struct slice *out)
{
	in = slice_trim(utf8_cut(in, VALUE_MAX));
	uint8_t *at = arena_try(r->arena, in.len + 1);
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < in.len; i++)
		at[i] = in.at[i] == '\r' || in.at[i] == '\n' || in.at[i] == 0 ? ' ' : in.at[i];
	*out = slice_of(at, in.len);
	return RC_OK;
}

static bool is_field_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || s.at[i] == ':')
			return false;
	}
	return s.len > 0 && s.len <= 200;
}

enum rc sieve_do_addheader(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_ADDHEADER, .last = sieve_op_has(op, TAG_LAST) };
	struct sieve_edit *e;
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	TRY(sieve_string(r, op, 1, &a.value));
	if (!is_field_name(a.text))
		return sieve_err(r, op, "\"%.*s\" is no name of a header field",
			FMT(slice_head(a.text, 60)));
	TRY(edit_of(r, a.text, 1, &e));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(field_value(r, a.value, &a.value));
	struct sieve_field f = { .name = a.text, .raw = a.value, .text = a.value };
	if (!a.last)
		memmove(&e->at[1], &e->at[0], e->n * sizeof(f));
	e->at[a.last ? e->n : 0] = f;
	e->n++;
	return sieve_action_add(r, op, &a);
}

/* Is field `i` of `n`, by its number and its value, one that goes? */
static enum rc goes(struct sieve_run *r, const struct sieve_op *op, const struct sieve_edit *e,
	size_t i, bool *yes)
{
	const struct sieve_value *index = sieve_op_value(op, TAG_INDEX);
	struct sieve_matcher m;
	size_t number = sieve_op_has(op, TAG_LAST) ? e->n - i : i + 1;
	*yes = !index || index->number == number;
	if (!*yes || !op->positions[1].n)
		return RC_OK;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	TRY(sieve_matcher_add(&m, e->at[i].text));
	return sieve_matcher_end(&m, yes);
}

/* From the last to the first, so that numbers stay true. */
static enum rc drop_marked(
	struct sieve_run *r, const struct sieve_op *op, struct sieve_edit *e, const bool *marked)
{
	for (size_t i = e->n; i-- > 0;) {
		struct sieve_action a = { .kind = SIEVE_DELETEHEADER, .text = e->name };
		if (!marked[i])
			continue;
		e->n--;
		memmove(&e->at[i], &e->at[i + 1], (e->n - i) * sizeof(e->at[0]));
		a.index = i + 1;
		TRY(sieve_action_add(r, op, &a));
	}
	return RC_OK;
}

enum rc sieve_do_deleteheader(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice name;
	struct sieve_edit *e;
	(void)yes;
	if (sieve_op_has(op, TAG_LAST) && !sieve_op_has(op, TAG_INDEX))
		return sieve_err(r, op, ":last wants :index");
	TRY(sieve_string(r, op, 0, &name));
	/* RFC 5293 5: what shows the way of a message stays. */
	if (slice_eq_nocase(name, S("Received")) || slice_eq_nocase(name, S("Auto-Submitted")) ||
		!is_field_name(name))
		return RC_OK;
	TRY(edit_of(r, name, 0, &e));
	bool *marked = arena_try_array(&r->step, e->n + 1, sizeof(*marked));
	if (!marked)
		return RC_LIMIT;
	for (size_t i = 0; i < e->n; i++)
		TRY(goes(r, op, e, i, &marked[i]));
	return drop_marked(r, op, e, marked);
}
