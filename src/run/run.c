/* run.c: Workers take seats, wait for events, run tasks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"
#include "base/chaos.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "run/run_int.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	EVENTS = 16,
	IN_A_ROW = 32,
	SPARE_DEFAULT = 64,
	POLL_EVERY = 16,
	WAIT_MAX_MS = 60000,
	STOP_TRY_MS = 10
};

static _Thread_local struct worker *me;

/* --- waking --- */

bool task_mark(struct task *t, unsigned why)
{
	static const unsigned next[] = {
		[IDLE] = QUEUED, [QUEUED] = QUEUED, [RUNNING] = AGAIN, [AGAIN] = AGAIN
	};
	unsigned was = atomic_load(&t->mark);
	while (!atomic_compare_exchange_weak(
		&t->mark, &was, (was & ~(unsigned)STATES) | next[was & STATES] | why << WAKES_AT))
		;
	return (was & STATES) == IDLE;
}

/* It goes back to the ready list; what it was woken for is still to be told. */
static void task_requeue(struct task *t)
{
	unsigned was = atomic_load(&t->mark);
	while (!atomic_compare_exchange_weak(
		&t->mark, &was, (was & ~(unsigned)STATES) | QUEUED | t->woken << WAKES_AT))
		;
	lock_enter(&t->run->lock);
	run_ready_push(t->run, t);
	lock_leave(&t->run->lock);
}

void run_ready_push(struct run *run, struct task *t)
{
	t->ready_next = NULL;
	if (run->ready_tail)
		run->ready_tail->ready_next = t;
	else
		run->ready_head = t;
	run->ready_tail = t;
}

/* Somebody sleeps in epoll_wait and has not been called yet. */
bool run_needs_signal(struct run *run)
{
	if (run->polling == 0 || run->signalled)
		return false;
	run->signalled = true;
	return true;
}

void run_signal(struct run *run)
{
	uint64_t one = 1;
	ssize_t n = write(run->event, &one, sizeof(one));
	(void)n; /* full: somebody is called already */
}

void task_wake(struct task *t, unsigned why)
{
	struct run *run = t->run;
	if (!task_mark(t, why))
		return;
	lock_enter(&run->lock);
	run_ready_push(run, t);
	bool signal = run_needs_signal(run);
	lock_leave(&run->lock);
	if (signal)
		run_signal(run);
}

/* --- tasks --- */

void task_init(struct task *t, struct run *run, const struct task_kind *kind, step_fn *first)
{
	t->run = run;
	t->kind = kind;
	t->step = first;
	t->fd = -1;
}

void task_start(struct task *t)
{
	struct run *run = t->run;
	lock_enter(&run->lock);
	t->added = true;
	t->all_next = run->all;
	if (run->all)
		run->all->all_prev = t;
	run->all = t;
	run->tasks++;
	lock_leave(&run->lock);
	task_wake(t, WAKE_EVENT);
}

/* Events name a slot and its generation, not a task: another worker may hold an event of a task that has just ended. */
static uint64_t slot_take(struct run *run, struct task *t)
{
	if (run->slot_free == 0 && run->slots_n == run->slots_cap) {
		size_t cap = run->slots_cap ? run->slots_cap * 2 : 64;
		struct slot *grown = mem_grow(MEM_OTHER, run->slots, cap * sizeof(*grown));
		if (!grown)
			return 0;
		run->slots = grown;
		run->slots_cap = cap;
	}
	uint32_t at = run->slot_free;
	if (at) {
		run->slot_free = run->slots[at - 1].next_free;
	} else {
		at = ++run->slots_n;
		run->slots[at - 1] = (struct slot){ 0 };
	}
	run->slots[at - 1].task = t;
	return (uint64_t)run->slots[at - 1].generation << 32 | at;
}

static void slot_give(struct run *run, struct task *t)
{
	uint32_t at = (uint32_t)t->slot;
	if (at == 0)
		return;
	run->slots[at - 1] = (struct slot){ .generation = run->slots[at - 1].generation + 1,
		.next_free = run->slot_free };
	run->slot_free = at;
	t->slot = 0;
}

static struct task *slot_task(const struct run *run, uint64_t slot)
{
	const struct slot *s = &run->slots[(uint32_t)slot - 1];
	return s->generation == slot >> 32 ? s->task : NULL;
}

static void task_end(struct task *t)
{
	struct run *run = t->run;
	if (t->slot && t->fd >= 0)
		epoll_ctl(run->epoll, EPOLL_CTL_DEL, t->fd, NULL);
	lock_enter(&run->lock);
	timer_remove(run, t);
	if (t->all_prev)
		t->all_prev->all_next = t->all_next;
	else
		run->all = t->all_next;
	if (t->all_next)
		t->all_next->all_prev = t->all_prev;
	slot_give(run, t);
	lock_leave(&run->lock);
	void (*gone)(struct task *) = t->gone;
	t->kind->drop(t);
	if (gone)
		gone(t);
	lock_enter(&run->lock);
	if (--run->tasks == 0)
		pthread_cond_broadcast(&run->empty);
	lock_leave(&run->lock);
}

