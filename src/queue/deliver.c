/* deliver.c: One message under way: domain by domain, host by host, then its results in one commit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "queue/client_int.h"
#include "queue/dsn.h"
#include "run/run.h"

enum { AGAIN_S = 30 };

static step_fn load, next_domain, turn, find_hosts, find_address, talking, save, saved;

static const struct step_row steps[] = { { load, "load" }, { next_domain, "domain" },
	{ turn, "turn" }, { find_hosts, "mx" }, { find_address, "address" }, { talking, "talking" },
	{ deliver_local, "local" }, { save, "save" }, { saved, "saved" } };

static struct delivery *delivery_of(struct task *t)
{
	return (struct delivery *)t;
}

static void drop(struct task *t)
{
	struct delivery *d = delivery_of(t);
	struct queue *q = d->q;
	struct item *item = d->item;
	int64_t again_s = d->again_s;
	lock_enter(&d->q->lock);
	if (d->client) /* only when everything ends at once */
		d->client->d = NULL;
	dest_leave(d->q, d);
	lock_leave(&d->q->lock);
	deliver_local_done(d);
	dns_memo_done(&d->memo);
	arena_done(&d->arena);
	arena_done(&d->work);
	mem_free(MEM_QUEUE, d);
	queue_ended(q, item, again_s);
}

static const struct task_kind kind = { "delivery", steps, sizeof(steps) / sizeof(steps[0]), drop };

void deliver_start(struct queue *q, struct item *item)
{
	struct delivery *d = mem_new(MEM_QUEUE, sizeof(*d));
	d->q = q;
	d->terms = terms_now(q);
	d->item = item;
	d->m.id = item->id;
	arena_init(&d->arena, 16 * 1024 * 1024);
	arena_init(&d->work, 0);
	task_init(&d->task, q->deps.run, &kind, load);
	dns_memo_init(&d->memo, q->deps.dns, &d->task);
	task_start(&d->task);
}

void deliver_answer(struct delivery *d, size_t i, enum queue_state state, struct slice answer)
{
	struct queue_rcpt *r = &d->m.rcpts[i];
	r->state = state;
	d->open[i] = false;
	if (arena_copy(&d->arena, slice_head(answer, 500), &r->answer) != RC_OK ||
		arena_copy(&d->arena, slice_str(d->server), &r->server) != RC_OK)
		r->answer = r->server = S("");
}

void deliver_later(struct delivery *d, size_t i)
{
	d->open[i] = d->tried[i] = false;
	d->m.rcpts[i].tries--;
	d->first = 0;
}

static enum rc read_record(struct delivery *d)
{
	struct fault why = { 0 };
	uint64_t id = d->item->id;
	if (d->item->hot) {
		d->hot = d->item->hot;
		return queue_read(d->hot->record, id, &d->arena, &d->m);
	}
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = queue_load(d->q, id, &d->arena, &d->m, &why);
	run_block_end();
	return rc;
}

static enum step load(struct task *t)
{
	struct delivery *d = delivery_of(t);
	enum rc rc = read_record(d);
	if (rc == RC_TEMP)
		d->again_s = AGAIN_S;
	if (rc == RC_LOST)
		event_log(EVENT_QUEUE_PARKED, f_u64("id", d->item->id));
	if (rc != RC_OK || d->m.paused)
		return STEP_CLOSE;
	if (!d->item->forced && d->m.due > run_unix(t->run))
		return STEP_CLOSE; /* tried since then on somebody's word: its place in the index stands for it */
	d->tried = arena_try_array(&d->arena, 3 * (d->m.rcpts_n + 1), sizeof(*d->tried));
	if (!d->tried) {
		d->again_s = AGAIN_S;
		return STEP_CLOSE;
	}
	d->open = d->tried + d->m.rcpts_n + 1;
	d->taken = d->open + d->m.rcpts_n + 1;
	t->step = next_domain;
	return STEP_MORE;
}

/* Those of the domain at hand that had no turn in this round, as many as one transaction may have. */
static void choose(struct delivery *d, bool relay)
{
	uint32_t left = d->terms->per_message_rcpt;
	for (size_t i = 0; i < d->m.rcpts_n; i++) {
		struct queue_rcpt *r = &d->m.rcpts[i];
		d->taken[i] = false;
		d->open[i] = left && r->state == QUEUE_WAITING && !d->tried[i] && !r->account &&
			     (relay || slice_eq_nocase(queue_domain(r->address), d->domain));
		if (!d->open[i])
			continue;
		d->tried[i] = true;
		r->tries++;
		left--;
	}
}

static void leave(struct delivery *d)
{
	lock_enter(&d->q->lock);
	dest_leave(d->q, d);
	lock_leave(&d->q->lock);
}

