/* local.c: Mailboxes of this server that are too many for one commit: some at a time, each time with their results. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "queue/deliver_int.h"
#include "run/run.h"

/* The record tells who has the message in the same commit that gives it to them: so each one gets it once, whatever
 * happens in between. */

static void set_result(struct delivery *d, size_t n)
{
	struct queue_rcpt *r = &d->m.rcpts[d->local_rcpts[n]];
	const struct fault *f = &d->local.results[n];
	r->server = S("");
	r->answer = S("");
	r->how = QUEUE_DELIVERED;
	r->state = QUEUE_SENT;
	if (f->id == FAULT_NONE)
		return;
	const char *codes = fault_row(f->id)->smtp;
	r->state = codes[0] == '5' ? QUEUE_FAILED : QUEUE_WAITING;
	r->answer = arena_fmt(&d->arena, "%s %s", codes, fault_text(f));
}

static void add_results(struct queue_local *l, struct data_batch *b)
{
	struct delivery *d = (struct delivery *)((char *)l - offsetof(struct delivery, local));
	for (size_t i = 0; i < l->n; i++)
		set_result(d, i);
	queue_note(b, &d->m);
}

/* The next part. False: no memory. */
static bool choose(struct delivery *d)
{
	uint32_t *accounts = arena_try_array(&d->arena, QUEUE_LOCAL_MOST, sizeof(*accounts));
	d->local.results = arena_try_array(&d->arena, QUEUE_LOCAL_MOST, sizeof(*d->local.results));
	d->local_rcpts = arena_try_array(&d->arena, QUEUE_LOCAL_MOST, sizeof(*d->local_rcpts));
	if (!accounts || !d->local.results || !d->local_rcpts)
		return false;
	d->local.m = &d->m;
	d->local.also = add_results;
	d->local.accounts = accounts;
	d->local.n = 0;
	for (size_t i = 0; i < d->m.rcpts_n && d->local.n < QUEUE_LOCAL_MOST; i++) {
		struct queue_rcpt *r = &d->m.rcpts[i];
		if (!r->account || r->state != QUEUE_WAITING || d->tried[i])
			continue;
		d->tried[i] = true;
		r->tries++;
		d->local_rcpts[d->local.n] = i;
		accounts[d->local.n++] = r->account;
	}
	return true;
}

enum step deliver_local(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	const struct queue_deps *deps = &d->q->deps;
	struct fault why = { 0 };
	if (d->local.n == 0 && !choose(d)) {
		d->again_s = 30;
		return STEP_CLOSE;
	}
	enum rc rc = deps->local ? deps->local(deps->arg, &d->local, t, &why)
				 : fault_set(&why, FAULT_STORE, "no mailbox can be reached");
	if (rc == RC_WAIT)
		return STEP_COMMIT;
	for (size_t i = 0; i < d->local.n; i++) {
		if (rc != RC_OK && d->local.results[i].id == FAULT_NONE)
			d->local.results[i] = why;
		set_result(d, i);
	}
	d->local.n = 0;
	deliver_next(d);
	return STEP_MORE;
}

void deliver_local_done(struct delivery *d)
{
	if (d->local.state)
		(void)d->q->deps.local(d->q->deps.arg, &d->local, NULL, NULL);
}
