/* run.c: The machine: one instruction after another, counted, up to a list of actions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum { STEP_MEMORY = 64 << 20 };

enum rc sieve_run_new(const struct sieve_program *p, const struct sieve_rules *rules,
	const struct sieve_host *host, struct arena *a, struct sieve_run **out)
{
	struct sieve_run *r = arena_new(a, sizeof(*r));
	struct sieve_frame *f = arena_new(a, sizeof(*f));
	*r = (struct sieve_run){ .host = host,
		.rules = rules ? *rules : (struct sieve_rules){ 0 },
		.arena = a,
		.top = f,
		.frames = 1,
		.keeps = true };
	sieve_rules_fill(&r->rules);
	f->program = p;
	r->actions = arena_try_array(a, r->rules.actions_max + 1, sizeof(*r->actions));
	if (!r->actions)
		return RC_LIMIT;
	r->actions_cap = r->rules.actions_max + 1;
	arena_init(&r->step, STEP_MEMORY);
	*out = r;
	return RC_OK;
}

void sieve_run_done(struct sieve_run *r)
{
	arena_done(&r->step);
}

void sieve_run_actions(const struct sieve_run *r, const struct sieve_action **at, size_t *n)
{
	*at = r->actions;
	*n = r->actions_n;
}

/* The end of a script: back to the one that included it. */
static void leave(struct sieve_run *r)
{
	if (r->top->below) {
		r->top = r->top->below;
		r->frames--;
	} else {
		r->ended = true;
	}
}

enum rc sieve_do_return(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)op;
	(void)yes;
	leave(r);
	return RC_OK;
}

enum rc sieve_do_stop(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)op;
	(void)yes;
	r->ended = true;
	return RC_OK;
}

/* RFC 5463 5 */
enum rc sieve_do_error(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice text;
	(void)yes;
	TRY(sieve_string(r, op, 0, &text));
	return sieve_err(r, op, "%.*s", FMT(slice_head(text, 200)));
}

static enum rc step(struct sieve_run *r)
{
	struct sieve_frame *f = r->top;
	const struct sieve_op *op = &f->program->ops[f->at];
	bool yes = true;
	if (!op->word) {
		leave(r);
		return RC_OK;
	}
	if (++r->steps > r->rules.steps_max)
		return sieve_over(r, op, "this script takes too many steps");
	if (op->word->run)
		TRY(op->word->run(r, op, &yes));
	f->at = yes ? op->yes : op->no;
	return RC_OK;
}

/* RFC 5228 2.10.6: what was planned is dropped, and the message is kept. */
static enum rc fail(struct sieve_run *r, enum rc rc)
{
	const struct sieve_op *op = &r->top->program->ops[r->top->at];
	if (!r->why->text[0])
		(void)!sieve_err(r, op,
			rc == RC_LIMIT ? "there is no memory for this script"
				       : "this cannot be found out now");
	r->ended = true;
	r->is_finished = true;
	r->actions[0] = (struct sieve_action){ .kind = SIEVE_KEEP, .is_implicit = true };
	r->actions_n = 1;
	return rc;
}

/* RFC 5228 2.10.2 */
static enum rc finish(struct sieve_run *r)
{
	struct sieve_action a = { .kind = SIEVE_KEEP, .is_implicit = true };
	if (r->is_finished)
		return RC_OK;
	r->is_finished = true;
	if (!r->keeps)
		return RC_OK;
	sieve_flags_now(r, &a);
	r->actions[r->actions_n++] = a;
	return RC_OK;
}

enum rc sieve_run_go(struct sieve_run *r, size_t steps, struct sieve_error *why)
{
	*why = (struct sieve_error){ .line = 0 };
	r->why = why;
	for (size_t i = 0; !r->ended; i++) {
		if (i == steps)
			return RC_MORE;
		size_t octets = r->octets;
		enum rc rc = step(r);
		arena_reset(&r->step);
		if (rc == RC_WAIT) {
			r->steps--;
			r->octets = octets;
			return RC_WAIT;
		}
		if (rc != RC_OK)
			return fail(r, rc);
	}
	return finish(r);
}