/* We are shutting down: what had no turn is tried after the restart. */
static enum step stop(struct delivery *d)
{
	bool any = false;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		any |= d->tried[i];
	if (!any)
		return STEP_CLOSE; /* the record is as it was */
	d->task.step = save;
	return STEP_MORE;
}

/* The recipients of the next domain that was not tried in this round; with a relay host all are one domain. */
static enum step next_domain(struct task *t)
{
	struct delivery *d = delivery_of(t);
	bool relay = route_is_relay(d->terms);
	leave(d);
	while (d->first < d->m.rcpts_n &&
		(d->m.rcpts[d->first].state != QUEUE_WAITING || d->tried[d->first]))
		d->first++;
	if (d->first == d->m.rcpts_n) {
		t->step = save;
		return STEP_MORE;
	}
	if (run_draining(t->run))
		return stop(d);
	if (d->m.rcpts[d->first].account) {
		t->step = deliver_local;
		return STEP_MORE;
	}
	d->domain = relay ? slice_str(d->terms->relay_host)
			  : queue_domain(d->m.rcpts[d->first].address);
	choose(d, relay);
	d->hosts_n = d->host = d->address = 0;
	d->reached = d->plain_next = d->has_address = d->dns_failed = d->is_us = false;
	d->server[0] = '\0';
	snprintf(d->answer, sizeof(d->answer), "451 4.4.1 no server of %.*s could be reached",
		FMT(slice_head(d->domain, 200)));
	lock_enter(&d->q->lock);
	d->given = false;
	bool entered = dest_enter(d->q, d->domain, d);
	bool given = d->given;
	lock_leave(&d->q->lock);
	t->step = !entered ? turn : given ? talking : find_hosts;
	return STEP_MORE;
}

/* Others use the connections that the destination may have. */
static enum step turn(struct task *t)
{
	struct delivery *d = delivery_of(t);
	lock_enter(&d->q->lock);
	bool given = d->given, waits = d->waits;
	if (waits && run_draining(t->run))
		dest_leave(d->q, d);
	lock_leave(&d->q->lock);
	if (!waits) {
		t->step = given ? talking : find_hosts;
		return STEP_MORE;
	}
	if (!run_draining(t->run))
		return STEP_PARK;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->open[i])
			deliver_later(d, i);
	return stop(d);
}

static void all_answer(struct delivery *d, enum queue_state state, struct slice answer)
{
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->open[i])
			deliver_answer(d, i, state, answer);
}

static enum step give_up(struct task *t, enum queue_state state, const char *answer)
{
	all_answer(delivery_of(t), state, slice_str(answer));
	t->step = next_domain;
	return STEP_MORE;
}

static enum step find_hosts(struct task *t)
{
	struct delivery *d = delivery_of(t);
	const char *no = "";
	enum rc rc = route_hosts(d, &no);
	if (rc == RC_WAIT)
		return STEP_PARK;
	if (rc != RC_OK)
		return give_up(t, rc == RC_TEMP ? QUEUE_WAITING : QUEUE_FAILED, no);
	t->step = find_address;
	return STEP_MORE;
}

static enum step find_address(struct task *t)
{
	struct delivery *d = delivery_of(t);
	struct sockaddr_storage to;
	socklen_t len = 0;
	const char *no = NULL;
	if (d->host == d->hosts_n) {
		no = route_unreachable(d);
		return give_up(t, no ? QUEUE_FAILED : QUEUE_WAITING, no ? no : d->answer);
	}
	enum rc rc = route_address(d, &to, &len);
	if (rc == RC_WAIT)
		return STEP_PARK;
	if (rc != RC_OK) {
		d->host++;
		d->address = 0;
		return STEP_MORE;
	}
	t->step = talking;
	if (client_connect(d, (struct sockaddr *)&to, len) != RC_OK)
		snprintf(d->answer, sizeof(d->answer),
			"451 4.4.1 no connection to %.*s can be made",
			FMT(slice_head(d->hosts[d->host], 200)));
	return STEP_MORE;
}

/* A client has it, or had it until now. */
static enum step talking(struct task *t)
{
	struct delivery *d = delivery_of(t);
	bool left = false, again = false;
	lock_enter(
		&d->q->lock); /* who gave it back still wakes us under the lock: only then may it go away */
	bool talks = d->client != NULL, stale = d->stale;
	if (!talks && stale)
		again = dest_again(d->q, d);
	d->stale = false;
	lock_leave(&d->q->lock);
	if (talks || again)
		return STEP_PARK;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		left |= d->open[i];
	if (d->is_us) { /* RFC 5321 5.1: neither it nor any host that is not better */
		d->hosts_n = d->host;
		d->is_us = false;
		if (d->host == 0)
			return give_up(t, QUEUE_FAILED, d->answer);
	}
	t->step = !left ? next_domain : d->hosts_n ? find_address : find_hosts;
	if (left && d->plain_next)
		d->address--; /* the same one, without TLS */
	else if (left && d->reached && !stale)
		/* it was lost in the middle: its word, or silence, holds for this round */
		return give_up(t, QUEUE_WAITING, d->answer);
	return STEP_MORE;
}

