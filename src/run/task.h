/* task.h: Parked objects with named steps: what a session, a delivery or an actor is to the run time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_TASK_H
#define RUN_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;
struct task;

enum step {
	STEP_MORE, /* run t->step again now */
	STEP_PARK, /* sleep until a wake */
	STEP_COMMIT, /* a commit is under way for this task: sleep until WAKE_COMMIT (or another wake) */
	STEP_CLOSE, /* finish and drop */
};

typedef enum step step_fn(struct task *t);

struct step_row {
	step_fn *fn;
	const char *name;
};

/* A kind's steps by name, for `veredus status`. `drop` frees the object; nothing may wake it any more by then. */
struct task_kind {
	const char *name;
	const struct step_row *steps;
	size_t nsteps;
	void (*drop)(struct task *t);
};

enum { WAKE_IO = 1, WAKE_TIMER = 2, WAKE_COMMIT = 4, WAKE_EVENT = 8, WAKE_DRAIN = 16 };

/* [run 1] One worker at a time runs a task; it owns the task until the step says PARK, COMMIT or CLOSE.
 * [run 2] A wake is never lost: one that comes while the task runs makes it run again. There may be spurious ones. */
struct task {
	step_fn *step;
	void (*gone)(
		struct task *t); /* called after kind->drop, frees what holds the task; or NULL */
	step_fn *
		around; /* called in place of step, and calls it: what a connection does before and after; or NULL */
	const struct task_kind *kind;
	struct run *run;
	unsigned woken; /* why it runs now: WAKE_* since the last run */
	int fd; /* watched while parked; -1: none */
	uint32_t watch; /* EPOLLIN | EPOLLOUT ... wanted while parked */

	/* the run time's own: */
	_Atomic unsigned mark; /* its state, and the wakes that wait */
	_Atomic uint32_t armed; /* what it is watched for now */
	_Atomic(step_fn *) parked_in;
	_Atomic uint64_t deadline; /* ms; 0: none */
	uint64_t heap_ms;
	size_t heap_at; /* index + 1; 0: not in the heap */
	struct task *ready_next;
	struct task *all_prev, *all_next;
	uint64_t slot; /* in the table of watched tasks; 0: none */
	bool added;
};

/* Prepares a zeroed task; it runs first when task_start is called. */
void task_init(struct task *t, struct run *run, const struct task_kind *kind, step_fn *first);
/* Makes it known and runs it soon. Any thread. */
void task_start(struct task *t);
/* Any thread, as long as the task lives. Never blocks for long. */
void task_wake(struct task *t, unsigned why);
/* One timer a task, moved by each call: WAKE_TIMER at that time of run_now_ms. The task's owner calls it. */
void task_timer(struct task *t, uint64_t at_ms);
void task_timer_off(struct task *t);

#endif
