/* header.c: header, address, exists, envelope, size (RFC 5228 5, RFC 5233, RFC 5260 6, RFC 5703 4). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum rc sieve_fields(
	struct sieve_run *r, size_t part, struct slice name, struct sieve_field **out, size_t *n)
{
	for (struct sieve_edit *e = r->edits; part == 0 && e; e = e->next) {
		if (!slice_eq_nocase(e->name, name))
			continue;
		*out = arena_try_array(&r->step, e->n + 1, sizeof(**out));
		if (!*out)
			return RC_LIMIT;
		if (e->n)
			memcpy(*out, e->at, e->n * sizeof(**out));
		*n = e->n;
		return RC_OK;
	}
	enum rc rc = r->host->fields(r->host->of, part, name, &r->step, out, n);
	if (rc == RC_NONE)
		*n = 0;
	return rc == RC_NONE ? RC_OK : rc;
}

void sieve_pick(const struct sieve_op *op, struct sieve_field **at, size_t *n)
{
	const struct sieve_value *v = sieve_op_value(op, TAG_INDEX);
	bool is_last = sieve_op_has(op, TAG_LAST);
	if (!v && !is_last)
		return;
	uint64_t index = v ? v->number : 1;
	if (index == 0 || index > *n) {
		*n = 0;
		return;
	}
	*at += is_last ? *n - (size_t)index : (size_t)index - 1;
	*n = 1;
}

static enum rc add_fields(struct sieve_matcher *m, size_t part, struct slice name)
{
	struct sieve_field *at;
	size_t n;
	TRY(sieve_fields(m->r, part, name, &at, &n));
	sieve_pick(m->op, &at, &n);
	for (size_t i = 0; i < n && !m->yes; i++)
		TRY(sieve_mime_value(m, &at[i]));
	return RC_OK;
}

typedef enum rc add_fn(struct sieve_matcher *m, size_t part, struct slice name);

/* Matches what `add` makes of each name that the test gives, in each part that it looks at. */
static enum rc each_name(struct sieve_run *r, const struct sieve_op *op, add_fn *add, bool *yes)
{
	struct sieve_matcher m;
	struct slice *names;
	size_t from, to;
	TRY(sieve_parts(r, op, &from, &to));
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	TRY(sieve_expand_all(r, &op->positions[0], &names));
	for (size_t part = from; part < to; part++) {
		for (size_t i = 0; i < op->positions[0].n; i++)
			TRY(add(&m, part, names[i]));
	}
	return sieve_matcher_end(&m, yes);
}

enum rc sieve_do_header(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return each_name(r, op, add_fields, yes);
}

/* The part of an address that is asked for. RC_NONE: it has none. */
static enum rc address_part(struct sieve_run *r, const struct sieve_op *op,
	const struct sieve_address *a, struct slice *out)
{
	size_t plus = slice_find(a->local, '+');
	if (sieve_op_has(op, TAG_DETAIL)) {
		if (plus == a->local.len)
			return RC_NONE;
		*out = slice_tail(a->local, plus + 1);
	} else if (sieve_op_has(op, TAG_USER)) {
		*out = slice_head(a->local, plus);
	} else if (sieve_op_has(op, TAG_LOCALPART)) {
		*out = a->local;
	} else if (sieve_op_has(op, TAG_DOMAIN)) {
		*out = a->domain;
	} else {
		*out = a->domain.len
			       ? arena_fmt(&r->step, "%.*s@%.*s", FMT(a->local), FMT(a->domain))
			       : a->local;
	}
	return RC_OK;
}

static enum rc add_addresses(struct sieve_matcher *m, struct slice raw)
{
	struct sieve_run *r = m->r;
	struct sieve_address *at;
	struct slice part;
	size_t n = 0;
	enum rc rc = r->host->addresses(r->host->of, raw, &r->step, &at, &n);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	for (size_t i = 0; i < n && !m->yes; i++) {
		if (address_part(r, m->op, &at[i], &part) == RC_OK)
			TRY(sieve_matcher_add(m, part));
	}
	return RC_OK;
}

/* The addresses of one name's fields, in one part. */
static enum rc add_named(struct sieve_matcher *m, size_t part, struct slice name)
{
	struct sieve_field *at;
	size_t n;
	TRY(sieve_fields(m->r, part, name, &at, &n));
	sieve_pick(m->op, &at, &n);
	for (size_t k = 0; k < n && !m->yes; k++)
		TRY(add_addresses(m, at[k].raw));
	return RC_OK;
}

enum rc sieve_do_address(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return each_name(r, op, add_named, yes);
}

/* RFC 5228 5.4: whatever part of the null sender is asked for, it is empty. */
static enum rc add_envelope(struct sieve_matcher *m, struct slice name)
{
	struct sieve_run *r = m->r;
	struct sieve_address a;
	struct slice text, part = S("");
	enum rc rc = r->host->envelope(r->host->of, name, &r->step, &text);
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	size_t at = slice_rfind(text, '@');
	a = (struct sieve_address){ .local = slice_head(text, at),
		.domain = slice_tail(text, at + 1) };
	if (address_part(r, m->op, &a, &part) == RC_NONE)
		return RC_OK;
	return sieve_matcher_add(m, part);
}

enum rc sieve_do_envelope(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct slice *names;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	TRY(sieve_expand_all(r, &op->positions[0], &names));
	for (size_t i = 0; i < op->positions[0].n && !m.yes; i++)
		TRY(add_envelope(&m, names[i]));
	return sieve_matcher_end(&m, yes);
}

enum rc sieve_do_exists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice *names;
	struct sieve_field *at;
	size_t from, to, n;
	TRY(sieve_parts(r, op, &from, &to));
	TRY(sieve_expand_all(r, &op->positions[0], &names));
	*yes = true;
	for (size_t i = 0; i < op->positions[0].n && *yes; i++) {
		*yes = false;
		for (size_t part = from; part < to && !*yes; part++) {
			TRY(sieve_fields(r, part, names[i], &at, &n));
			*yes = n > 0;
		}
	}
	return RC_OK;
}

enum rc sieve_do_size(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	uint64_t limit = op->positions[0].number;
	*yes = sieve_op_has(op, TAG_OVER) ? r->host->size > limit : r->host->size < limit;
	return RC_OK;
}
