/* queue.c: Beginning what is due, the scheduler that finds it, and the commands of operators. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "queue/queue_int.h"
#include "run/run.h"

/* --- what is due --- */

void queue_turn(struct queue *q)
{
	struct item *i;
	if (run_draining(q->deps.run))
		return;
	do {
		lock_enter(&q->lock);
		i = items_take(q);
		lock_leave(&q->lock);
		if (i)
			deliver_start(q, i);
	} while (i);
}

void queue_put_due(struct queue *q, uint64_t id, int64_t due)
{
	lock_enter(&q->lock);
	struct item *i = items_find(q, id);
	if (due <= run_unix(q->deps.run) && i)
		i->again = true;
	bool sooner = due < q->next_due;
	if (sooner)
		q->next_due = due;
	if (due < q->seen.at ||
		(due == q->seen.at && id <= q->seen.id)) /* a clock that was put back */
		q->seen = (struct due){ due, id - 1 };
	lock_leave(&q->lock);
	if (sooner)
		task_wake(q->scheduler, WAKE_EVENT);
}

static void put_later(struct queue *q, struct item *i, int64_t when)
{
	i->state = ITEM_LATER;
	i->later = when;
	i->next = NULL;
	if (q->later)
		q->later_last->next = i;
	else
		q->later = i;
	q->later_last = i;
}

/* Those whose record could not be read or written; all wait about equally long. */
static int64_t line_up_later(struct queue *q, int64_t now)
{
	lock_enter(&q->lock);
	while (q->later && q->later->later <= now) {
		struct item *i = q->later;
		q->later = i->next;
		i->state = ITEM_HELD;
		items_wait(q, i, false);
	}
	int64_t next = q->later ? q->later->later : INT64_MAX;
	lock_leave(&q->lock);
	return next;
}

void queue_ended(struct queue *q, struct item *i, int64_t again_s)
{
	int64_t now = run_unix(q->deps.run);
	lock_enter(&q->lock);
	struct dest *d = i->dest;
	bool low = (d->more && d->items < DEST_ITEMS_MOST / 4) ||
		   (q->next_due <= now && q->items_n < ITEMS_MOST * 3 / 4) || again_s;
	bool again = i->again;
	items_end(q, i);
	if (again_s)
		put_later(q, i, now + again_s);
	else if (again)
		items_wait(q, i, false);
	else
		items_drop(q, i);
	lock_leave(&q->lock);
	if (low)
		task_wake(q->scheduler, WAKE_EVENT);
	queue_turn(q);
}

/* --- the scheduler --- */

static struct queue *queue_of(struct task *t);

