/* run.h: The run time: workers with seats, one poller, timers, jobs. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/arena.h"
#include "base/rc.h"
#include "run/task.h"

struct run_conf {
	unsigned seats; /* workers that run or wait at once; 0: the usable cores */
	unsigned spare_max; /* threads beyond the seats, for workers that block on a store; 0: 64 */
};

struct run *run_new(const struct run_conf *conf);
/* Starts the workers. */
void run_start(struct run *run);
/* Wakes every task with WAKE_DRAIN; run_draining is true from then on. */
void run_drain(struct run *run);
bool run_draining(const struct run *run);
/* Waits until no task is left, at most `ms`; returns how many are left. */
size_t run_wait_empty(struct run *run, uint64_t ms);
/* Stops the workers when they have finished their steps, then the jobs; tasks that are left stay where they are. */
void run_stop(struct run *run);
/* The same if that was not done. Tasks that are left are dropped. Then frees. */
void run_free(struct run **run);

/* Cores that this process may use: affinity, and the cgroup's cpu.max. At least 1. */
unsigned run_cores(void);

/* Milliseconds that only rise, and unix seconds. */
uint64_t run_now_ms(const struct run *run);
uint64_t run_now_us(void);
int64_t run_unix(const struct run *run);
/* Microseconds since 1970: for times that other machines and later processes read. */
uint64_t run_unix_us(void);
/* By how many seconds local time (TZ, else the system's) is ahead of UTC at that moment. A cron_offset_fn. */
int64_t run_zone(void *unused, int64_t unix_s);

/* The step arena of this worker: everything in it is gone when the step has returned to the run time. Only in a step. */
struct arena *run_step_arena(struct run *run);

/* A worker that is about to block on a store gives its seat to another thread until run_block_end. On other threads
 * nothing happens. Of pairs within a pair the outer one counts. */
enum run_store { RUN_STORE_DATA, RUN_STORE_BLOB, RUN_STORE_LOOKUP, RUN_STORE_DIR, RUN_STORES };
void run_block_begin(enum run_store store);
void run_block_end(void);

/* Work off the seats: hashes (as many at once as cores, at low priority), background jobs (one at once). Calls fn(arg),
 * then wakes `task` with WAKE_EVENT (NULL: nobody). RC_LIMIT: too many wait already; nothing happens then. */
enum run_job_class { RUN_JOB_HASH, RUN_JOB_BACKGROUND, RUN_JOB_CLASSES };
enum rc run_job(struct run *run, enum run_job_class class, void (*fn)(void *arg), void *arg,
	struct task *task);

/* Sleeps; for who blocks anyway (run_block_begin) and tries again later. */
void run_pause(uint64_t ms);

struct run_status {
	size_t tasks;
	unsigned seats, threads, blocked, jobs_waiting[RUN_JOB_CLASSES];
	unsigned blocked_by[RUN_STORES]; /* workers that wait for this store */
	uint64_t blocked_oldest_ms; /* for how long the first of them */
};
void run_status(struct run *run, struct run_status *out);
/* Visits (kind, step) of each task, under a lock: be quick. */
void run_tasks(
	struct run *run, void (*visit)(void *ctx, const char *kind, const char *step), void *ctx);

#endif