/* --- results --- */

static int64_t next_try(const struct delivery *d)
{
	uint32_t tries = 1;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->m.rcpts[i].state == QUEUE_WAITING && d->m.rcpts[i].tries > tries)
			tries = d->m.rcpts[i].tries;
	uint64_t wait = d->terms->retry_first_ms;
	uint64_t most = d->terms->retry_max_ms;
	for (uint32_t i = 1; i < tries && wait < most; i++)
		wait *= 2;
	return run_unix(d->task.run) + (int64_t)((wait < most ? wait : most) / 1000 + 1);
}

static void expire(struct delivery *d, int64_t now)
{
	uint64_t expire_ms = d->terms->expire_ms;
	if (now - d->m.made < (int64_t)(expire_ms / 1000))
		return;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->m.rcpts[i].state == QUEUE_WAITING)
			d->m.rcpts[i].state = QUEUE_FAILED;
}

static void tell(struct delivery *d)
{
	for (size_t i = 0; i < d->m.rcpts_n; i++) {
		const struct queue_rcpt *r = &d->m.rcpts[i];
		if (!d->tried[i])
			continue;
		enum event_id id = r->state == QUEUE_SENT     ? EVENT_QUEUE_SENT
				   : r->state == QUEUE_FAILED ? EVENT_QUEUE_FAILED
							      : EVENT_QUEUE_DEFERRED;
		metric_add(r->state == QUEUE_SENT     ? METRIC_QUEUE_SENT
			   : r->state == QUEUE_FAILED ? METRIC_QUEUE_FAILED
						      : METRIC_QUEUE_DEFERRED,
			1);
		event_log(id, f_slice("trace", d->m.trace), f_slice("to", r->address),
			f_slice("answer", r->answer), f_u64("tries", r->tries));
	}
}

static void done(void *ctx)
{
	struct delivery *d = ctx;
	task_wake(&d->task, WAKE_COMMIT); /* the sign itself, as in post/deliver.c */
}

/* The report goes first: when we die between the two commits it is sent twice, never not at all. RC_TEMP: it is still
 * to be made. */
static enum rc report(struct delivery *d)
{
	struct slice text;
	struct queue_deps *deps = &d->q->deps;
	struct dsn_conf conf = { .hostname = d->terms->hostname,
		.now = run_unix(d->task.run),
		.notify_after_s = (int64_t)(d->terms->notify_ms / 1000),
		.expire_s = (int64_t)(d->terms->expire_ms / 1000) };
	struct fault why = { 0 };
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = dsn_make(&conf, deps->blob, &d->m, &d->work, &text);
	run_block_end();
	if (rc == RC_NONE)
		return RC_OK;
	if (rc != RC_OK)
		return RC_TEMP;
	run_block_begin(RUN_STORE_DATA);
	rc = deps->report ? deps->report(deps->arg, d->m.sender, text, &why) : RC_NONE;
	run_block_end();
	event_log(EVENT_QUEUE_DSN, f_slice("trace", d->m.trace), f_slice("to", d->m.sender),
		f_str("result", rc_name(rc)));
	if (rc == RC_TEMP)
		return RC_TEMP;
	dsn_told(&conf, &d->m); /* a sender that does not exist hears nothing */
	return RC_OK;
}

static enum step save(struct task *t)
{
	struct delivery *d = delivery_of(t);
	int64_t now = run_unix(t->run);
	expire(d, now);
	d->m.due = next_try(d);
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->m.rcpts[i].state == QUEUE_WAITING && !d->tried[i])
			d->m.due = now; /* it had no turn: we are shutting down */
	if (report(d) != RC_OK)
		d->m.due = now + AGAIN_S < d->m.due ? now + AGAIN_S : d->m.due;
	data_batch_init(&d->batch, &d->work);
	queue_save(d->q, &d->batch, &d->m);
	t->step = saved;
	data_submit(d->q->deps.data, &d->batch, done, d);
	return STEP_COMMIT;
}

void deliver_next(struct delivery *d)
{
	d->task.step = next_domain;
}

static enum step saved(struct task *t)
{
	struct delivery *d = delivery_of(t);
	if (!(t->woken & WAKE_COMMIT))
		return STEP_COMMIT;
	if (d->batch.rc != RC_OK) { /* as before: it is tried again, and perhaps sent twice */
		d->again_s = AGAIN_S;
		return STEP_CLOSE;
	}
	tell(d);
	if (queue_finished(&d->m))
		metric_set(METRIC_QUEUE_DEPTH, --d->q->depth);
	else
		queue_put_due(d->q, d->m.id, d->m.due);
	return STEP_CLOSE;
}
