/* run_int.h: The run time's own state. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_RUN_INT_H
#define RUN_RUN_INT_H

#include "base/lock.h"
#include "run/run.h"

/* task.mark: a state, and above it the wakes that came since the task ran. One word: a wake is one change of it, after which
 * the task may be gone at once. RUNNING has no wakes: with one it is AGAIN. */
enum { IDLE, QUEUED, RUNNING, AGAIN, STATES = 3, WAKES_AT = 2 };

struct worker {
	struct run *run;
	pthread_t thread;
	struct arena arena;
	enum run_store store;
	uint64_t blocked_since; /* ms; 0: it has its seat */
	unsigned blocks; /* pairs of run_block_begin that are open */
};

/* What an event points to; see slot_take. */
struct slot {
	struct task *task;
	uint32_t generation, next_free; /* index + 1 */
};

struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
	struct task *task;
};

struct job_class {
	struct run *run;
	struct lock lock;
	pthread_cond_t more;
	struct job *head, *tail;
	unsigned waiting, idle, threads, threads_max;
	int nice;
	pthread_t *ids;
	bool stopping;
};

struct run {
	struct run_conf conf;
	int epoll, event; /* event: an eventfd that ends somebody's epoll_wait */
	_Atomic bool draining, stopping;
	struct lock lock; /* guards all below */
	pthread_cond_t seat, empty;
	struct task *ready_head, *ready_tail;
	struct task *all;
	size_t tasks;
	struct task **heap;
	size_t heap_n, heap_cap;
	struct worker **workers;
	struct slot *slots;
	size_t slots_cap;
	uint32_t slots_n, slot_free;
	unsigned workers_n, active, polling, spares, since_poll;
	unsigned blocked[RUN_STORES];
	bool signalled; /* the eventfd was written and nobody has come yet */
	struct job_class jobs[RUN_JOB_CLASSES];
};

/* timer.c, under run->lock */
void timer_put(struct run *run, struct task *t, uint64_t ms);
void timer_remove(struct run *run, struct task *t);
/* Wakes what is due; the next deadline or 0. Each wake goes to the ready list. */
uint64_t timer_fire(struct run *run, uint64_t now);

/* Under run->lock: a task that was IDLE is put on the ready list. */
void run_ready_push(struct run *run, struct task *t);
/* True when the caller must write the eventfd after leaving the lock. */
bool run_needs_signal(struct run *run);
void run_signal(struct run *run);
/* The state part of a wake: true when the caller must push it. */
bool task_mark(struct task *t, unsigned why);

void jobs_start(struct run *run);
void jobs_stop(struct run *run);

#endif
