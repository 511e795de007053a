/* include.c: Scripts within scripts (RFC 6609). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

/* The names of scripts are those of RFC 5804 1.6. */
static bool is_script_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < 0x20 || s.at[i] == 0x7f || s.at[i] == '/')
			return false;
	}
	return s.len > 0 && s.len <= 512;
}

/* Asks the host for a script, once, and compiles it. */
static enum rc load(struct sieve_run *r, const struct sieve_op *op, struct slice name,
	struct slice where, struct sieve_included **out)
{
	struct sieve_included *i = r->included;
	struct sieve_program *p = NULL;
	struct sieve_error why;
	struct slice text;
	while (i && !(slice_eq(i->name, name) && slice_eq(i->where, where)))
		i = i->next;
	if (!i) {
		enum rc rc = sieve_ask(r, SIEVE_ASK_SCRIPT, name, where, &text);
		if (rc != RC_OK && rc != RC_NONE)
			return rc;
		if (rc == RC_OK && sieve_compile(&r->rules, text, r->arena, &p, &why) != RC_OK)
			return sieve_err(r, op, "the script \"%.*s\", line %u, column %u: %s",
				FMT(slice_head(name, 40)), why.line, why.column, why.text);
		i = arena_new(r->arena, sizeof(*i));
		*i = (struct sieve_included){ .where = where, .program = p, .next = r->included };
		TRY(sieve_save(r, name, &i->name));
		r->included = i;
	}
	*out = i;
	return RC_OK;
}

static bool is_running(const struct sieve_run *r, const struct sieve_program *p)
{
	for (const struct sieve_frame *f = r->top; f; f = f->below) {
		if (f->program == p)
			return true;
	}
	return false;
}

enum rc sieve_do_include(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_included *i;
	struct slice name, where = sieve_op_has(op, TAG_GLOBAL) ? S("global") : S("personal");
	(void)yes;
	TRY(sieve_string(r, op, 0, &name));
	if (!is_script_name(name))
		return sieve_err(r, op, "this is no name of a script");
	TRY(load(r, op, name, where, &i));
	if (!i->program && sieve_op_has(op, TAG_OPTIONAL))
		return RC_OK;
	if (!i->program)
		return sieve_err(r, op, "there is no %.*s script \"%.*s\"", FMT(where),
			FMT(slice_head(name, 80)));
	if (sieve_op_has(op, TAG_ONCE) && i->has_run)
		return RC_OK;
	if (is_running(r, i->program))
		return sieve_err(
			r, op, "the script \"%.*s\" includes itself", FMT(slice_head(name, 80)));
	if (r->frames > r->rules.includes_max)
		return sieve_over(r, op, "scripts include each other too deep");
	struct sieve_frame *f = arena_try_array(r->arena, 1, sizeof(*f));
	if (!f)
		return RC_LIMIT;
	i->has_run = true;
	f->program = i->program;
	f->below = r->top;
	r->top = f;
	r->frames++;
	return RC_OK;
}
