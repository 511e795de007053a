/* committer.c: Gathers batches, checks their asserts in order, writes once, flushes once, answers all. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "data/data_int.h"
#include "data/order.h"
#include "data/overlay.h"
#include "run/run.h"

/* While a group is written and flushed, the next one gathers: its size follows the load, not the number of threads. */
enum { GROUP_BYTES = 32 * 1024 * 1024 };

/* --- asserts --- */

struct same {
	struct slice want;
	bool is;
};

static void compare(void *ctx, struct slice value)
{
	struct same *s = ctx;
	s->is = slice_eq(value, s->want);
}

/* Does the key have this value now, or is it absent? */
static enum rc holds(struct data *data, const struct data_op *op)
{
	bool absent = op->kind == DATA_ASSERT_ABSENT;
	const struct data_op *last = overlay_get(data->overlay, op->space, op->key);
	struct same same = { .want = op->value };
	if (last && last->kind == DATA_PUT)
		return !absent && slice_eq(last->value, op->value) ? RC_OK : RC_TAKEN;
	if (last && last->kind == DATA_DELETE)
		return absent ? RC_OK : RC_TAKEN;
	if (last)
		return RC_TAKEN; /* a counter was added to: it cannot be asserted in the same group */
	enum rc rc = data->engine->look(data->e, op->space, op->key, compare, &same, NULL);
	atomic_fetch_add_explicit(&data->keys_read, 1, memory_order_relaxed);
	if (rc == RC_NONE)
		return absent ? RC_OK : RC_TAKEN;
	if (rc != RC_OK)
		return RC_TEMP;
	return !absent && same.is ? RC_OK : RC_TAKEN;
}

static bool is_assert(const struct data_op *op)
{
	return op->kind == DATA_ASSERT || op->kind == DATA_ASSERT_ABSENT;
}

static enum rc check(struct data *data, const struct data_batch *b)
{
	enum rc rc = RC_OK;
	if (b->over)
		return RC_TEMP;
	if (!b->asserts)
		return RC_OK;
	for (size_t i = 0, asserts = 0; rc == RC_OK && i < b->n; i++) {
		if (!is_assert(&b->ops[i]))
			continue;
		rc = holds(data, &b->ops[i]);
		/* a chaos build lets each first batch lose to somebody who is not there */
		if (rc == RC_OK && asserts++ == 0 &&
			chaos_conflicts(b->ops[i].key, b->ops[i].value))
			rc = RC_TAKEN;
	}
	return rc;
}

/* --- a group --- */

static void collect(struct data *data, const struct data_batch *b, size_t *n)
{
	if (*n + b->n > data->ops_cap) {
		data->ops_cap = (*n + b->n) * 2;
		data->ops = mem_more(MEM_STORE, data->ops, data->ops_cap * sizeof(*data->ops));
	}
	for (size_t i = 0; i < b->n; i++) {
		if (is_assert(&b->ops[i]))
			continue;
		data->ops[(*n)++] = &b->ops[i];
		if (b->next) /* whose asserts see it */
			overlay_put(data->overlay, &b->ops[i]);
	}
	atomic_fetch_add_explicit(&data->batch_keys, b->n, memory_order_relaxed);
	atomic_fetch_add_explicit(&data->batch_bytes, b->bytes, memory_order_relaxed);
}

static void answer(struct data *data, struct data_batch *group, enum rc written)
{
	uint64_t now = run_now_us();
	for (struct data_batch *b = group, *next; b; b = next) {
		next = b->next; /* the batch is gone once done is called */
		if (b->rc == RC_OK)
			b->rc = written;
		metric_time(METRIC_STORE_COMMIT_US, now - b->submitted_us);
		metric_add(METRIC_STORE_COMMITS, 1);
		atomic_fetch_add_explicit(&data->commits, 1, memory_order_relaxed);
		if (b->rc == RC_TAKEN) {
			metric_add(METRIC_STORE_CONFLICTS, 1);
			atomic_fetch_add_explicit(&data->conflicts, 1, memory_order_relaxed);
		}
		b->done(b->ctx);
	}
}

