/* timer.c: One deadline a task, in a heap; moving a deadline later costs nothing until the old one comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "run/run_int.h"

static void place(struct run *run, size_t i, struct task *t)
{
	run->heap[i] = t;
	t->heap_at = i + 1;
}

static void up(struct run *run, size_t i, struct task *t)
{
	while (i > 0 && run->heap[(i - 1) / 2]->heap_ms > t->heap_ms) {
		place(run, i, run->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(run, i, t);
}

static void down(struct run *run, size_t i, struct task *t)
{
	for (size_t child; (child = 2 * i + 1) < run->heap_n; i = child) {
		if (child + 1 < run->heap_n &&
			run->heap[child + 1]->heap_ms < run->heap[child]->heap_ms)
			child++;
		if (run->heap[child]->heap_ms >= t->heap_ms)
			break;
		place(run, i, run->heap[child]);
	}
	place(run, i, t);
}

void timer_remove(struct run *run, struct task *t)
{
	if (t->heap_at == 0)
		return;
	size_t i = t->heap_at - 1;
	t->heap_at = 0;
	struct task *last = run->heap[--run->heap_n];
	if (last == t)
		return;
	if (i > 0 && run->heap[(i - 1) / 2]->heap_ms > last->heap_ms)
		up(run, i, last);
	else
		down(run, i, last);
}

void timer_put(struct run *run, struct task *t, uint64_t ms)
{
	timer_remove(run, t);
	if (run->heap_n == run->heap_cap) {
		run->heap_cap = run->heap_cap ? run->heap_cap * 2 : 64;
		run->heap = mem_more(MEM_OTHER, run->heap, run->heap_cap * sizeof(*run->heap));
	}
	t->heap_ms = ms;
	up(run, run->heap_n++, t);
}

uint64_t timer_fire(struct run *run, uint64_t now)
{
	while (run->heap_n && run->heap[0]->heap_ms <= now) {
		struct task *t = run->heap[0];
		uint64_t wanted = atomic_load(&t->deadline);
		timer_remove(run, t);
		if (wanted > now)
			timer_put(run, t, wanted);
		else if (wanted && atomic_compare_exchange_strong(&t->deadline, &wanted, 0) &&
			 task_mark(t, WAKE_TIMER))
			run_ready_push(run, t);
	}
	return run->heap_n ? run->heap[0]->heap_ms : 0;
}

void task_timer(struct task *t, uint64_t at_ms)
{
	struct run *run = t->run;
	atomic_store(&t->deadline, at_ms);
	lock_enter(&run->lock);
	bool first = false;
	if (t->heap_at == 0 || t->heap_ms > at_ms) {
		timer_put(run, t, at_ms);
		first = run->heap[0] == t && run->polling > 0;
	}
	lock_leave(&run->lock);
	if (first)
		run_signal(run); /* somebody waits for a later time */
}

void task_timer_off(struct task *t)
{
	atomic_store(&t->deadline, 0);
}
