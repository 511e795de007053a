/* memory.c: Measures memory every second, asks caches to shrink, says when to refuse. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/memory.h"
#include "base/event.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/metric.h"
#include <sys/resource.h>
#include <unistd.h>

enum { HOOKS_MAX = 24, EVERY_MS = 1000, RUSAGE_BLOCK = 512 };
_Static_assert(METRIC_MEMORY_QUEUE - METRIC_MEMORY_OTHER == MEM_QUEUE && MEM_QUEUE + 1 == MEM_KINDS,
	"metrics.tbl has a row for each kind of memory, in their order");

struct hook {
	const char *name;
	run_evict_fn *fn;
	void *arg;
};

/* The process has one memory, so there is one of these. */
static struct {
	struct lock lock; /* guards hooks and last */
	struct hook hooks[HOOKS_MAX];
	size_t n;
	struct run_memory_stats last;
	_Atomic uint64_t limit;
	_Atomic bool refuse;
	_Atomic unsigned level;
} memory = { .lock = { PTHREAD_MUTEX_INITIALIZER, LOCK_STARTUP } };

/* A number alone in a file; UINT64_MAX: none there, or "max". */
static uint64_t number_in(const char *path)
{
	uint64_t n = UINT64_MAX;
	char text[32];
	FILE *f = fopen(path, "re");
	if (!f)
		return n;
	if (!fgets(text, sizeof(text), f) ||
		slice_u64(slice_trim(slice_str(text)), UINT64_MAX, &n) != RC_OK)
		n = UINT64_MAX;
	fclose(f);
	return n;
}

/* memory.max of this process's group, and of the root as a container sees it. */
static uint64_t cgroup_max(void)
{
	char line[512], path[600];
	uint64_t most = number_in("/sys/fs/cgroup/memory.max");
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		struct slice s = slice_trim(slice_str(line));
		if (!slice_starts(s, S("0::")))
			continue;
		s = slice_tail(s, 3);
		while (s.len) { /* each group above limits us too */
			snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/memory.max", FMT(s));
			uint64_t n = number_in(path);
			most = n < most ? n : most;
			s.len = slice_rfind(s, '/') < s.len ? slice_rfind(s, '/') : 0;
		}
	}
	if (f)
		fclose(f);
	return most;
}

uint64_t run_memory_default(void)
{
	uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		 group = cgroup_max();
	return (group < ram ? group : ram) / 10 * 7;
}

static uint64_t resident(void)
{
	unsigned long size, pages;
	FILE *f = fopen("/proc/self/statm", "re");
	int n = f ? fscanf(f, "%lu %lu", &size, &pages) : 0;
	if (f)
		fclose(f);
	return n == 2 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void measure(struct run_memory_stats *s)
{
	struct heap_stats heap;
	struct rusage used;
	heap_stats(&heap);
	*s = (struct run_memory_stats){ .limit = atomic_load(&memory.limit),
		.resident = resident(),
		.allocated = heap.allocated,
		.active = heap.active,
		.retained = heap.retained };
	uint64_t most = s->resident > heap.active + heap.metadata ? s->resident
								  : heap.active + heap.metadata;
	s->percent = s->limit ? (unsigned)(most * 100 / s->limit) : 0;
	metric_set(METRIC_MEMORY_RSS, s->resident);
	metric_set(METRIC_MEMORY_ALLOCATED, s->allocated);
	metric_set(METRIC_MEMORY_LIMIT, s->limit);
	for (unsigned k = 0; k < MEM_KINDS; k++)
		metric_set((enum metric_id)(METRIC_MEMORY_OTHER + k), mem_used((enum mem_kind)k));
	if (getrusage(RUSAGE_SELF, &used) != 0)
		return;
	metric_set(
		METRIC_CPU_US, (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
				       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
	metric_set(METRIC_DISK_READ_BYTES, (uint64_t)used.ru_inblock * RUSAGE_BLOCK);
	metric_set(METRIC_DISK_WRITTEN_BYTES, (uint64_t)used.ru_oublock * RUSAGE_BLOCK);
}

/* Each cache gives its part: nobody knows here who holds most; a second later we ask again. */
static void evict(const struct run_memory_stats *s)
{
	struct hook hooks[HOOKS_MAX];
	lock_enter(&memory.lock);
	size_t n = memory.n;
	memcpy(hooks, memory.hooks, n * sizeof(*hooks));
	lock_leave(&memory.lock);
	uint64_t over = s->limit / 100 * (s->percent - RUN_MEMORY_EVICT + 2);
	for (size_t i = 0; i < n; i++)
		hooks[i].fn(hooks[i].arg, (size_t)(over / n + 1));
	heap_purge();
}

void run_memory_sample(struct run_memory_stats *out)
{
	measure(out);
	unsigned level = out->percent >= RUN_MEMORY_REFUSE  ? 2
			 : out->percent >= RUN_MEMORY_EVICT ? 1
							    : 0;
	if (level) {
		evict(out);
		measure(out);
		level = out->percent >= RUN_MEMORY_REFUSE  ? 2
			: out->percent >= RUN_MEMORY_EVICT ? 1
							   : 0;
	}
	atomic_store(&memory.refuse, level == 2);
	unsigned before = atomic_exchange(&memory.level, level);
	if (level == 2 && before < 2)
		event_log(EVENT_MEMORY_FULL, f_u64("resident", out->resident),
			f_u64("limit", out->limit));
	else if (level == 1 && before == 0)
		event_log(EVENT_MEMORY_HIGH, f_u64("resident", out->resident),
			f_u64("limit", out->limit));
	lock_enter(&memory.lock);
	memory.last = *out;
	lock_leave(&memory.lock);
}

static enum step step_sample(struct task *t)
{
	struct run_memory_stats s;
	if (run_draining(t->run))
		return STEP_CLOSE;
	run_memory_sample(&s);
	metric_second();
	task_timer(t, run_now_ms(t->run) + EVERY_MS);
	return STEP_PARK;
}

static void drop(struct task *t)
{
	mem_free(MEM_OTHER, t);
}

static const struct step_row steps[] = { { step_sample, "sample" } };
static const struct task_kind kind = { "memory", steps, 1, drop };

void run_memory_start(struct run *run, uint64_t limit)
{
	run_memory_limit(limit);
	heap_setup();
	struct task *t = mem_new(MEM_OTHER, sizeof(*t));
	task_init(t, run, &kind, step_sample);
	task_start(t);
}

void run_memory_limit(uint64_t limit)
{
	atomic_store(&memory.limit, limit ? limit : run_memory_default());
}

enum rc run_memory_hook(const char *name, run_evict_fn *fn, void *arg)
{
	lock_enter(&memory.lock);
	bool fits = memory.n < HOOKS_MAX;
	if (fits)
		memory.hooks[memory.n++] = (struct hook){ name, fn, arg };
	lock_leave(&memory.lock);
	return fits ? RC_OK : RC_LIMIT;
}

bool run_memory_refuse(void)
{
	return atomic_load_explicit(&memory.refuse, memory_order_relaxed);
}

void run_memory_stats(struct run_memory_stats *out)
{
	lock_enter(&memory.lock);
	*out = memory.last;
	lock_leave(&memory.lock);
}