static void commit_group(struct data *data, struct data_batch *group)
{
	size_t n = 0;
	bool flush = false;
	struct fault why = { 0 };
	overlay_reset(data->overlay);
	for (struct data_batch *b = group; b; b = b->next) {
		b->rc = check(data, b);
		if (b->rc != RC_OK)
			continue;
		collect(data, b, &n);
		flush |= !b->lazy;
	}
	enum rc rc = RC_OK;
	if (n) {
		uint64_t began = run_now_us();
		order_sort(data->ops, n);
		rc = data->engine->write(data->e, data->ops, n, flush, &why);
		metric_time(METRIC_STORE_FLUSH_US, run_now_us() - began);
		metric_add(METRIC_STORE_GROUPS, flush);
		atomic_fetch_add_explicit(&data->groups, flush, memory_order_relaxed);
	}
	if (rc != RC_OK)
		event_log(rc == RC_LIMIT ? EVENT_STORE_FULL : EVENT_STORE_FAILED,
			f_str("why", fault_text(&why)));
	answer(data, group, rc);
	if (data->engine->rest)
		data->engine->rest(data->e);
}

/* Takes what is there, up to GROUP_BYTES; waits when there is nothing. NULL: the store is being closed. */
static struct data_batch *take(struct data *data)
{
	lock_enter(&data->lock);
	while (!data->head && !data->stopping) {
		data->sleeping = true;
		pthread_cond_wait(&data->more, &data->lock.mutex);
		data->sleeping = false;
	}
	struct data_batch *group = data->head, *last = NULL;
	size_t bytes = 0;
	for (struct data_batch *b = group; b && (!last || bytes + b->bytes <= GROUP_BYTES);
		b = b->next) {
		bytes += b->bytes;
		last = b;
	}
	if (last) {
		data->head = last->next;
		if (!data->head)
			data->tail = NULL;
		last->next = NULL;
	}
	lock_leave(&data->lock);
	return group;
}

static void *work(void *arg)
{
	struct data *data = arg;
	pthread_setname_np(pthread_self(), "committer");
	for (struct data_batch *group; (group = take(data)) != NULL;)
		commit_group(data, group);
	return NULL;
}

void data_submit(struct data *data, struct data_batch *b, data_done_fn *done, void *ctx)
{
	b->done = done;
	b->ctx = ctx;
	b->next = NULL;
	b->rc = RC_OK;
	b->submitted_us = run_now_us();
	lock_enter(&data->lock);
	must(!data->stopping);
	if (data->tail)
		data->tail->next = b;
	else
		data->head = b;
	data->tail = b;
	bool wake = data->sleeping;
	lock_leave(&data->lock);
	if (wake)
		pthread_cond_signal(&data->more);
}

struct waiter {
	struct lock lock;
	pthread_cond_t cond;
	bool done;
};

static void wake_waiter(void *ctx)
{
	struct waiter *w = ctx;
	lock_enter(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->cond);
	lock_leave(&w->lock);
}

enum rc data_commit_now(struct data *data, struct data_batch *b, struct fault *why)
{
	struct waiter w = { .done = false };
	lock_init(&w.lock, LOCK_LOG);
	pthread_cond_init(&w.cond, NULL);
	data_submit(data, b, wake_waiter, &w);
	lock_enter(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock.mutex);
	lock_leave(&w.lock);
	pthread_cond_destroy(&w.cond);
	lock_done(&w.lock);
	return data_fault(b->rc, why);
}

enum rc data_fault(enum rc rc, struct fault *why)
{
	if (rc == RC_OK)
		return RC_OK;
	enum fault_id id = rc == RC_TAKEN   ? FAULT_CONFLICT
			   : rc == RC_LIMIT ? FAULT_STORE_FULL
					    : FAULT_STORE;
	return fault_set(why, id, "%s", "");
}

void committer_start(struct data *data)
{
	lock_init(&data->lock, LOCK_COMMITTER);
	pthread_cond_init(&data->more, NULL);
	data->overlay = overlay_new();
	must(pthread_create(&data->thread, NULL, work, data) == 0);
}

void committer_stop(struct data *data)
{
	lock_enter(&data->lock);
	data->stopping = true;
	lock_leave(&data->lock);
	pthread_cond_signal(&data->more);
	pthread_join(data->thread, NULL);
	pthread_cond_destroy(&data->more);
	lock_done(&data->lock);
	overlay_free(&data->overlay);
	mem_free(MEM_STORE, data->ops);
}
