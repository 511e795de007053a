/* queue.c: What is due when: a heap of ids, a scheduler that starts deliveries, and the commands of operators. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "queue/queue_int.h"
#include "run/run.h"

/* --- the heap --- */

static void heap_add(struct queue *q, struct queue_due item)
{
	if (q->heap_n == q->heap_cap) {
		q->heap_cap = q->heap_cap ? q->heap_cap * 2 : 64;
		q->heap = mem_more(MEM_QUEUE, q->heap, q->heap_cap * sizeof(*q->heap));
	}
	size_t i = q->heap_n++;
	for (; i > 0 && q->heap[(i - 1) / 2].due > item.due; i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = item;
}

static struct queue_due heap_take(struct queue *q)
{
	struct queue_due top = q->heap[0], last = q->heap[--q->heap_n];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < q->heap_n; i = child) {
		if (child + 1 < q->heap_n && q->heap[child + 1].due < q->heap[child].due)
			child++;
		if (q->heap[child].due >= last.due)
			break;
		q->heap[i] = q->heap[child];
	}
	q->heap[i] = last;
	return top;
}

static bool is_busy(const struct queue *q, uint64_t id)
{
	for (size_t i = 0; i < q->busy_n; i++)
		if (q->busy[i] == id)
			return true;
	return false;
}

void queue_put_due(struct queue *q, uint64_t id, int64_t due)
{
	lock_enter(&q->lock);
	heap_add(q, (struct queue_due){ id, due });
	lock_leave(&q->lock);
	task_wake(q->scheduler, WAKE_EVENT);
}

void queue_idle(struct queue *q, uint64_t id)
{
	lock_enter(&q->lock);
	for (size_t i = 0; i < q->busy_n; i++)
		if (q->busy[i] == id) {
			q->busy[i] = q->busy[--q->busy_n];
			break;
		}
	lock_leave(&q->lock);
	task_wake(q->scheduler, WAKE_EVENT);
}

/* --- the scheduler --- */

static struct queue *queue_of(struct task *t);

static enum step step_schedule(struct task *t)
{
	struct queue *q = queue_of(t);
	if (run_draining(t->run))
		return STEP_CLOSE;
	while (true) {
		int64_t now = run_unix(t->run);
		uint64_t id = 0;
		bool forced = false;
		lock_enter(&q->lock);
		int64_t next = q->heap_n ? q->heap[0].due : 0;
		if (q->heap_n && next <= now && q->busy_n < q->deps.at_once) {
			forced = q->heap[0].due == 0;
			id = heap_take(q).id;
			if (is_busy(q, id))
				id = UINT64_MAX; /* asked for twice: the one under way will put it back */
			else
				q->busy[q->busy_n++] = id;
		}
		lock_leave(&q->lock);
		if (id && id != UINT64_MAX)
			deliver_start(q, id, forced);
		if (!id) {
			if (next > now)
				task_timer(t, run_now_ms(t->run) + (uint64_t)(next - now) * 1000);
			return STEP_PARK;
		}
	}
}

struct scheduler {
	struct task task; /* first */
	struct queue *q;
};

static struct queue *queue_of(struct task *t)
{
	return ((struct scheduler *)t)->q;
}

static void drop_scheduler(struct task *t)
{
	(void)t; /* queue_free frees it: others may still wake it */
}

static const struct step_row steps[] = { { step_schedule, "schedule" } };
static const struct task_kind kind = { "queue", steps, 1, drop_scheduler };

/* --- the whole --- */

static void fill_defaults(struct queue_deps *d)
{
	static const uint64_t second = 1000, minute = 60 * second, hour = 60 * minute;
	d->retry_first_ms = d->retry_first_ms ? d->retry_first_ms : 15 * minute;
	d->retry_max_ms = d->retry_max_ms ? d->retry_max_ms : 4 * hour;
	d->expire_ms = d->expire_ms ? d->expire_ms : 5 * 24 * hour;
	d->notify_ms = d->notify_ms ? d->notify_ms : 24 * hour;
	d->connect_ms = d->connect_ms ? d->connect_ms : 30 * second;
	d->command_ms = d->command_ms ? d->command_ms : 5 * minute;
	d->at_once = d->at_once ? d->at_once : 200;
	d->per_destination = d->per_destination ? d->per_destination : 20;
	d->per_message_rcpt = d->per_message_rcpt ? d->per_message_rcpt : 100;
	d->per_connection = d->per_connection ? d->per_connection : 100;
	d->rest_ms = d->rest_ms ? d->rest_ms : 5 * second;
}

struct queue *queue_new(const struct queue_deps *deps)
{
	struct queue *q = mem_new(MEM_QUEUE, sizeof(*q));
	struct scheduler *s = mem_new(MEM_QUEUE, sizeof(*s));
	q->deps = *deps;
	fill_defaults(&q->deps);
	q->busy = mem_new(MEM_QUEUE, (q->deps.at_once + 1) * sizeof(*q->busy)); /* and an edit */
	lock_init(&q->lock, LOCK_QUEUE);
	client_door(q);
	s->q = q;
	q->scheduler = &s->task;
	task_init(q->scheduler, deps->run, &kind, step_schedule);
	return q;
}

void queue_free(struct queue **ref)
{
	struct queue *q = *ref;
	if (!q)
		return;
	mem_free(MEM_QUEUE, q->scheduler);
	mem_free(MEM_QUEUE, q->heap);
	mem_free(MEM_QUEUE, q->busy);
	lock_done(&q->lock);
	mem_free(MEM_QUEUE, q);
	*ref = NULL;
}

struct filling {
	struct queue *q;
	struct arena arena;
};