static void arm(struct task *t)
{
	if (t->fd < 0 || t->watch == 0 || atomic_load(&t->armed) == t->watch)
		return;
	bool fresh = t->slot == 0;
	if (fresh) {
		lock_enter(&t->run->lock);
		t->slot = slot_take(t->run, t);
		lock_leave(&t->run->lock);
	}
	struct epoll_event ev = { .events = t->watch | EPOLLONESHOT, .data.u64 = t->slot };
	atomic_store(&t->armed, t->watch);
	int op = fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (t->slot == 0 || epoll_ctl(t->run->epoll, op, t->fd, &ev) < 0) {
		atomic_store(&t->armed, 0); /* no memory for a watch: look again soon */
		if (fresh) {
			lock_enter(&t->run->lock);
			slot_give(t->run, t);
			lock_leave(&t->run->lock);
		}
		task_timer(t, run_now_ms(t->run) + 100);
	}
}

static void run_task(struct worker *w, struct task *t)
{
	t->woken = atomic_exchange(&t->mark, RUNNING) >> WAKES_AT;
	for (unsigned n = 0;; n++) {
		enum step s = t->around ? t->around(t) : t->step(t);
		if (w->arena.head)
			arena_reset(&w->arena);
		if (s == STEP_CLOSE) {
			task_end(t);
			return;
		}
		if (s == STEP_MORE && n < IN_A_ROW)
			continue;
		if (s == STEP_MORE) { /* fairness: behind those who wait */
			task_requeue(t);
			return;
		}
		atomic_store(&t->parked_in, t->step);
		arm(t);
		if (chaos_waits()) /* [run 2] */
			task_mark(t, WAKE_EVENT);
		unsigned was = RUNNING;
		if (atomic_compare_exchange_strong(&t->mark, &was, IDLE))
			return; /* from here on it belongs to whoever wakes it */
		t->woken = atomic_exchange(&t->mark, RUNNING) >> WAKES_AT;
		n = 0;
	}
}

/* --- workers --- */

static void start_worker(struct run *run);

/* Under the lock. A worker without a seat sleeps until one is free. */
static void take_seat(struct run *run)
{
	while (run->active >= run->conf.seats && !run->stopping) {
		run->spares++;
		pthread_cond_wait(&run->seat, &run->lock.mutex);
		run->spares--;
	}
	run->active++;
}

static struct task *pop_ready(struct run *run)
{
	struct task *t = run->ready_head;
	if (t) {
		run->ready_head = t->ready_next;
		if (!run->ready_head)
			run->ready_tail = NULL;
	}
	return t;
}

static void dispatch(struct run *run, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == 0) {
			uint64_t count;
			ssize_t got = read(run->event, &count, sizeof(count));
			(void)got;
			continue;
		}
		struct task *t = slot_task(run, events[i].data.u64);
		if (!t)
			continue;
		atomic_store(&t->armed, 0);
		if (task_mark(t, WAKE_IO))
			run_ready_push(run, t);
	}
}

/* Under the lock at entry and end. While tasks are ready it only looks and does not wait. */
static void poll_events(struct run *run) NEEDS(run->lock);
static void poll_events(struct run *run)
{
	struct epoll_event events[EVENTS];
	uint64_t now = run_now_ms(run);
	uint64_t next = timer_fire(run, now);
	bool busy = run->ready_head != NULL;
	int timeout = busy                                    ? 0
		      : next == 0 || next - now > WAIT_MAX_MS ? WAIT_MAX_MS
							      : (int)(next - now);
	run->since_poll = 0;
	run->polling += !busy;
	lock_leave(&run->lock);
	int n = epoll_wait(run->epoll, events, EVENTS, timeout);
	lock_enter(&run->lock);
	run->polling -= !busy;
	run->signalled =
		false; /* the signal may have come to us: another one is due for who still sleeps */
	dispatch(run, events, n);
	timer_fire(run, run_now_ms(run));
	/* more than one is ready: call another worker for the rest */
	if (run->ready_head && run->ready_head->ready_next && run_needs_signal(run))
		run_signal(run);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;
	me = w;
	pthread_setname_np(pthread_self(), "worker");
	lock_enter(&run->lock);
	take_seat(run);
	while (!run->stopping) {
		/* under load too: who is always ready must not hide those who wait for a descriptor or a time */
		struct task *t = run->since_poll++ < POLL_EVERY ? pop_ready(run) : NULL;
		if (!t) {
			poll_events(run);
			continue;
		}
		lock_leave(&run->lock);
		run_task(w, t);
		lock_enter(&run->lock);
		if (run->active > run->conf.seats) {
			run->active--;
			/* what it has put back, for fairness, must not wait until somebody's poll ends */
			if (run->ready_head && run_needs_signal(run))
				run_signal(run);
			take_seat(run);
		}
	}
	run->active--;
	lock_leave(&run->lock);
	arena_done(&w->arena);
	return NULL;
}

