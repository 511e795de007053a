/* status.c: Clocks, cores, and what the run time shows of itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_int.h"
#include <errno.h>
#include <sched.h>

uint64_t run_now_ms(const struct run *run)
{
	struct timespec ts;
	(void)run;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t run_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t run_unix(const struct run *run)
{
	(void)run;
	return time(NULL);
}

void run_pause(uint64_t ms)
{
	struct timespec left = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

uint64_t run_unix_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t run_zone(void *unused, int64_t unix_s)
{
	struct tm tm;
	(void)unused;
	return localtime_r(&unix_s, &tm) ? tm.tm_gmtoff : 0;
}

/* "max 100000" or "150000 100000" in the cgroup's cpu.max. */
static unsigned cgroup_cores(void)
{
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	unsigned long quota, period;
	int n = f ? fscanf(f, "%lu %lu", &quota, &period) : 0;
	if (f)
		fclose(f);
	return n == 2 && period ? (unsigned)((quota + period - 1) / period) : 0;
}

unsigned run_cores(void)
{
	cpu_set_t set;
	unsigned n = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	unsigned quota = cgroup_cores();
	if (quota && quota < n)
		n = quota;
	return n ? n : 1;
}

void run_status(struct run *run, struct run_status *out)
{
	lock_enter(&run->lock);
	*out = (struct run_status){
		.tasks = run->tasks, .seats = run->conf.seats, .threads = run->workers_n
	};
	for (size_t i = 0; i < RUN_STORES; i++) {
		out->blocked_by[i] = run->blocked[i];
		out->blocked += run->blocked[i];
	}
	uint64_t now = run_now_ms(run);
	for (size_t i = 0; i < run->workers_n; i++) {
		uint64_t since = run->workers[i]->blocked_since;
		if (since && now > since && now - since > out->blocked_oldest_ms)
			out->blocked_oldest_ms = now - since;
	}
	lock_leave(&run->lock);
	for (size_t i = 0; i < RUN_JOB_CLASSES; i++) {
		lock_enter(&run->jobs[i].lock);
		out->jobs_waiting[i] = run->jobs[i].waiting;
		lock_leave(&run->jobs[i].lock);
	}
}

static const char *step_name(const struct task_kind *kind, step_fn *fn)
{
	for (size_t i = 0; i < kind->nsteps; i++)
		if (kind->steps[i].fn == fn)
			return kind->steps[i].name;
	return "running";
}

void run_tasks(
	struct run *run, void (*visit)(void *ctx, const char *kind, const char *step), void *ctx)
{
	lock_enter(&run->lock);
	for (struct task *t = run->all; t; t = t->all_next)
		visit(ctx, t->kind->name, step_name(t->kind, atomic_load(&t->parked_in)));
	lock_leave(&run->lock);
}