static enum step step_schedule(struct task *t)
{
	struct queue *q = queue_of(t);
	if (run_draining(t->run))
		return STEP_CLOSE;
	int64_t now = run_unix(t->run), next = line_up_later(q, now);
	bool more = index_fill(q);
	queue_turn(q);
	lock_enter(&q->lock);
	next = q->next_due < next ? q->next_due : next;
	bool full = q->items_n >= ITEMS_MOST;
	lock_leave(&q->lock);
	if (more || (next <= now && !full))
		return STEP_MORE;
	if (next > now && next < INT64_MAX)
		task_timer(t, run_now_ms(t->run) + (uint64_t)(next - now) * 1000);
	return STEP_PARK;
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

struct queue *queue_new(const struct queue_deps *deps)
{
	struct queue *q = mem_new(MEM_QUEUE, sizeof(*q));
	struct scheduler *s = mem_new(MEM_QUEUE, sizeof(*s));
	q->deps = *deps;
	lock_init(&q->lock, LOCK_QUEUE);
	queue_change(q, &deps->terms);
	client_door(q);
	s->q = q;
	q->scheduler = &s->task;
	task_init(q->scheduler, deps->run, &kind, step_schedule);
	return q;
}

static void free_items(struct queue *q)
{
	for (size_t b = 0; b < ITEM_BUCKETS; b++)
		for (struct item *i = q->items[b], *next; i; i = next) {
			next = i->same_bucket;
			mem_free(MEM_QUEUE, i->hot);
			mem_free(MEM_QUEUE, i);
		}
	for (size_t b = 0; b < DEST_BUCKETS; b++)
		for (struct dest *d = q->dests[b], *next; d; d = next) {
			next = d->next;
			mem_free(MEM_QUEUE, d);
		}
}

void queue_free(struct queue **ref)
{
	struct queue *q = *ref;
	if (!q)
		return;
	mem_free(MEM_QUEUE, q->scheduler);
	free_items(q);
	terms_free(q);
	lock_done(&q->lock);
	mem_free(MEM_QUEUE, q);
	*ref = NULL;
}

static bool note_last(void *ctx, struct slice key, struct slice value)
{
	struct slice tail = slice_tail(key, 2);
	(void)value;
	return take_be64(&tail, ctx) != RC_OK;
}

enum rc queue_start(struct queue *q, struct fault *why)
{
	struct arena a;
	struct slice count;
	struct data_range last = {
		.space = DATA_MAIN, .from = S("Qm"), .to = S("Qn"), .reverse = true, .limit = 1
	};
	arena_init(&a, 0);
	enum rc rc = data_get(q->deps.data, DATA_MAIN, S("Qn"), &a, &count, why);
	if (rc == RC_OK)
		q->depth = (size_t)data_counter(count);
	arena_done(&a);
	if (rc == RC_NONE)
		rc = past_file(q, why);
	if (rc == RC_OK)
		rc = data_scan(q->deps.data, &last, note_last, &q->last_id, why);
	metric_set(METRIC_QUEUE_DEPTH, q->depth);
	if (rc == RC_OK)
		task_start(q->scheduler); /* it reads what is due; nobody waits for that */
	return rc;
}

bool queue_is_trying(struct queue *q, uint64_t id)
{
	lock_enter(&q->lock);
	const struct item *i = items_find(q, id);
	bool tries = i && i->state == ITEM_RUNS;
	lock_leave(&q->lock);
	return tries;
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
	if (rc == RC_OK) {
		lock_enter(&q->lock);
		struct item *i = items_find(q, id);
		if (!i) {
			i = items_new(q, id, dest_get(q, queue_to(q, &m)));
			items_wait(q, i, true);
		}
		i->forced = true;
		lock_leave(&q->lock);
		queue_turn(q);
	}
	arena_done(&a);
	return rc;
}

/* Like a delivery, an edit has the message for itself: else one that begins in between would write over it. */
static struct item *hold(struct queue *q, uint64_t id)
{
	lock_enter(&q->lock);
	struct item *i = items_find(q, id);
	if (!i)
		i = items_new(q, id, NULL);
	else if (!items_hold(i))
		i = NULL;
	lock_leave(&q->lock);
	return i;
}

/* `m` NULL: nothing has changed. */
static void let_go(struct queue *q, struct item *i, const struct queue_message *m)
{
	int64_t now = run_unix(q->deps.run);
	lock_enter(&q->lock);
	bool back = !m && i->dest;
	if (back)
		items_wait(q, i, false);
	else
		items_drop(q, i);
	if (m && !m->paused && !queue_finished(m) && m->due <= now)
		index_due(q, (struct due){ m->due, m->id }, queue_to(q, m));
	lock_leave(&q->lock);
	if (m && queue_finished(m))
		metric_set(METRIC_QUEUE_DEPTH, --q->depth);
	else if (m && !m->paused && m->due > now)
		queue_put_due(q, m->id, m->due);
	queue_turn(q);
}

/* Changes a record that no delivery has just now. */
static enum rc edit(
	struct queue *q, uint64_t id, void (*change)(struct queue_message *m), struct fault *why)
{
	struct arena a;
	struct data_batch b;
	struct queue_message m;
	struct item *i = hold(q, id);
	if (!i)
		return fault_set(
			why, FAULT_CONFLICT, "it is being delivered; try again in a moment");
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	enum rc rc = queue_load(q, id, &a, &m, why);
	if (rc == RC_OK) {
		change(&m);
		m.due = m.due ? m.due : run_unix(q->deps.run);
		queue_save(q, &b, &m);
		rc = data_commit_now(q->deps.data, &b, why);
	}
	let_go(q, i, rc == RC_OK ? &m : NULL);
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