static void start_worker(struct run *run)
{
	if (run->workers_n >= run->conf.seats + run->conf.spare_max)
		return;
	struct worker *w = mem_new(MEM_OTHER, sizeof(*w));
	w->run = run;
	arena_init(&w->arena, 0);
	run->workers[run->workers_n] = w;
	if (pthread_create(&w->thread, NULL, work, w) != 0) {
		mem_free(MEM_OTHER, w);
		must(run->workers_n > 0);
		return;
	}
	__atomic_store_n(&run->workers_n, run->workers_n + 1, __ATOMIC_RELEASE);
}

void run_block_begin(enum run_store store)
{
	if (!me || me->blocks++)
		return;
	struct run *run = me->run;
	me->store = store;
	lock_enter(&run->lock);
	me->blocked_since = run_now_ms(run);
	run->active--;
	run->blocked[store]++;
	metric_add(METRIC_SEATS_BLOCKED, 1);
	if (run->active + run->spares < run->conf.seats)
		start_worker(run);
	lock_leave(&run->lock);
	pthread_cond_signal(&run->seat);
}

void run_block_end(void)
{
	if (!me || !me->blocks || --me->blocks)
		return;
	struct run *run = me->run;
	lock_enter(&run->lock);
	me->blocked_since = 0;
	run->active++;
	run->blocked[me->store]--;
	lock_leave(&run->lock);
	metric_sub(METRIC_SEATS_BLOCKED, 1);
}

/* --- the whole --- */

struct run *run_new(const struct run_conf *conf)
{
	struct run *run = mem_new(MEM_OTHER, sizeof(*run));
	run->conf = *conf;
	if (run->conf.seats == 0)
		run->conf.seats = run_cores();
	if (run->conf.spare_max == 0)
		run->conf.spare_max = SPARE_DEFAULT;
	run->workers =
		mem_new(MEM_OTHER, (run->conf.seats + run->conf.spare_max) * sizeof(*run->workers));
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(run->epoll >= 0 && run->event >= 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0 };
	must(epoll_ctl(run->epoll, EPOLL_CTL_ADD, run->event, &ev) == 0);
	lock_init(&run->lock, LOCK_RUN);
	pthread_cond_init(&run->seat, NULL);
	pthread_cond_init(&run->empty, NULL);
	jobs_start(run);
	return run;
}

void run_start(struct run *run)
{
	lock_enter(&run->lock);
	for (unsigned i = 0; i < run->conf.seats; i++)
		start_worker(run);
	lock_leave(&run->lock);
}

void run_drain(struct run *run)
{
	atomic_store(&run->draining, true);
	lock_enter(&run->lock);
	for (struct task *t = run->all; t; t = t->all_next)
		if (task_mark(t, WAKE_DRAIN))
			run_ready_push(run, t);
	lock_leave(&run->lock);
	run_signal(run);
}

bool run_draining(const struct run *run)
{
	return atomic_load(&run->draining);
}

static struct timespec in_ms(uint64_t ms)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

size_t run_wait_empty(struct run *run, uint64_t ms)
{
	struct timespec until = in_ms(ms);
	lock_enter(&run->lock);
	int rc = 0;
	while (run->tasks && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&run->empty, &run->lock.mutex, &until);
	size_t left = run->tasks;
	lock_leave(&run->lock);
	return left;
}

void run_stop(struct run *run)
{
	if (atomic_exchange(&run->stopping, true))
		return;
	lock_enter(&run->lock); /* who looked before has gone to sleep */
	lock_leave(&run->lock);
	pthread_cond_broadcast(&run->seat);
	/* the eventfd stays readable: every worker comes out of epoll_wait */
	for (unsigned i = 0; i < run->workers_n; i++) {
		struct timespec until;
		do {
			run_signal(run);
			until = in_ms(STOP_TRY_MS);
		} while (pthread_timedjoin_np(run->workers[i]->thread, NULL, &until) != 0);
	}
	jobs_stop(run);
}

void run_free(struct run **ref)
{
	struct run *run = *ref;
	if (!run)
		return;
	run_stop(run);
	for (struct task *t; (t = run->all) != NULL;)
		task_end(t);
	for (unsigned i = 0; i < run->workers_n; i++)
		mem_free(MEM_OTHER, run->workers[i]);
	close(run->epoll);
	close(run->event);
	pthread_cond_destroy(&run->seat);
	pthread_cond_destroy(&run->empty);
	lock_done(&run->lock);
	mem_free(MEM_OTHER, run->heap);
	mem_free(MEM_OTHER, run->slots);
	mem_free(MEM_OTHER, run->workers);
	mem_free(MEM_OTHER, run);
	*ref = NULL;
}

struct arena *run_step_arena(struct run *run)
{
	must(me && me->run == run);
	return &me->arena;
}
