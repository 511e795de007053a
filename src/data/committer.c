/* committer.c: Gathers batches into groups, has each written and flushed once, answers all. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "data/data_int.h"
#include "data/overlay.h"
#include "run/run.h"
#include <time.h>

/* While a group is written and flushed, the next one gathers: its size follows the load, not the number of threads. */
enum { GROUP_BYTES = 32 * 1024 * 1024, SETTLE_US = 100 * 1000, TELL_US = 1000 * 1000 };

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static void answer(struct data *data, struct data_batch *group, enum rc written)
{
	uint64_t now = run_now_us();
	for (struct data_batch *b = group, *next; b; b = next) {
		next = b->next; /* the batch is gone once done is called */
		if (b->rc == RC_OK)
			b->rc = written;
		if (b->rc == RC_OK) {
			count(&data->batch_keys, b->n);
			count(&data->batch_bytes, b->bytes);
		}
		metric_time(METRIC_STORE_COMMIT_US, now - b->submitted_us);
		metric_add(METRIC_STORE_COMMITS, 1);
		count(&data->commits, 1);
		if (b->rc == RC_TAKEN) {
			metric_add(METRIC_STORE_CONFLICTS, 1);
			count(&data->conflicts, 1);
		}
		b->done(b->ctx);
	}
}

static void finish(struct data *data, struct data_batch *group, enum rc rc, struct fault *why)
{
	uint64_t now = run_now_us();
	bool tells = rc == RC_LIMIT || rc == RC_TEMP;
	if (tells && now - data->told_us >=
			     TELL_US) { /* a server that is gone fails group after group */
		data->told_us = now;
		event_log(rc == RC_LIMIT ? EVENT_STORE_FULL : EVENT_STORE_FAILED,
			f_str("why", fault_text(why)));
	}
	answer(data, group, rc);
	if (data->engine->rest)
		data->engine->rest(data->e);
}

static void commit_group(struct data *data, struct data_batch *group)
{
	struct fault why = { 0 };
	enum rc rc = group_write(data, group, &why);
	if (rc != RC_WAIT) {
		finish(data, group, rc, &why);
		return;
	}
	data->doubt = group;
	event_log(EVENT_STORE_DOUBT, f_str("why", fault_text(&why)));
}

/* Asks what became of the group in doubt. It keeps its place: nothing else is written before that is known. */
static void settle(struct data *data)
{
	struct fault why = { 0 };
	enum rc rc = group_again(data, data->doubt, &why);
	if (rc == RC_WAIT)
		return;
	struct data_batch *group = data->doubt;
	data->doubt = NULL;
	event_log(EVENT_STORE_SETTLED, f_str("answer", rc == RC_OK ? "written" : "not written"));
	finish(data, group, rc, &why);
}

static void wait_more(struct data *data) NEEDS(data->lock)
{
	struct timespec until;
	data->sleeping = true;
	if (data->doubt) {
		uint64_t us = run_now_us() + SETTLE_US;
		until.tv_sec = (time_t)(us / 1000000);
		until.tv_nsec = (long)(us % 1000000) * 1000;
		pthread_cond_timedwait(&data->more, &data->lock.mutex, &until);
	} else {
		pthread_cond_wait(&data->more, &data->lock.mutex);
	}
	data->sleeping = false;
}

/* Takes what is there, up to GROUP_BYTES; waits when there is nothing. NULL: the store is being closed, or it is time to
 * look after the group in doubt. */
static struct data_batch *take(struct data *data)
{
	lock_enter(&data->lock);
	if (data->doubt && !data->head && !data->stopping)
		wait_more(data);
	while (!data->doubt && !data->head && !data->stopping)
		wait_more(data);
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

static bool is_stopping(struct data *data)
{
	lock_enter(&data->lock);
	bool stopping = data->stopping;
	lock_leave(&data->lock);
	return stopping;
}

static void *work(void *arg)
{
	struct data *data = arg;
	pthread_setname_np(pthread_self(), "committer");
	for (bool closing = false; !closing;) {
		struct data_batch *group = take(data);
		closing = !group && is_stopping(data);
		if (data->doubt)
			settle(data);
		if (group && data->doubt)
			answer(data, group, RC_TEMP); /* at once: who knows for how long */
		else if (group)
			commit_group(data, group);
	}
	if (data->doubt)
		answer(data, data->doubt, RC_TEMP);
	return NULL;
}

void data_submit(struct data *data, struct data_batch *b, data_done_fn *done, void *ctx)
{
	b->done = done;
	b->ctx = ctx;
	b->next = NULL;
	b->rc = RC_OK;
	b->lost = false;
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
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&data->more, &attr);
	pthread_condattr_destroy(&attr);
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
	mem_free(MEM_STORE, data->asserts);
	mem_free(MEM_STORE, data->failed);
}