static bool fill(void *ctx, struct slice key, struct slice value)
{
	struct filling *f = ctx;
	struct queue_message m;
	uint64_t id;
	struct slice tail = slice_tail(key, 2);
	if (take_be64(&tail, &id) != RC_OK)
		return true;
	if (queue_read(value, id, &f->arena, &m) == RC_OK) {
		lock_enter(&f->q->lock);
		if (!m.paused)
			heap_add(f->q, (struct queue_due){ id, m.due });
		if (id > f->q->last_id)
			f->q->last_id = id;
		lock_leave(&f->q->lock);
		f->q->depth++;
	} else {
		event_log(EVENT_QUEUE_PARKED, f_u64("id", id));
	}
	arena_reset(&f->arena);
	return true;
}

enum rc queue_start(struct queue *q, struct fault *why)
{
	struct filling f = { .q = q };
	struct data_range all = { .space = DATA_MAIN, .from = S("Qm"), .to = S("Qn") };
	arena_init(&f.arena, 0);
	enum rc rc = data_scan(q->deps.data, &all, fill, &f, why);
	arena_done(&f.arena);
	metric_set(METRIC_QUEUE_DEPTH, q->depth);
	if (rc == RC_OK)
		task_start(q->scheduler);
	return rc;
}

/* Ids rise with time over restarts: seconds in the high part. */
static uint64_t new_id(struct queue *q)
{
	uint64_t id = (uint64_t)run_unix(q->deps.run) << 24;
	lock_enter(&q->lock);
	id = id > q->last_id ? id : q->last_id + 1;
	q->last_id = id;
	lock_leave(&q->lock);
	return id;
}

void queue_add(struct queue *q, struct data_batch *b, struct queue_message *m)
{
	m->id = new_id(q);
	blob_link(b, &m->blob, 0, 'Q', m->id);
	queue_save(q, b, m);
}

void queue_added(struct queue *q, uint64_t id, struct slice trace)
{
	q->depth++;
	metric_set(METRIC_QUEUE_DEPTH, q->depth);
	event_log(EVENT_QUEUE_ADDED, f_slice("trace", trace), f_u64("id", id));
	queue_put_due(q, id, 0);
}

size_t queue_depth(const struct queue *q)
{
	return q->depth;
}

/* --- for operators --- */

struct listing {
	struct arena *a;
	struct queue_message *out;
	size_t n, most;
};

static bool list_one(void *ctx, struct slice key, struct slice value)
{
	struct listing *l = ctx;
	uint64_t id;
	struct slice copy, tail = slice_tail(key, 2);
	if (take_be64(&tail, &id) != RC_OK || arena_copy(l->a, value, &copy) != RC_OK)
		return false;
	if (queue_read(copy, id, l->a, &l->out[l->n]) == RC_OK)
		l->n++;
	return l->n < l->most;
}

enum rc queue_list(struct queue *q, size_t most, struct arena *a, struct queue_message **out,
	size_t *n, struct fault *why)
{
	size_t depth = queue_depth(q) + 64;
	struct listing l = { .a = a, .most = most < depth ? most : depth };
	struct data_range all = { .space = DATA_MAIN, .from = S("Qm"), .to = S("Qn") };
	l.out = arena_try_array(a, l.most, sizeof(*l.out));
	if (!l.out)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(data_scan(q->deps.data, &all, list_one, &l, why));
	*out = l.out;
	*n = l.n;
	return RC_OK;
}

enum rc queue_show(
	struct queue *q, uint64_t id, struct arena *a, struct queue_message *out, struct fault *why)
{
	return queue_load(q, id, a, out, why);
}

enum rc queue_retry(struct queue *q, uint64_t id, struct fault *why)
{
	struct arena a;
	struct queue_message m;
	arena_init(&a, 0);
	enum rc rc = queue_load(q, id, &a, &m, why);
	arena_done(&a);
	TRY(rc);
	queue_put_due(q, id, 0);
	return RC_OK;
}

/* Changes a record that no delivery has just now. */
static enum rc edit(
	struct queue *q, uint64_t id, void (*change)(struct queue_message *m), struct fault *why)
{
	struct arena a;
	struct data_batch b;
	struct queue_message m;
	/* like a delivery, an edit has the message for itself: else one that begins in between would write over it */
	lock_enter(&q->lock);
	bool busy = is_busy(q, id) || q->busy_n > q->deps.at_once;
	if (!busy)
		q->busy[q->busy_n++] = id;
	lock_leave(&q->lock);
	if (busy)
		return fault_set(
			why, FAULT_CONFLICT, "it is being delivered; try again in a moment");
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	enum rc rc = queue_load(q, id, &a, &m, why);
	if (rc == RC_OK) {
		change(&m);
		queue_save(q, &b, &m);
		rc = data_commit_now(q->deps.data, &b, why);
	}
	queue_idle(q, id);
	if (rc == RC_OK && queue_finished(&m))
		metric_set(METRIC_QUEUE_DEPTH, --q->depth);
	else if (rc == RC_OK ? !m.paused : rc != RC_NONE)
		queue_put_due(q, id, rc == RC_OK ? m.due : run_unix(q->deps.run) + 10);
	arena_done(&a);
	return rc;
}

static void do_cancel(struct queue_message *m)
{
	for (size_t i = 0; i < m->rcpts_n; i++)
		m->rcpts[i] = (struct queue_rcpt){ .state = QUEUE_FAILED, .told = true };
}

static void do_pause(struct queue_message *m)
{
	m->paused = true;
}

static void do_resume(struct queue_message *m)
{
	m->paused = false;
	m->due = 0;
}

enum rc queue_cancel(struct queue *q, uint64_t id, struct fault *why)
{
	return edit(q, id, do_cancel, why);
}

enum rc queue_pause(struct queue *q, uint64_t id, bool paused, struct fault *why)
{
	return edit(q, id, paused ? do_pause : do_resume, why);
}
