/* memory.c: Measures memory every second, asks caches to shrink, says when to refuse. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/memory.h"
#include "base/event.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/metric.h"
#include <sys/resource.h>
#include <unistd.h>

enum { EVERY_MS = 1000, RUSAGE_BLOCK = 512, KIB = 1024 };
_Static_assert(METRIC_MEMORY_TLS - METRIC_MEMORY_OTHER == MEM_TLS && MEM_TLS + 1 == MEM_KINDS,
	"metrics.tbl has a row for each kind of memory, in their order");

/* The process has one memory, so there is one of these. */
static struct {
	struct lock lock; /* guards keepers and last */
	struct run_memory_keeper keepers[RUN_MEMORY_KEEPERS];
	size_t n;
	struct run_memory_stats last;
	_Atomic uint64_t limit;
	_Atomic bool refuse;
	_Atomic unsigned level;
} memory = { .lock = { PTHREAD_MUTEX_INITIALIZER, LOCK_STARTUP } };

static size_t keepers(struct run_memory_keeper out[RUN_MEMORY_KEEPERS])
{
	lock_enter(&memory.lock);
	size_t n = memory.n;
	memcpy(out, memory.keepers, n * sizeof(*out));
	lock_leave(&memory.lock);
	return n;
}

/* What the kernel counts, in one reading of its table. */
static void ask_kernel(struct run_memory_stats *s)
{
	char line[128];
	unsigned long kib, resident, shared;
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %lu", &kib) == 1)
			s->rss = kib * KIB;
		else if (sscanf(line, "Pss: %lu", &kib) == 1)
			s->pss = kib * KIB;
		else if (sscanf(line, "Anonymous: %lu", &kib) == 1)
			s->anonymous = kib * KIB;
	}
	if (f)
		fclose(f);
	s->files = s->rss > s->anonymous ? s->rss - s->anonymous : 0;
	snprintf(line, sizeof(line), "/proc/%d/statm", (int)getppid());
	f = fopen(line, "re");
	if (f && fscanf(f, "%*u %lu %lu", &resident, &shared) == 2 && resident > shared)
		s->parent = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
	if (f)
		fclose(f);
}

/* Other threads go on allocating while we look: the kinds are read first, so that `rest` is never too small. */
static void ask_rooms(struct run_memory_stats *s)
{
	struct run_memory_keeper all[RUN_MEMORY_KEEPERS];
	s->keepers_n = keepers(all);
	for (unsigned k = 0; k < MEM_KINDS; k++)
		s->rest += s->kinds[k] = mem_used((enum mem_kind)k);
	for (size_t i = 0; i < s->keepers_n; i++) {
		s->keepers[i].name = all[i].name;
		if (all[i].size)
			all[i].size(all[i].arg, &s->keepers[i].cached, &s->keepers[i].beyond);
		s->cached += s->keepers[i].cached;
		s->rest += s->keepers[i].beyond;
	}
}

static void measure(struct run_memory_stats *s)
{
	struct heap_stats heap;
	*s = (struct run_memory_stats){ .limit = atomic_load(&memory.limit) };
	ask_rooms(s);
	heap_stats(&heap);
	ask_kernel(s);
	s->allocated = heap.allocated > s->rest ? heap.allocated : s->rest;
	s->rest = s->allocated - s->rest;
	s->active = heap.active > s->allocated ? heap.active : s->allocated;
	s->resident = heap.resident > s->active ? heap.resident : s->active;
	uint64_t ours = heap.active + heap.metadata, most = s->rss + s->parent;
	most = most > ours ? most : ours;
	s->percent = s->limit ? (unsigned)(most * 100 / s->limit) : 0;
}

/* All figures of one instant become visible together. */
static void publish(const struct run_memory_stats *s)
{
	struct metric_value v[16 + MEM_KINDS] = { { METRIC_MEMORY_RSS, s->rss },
		{ METRIC_MEMORY_PSS, s->pss }, { METRIC_MEMORY_ANONYMOUS, s->anonymous },
		{ METRIC_MEMORY_PARENT, s->parent }, { METRIC_MEMORY_ALLOCATED, s->allocated },
		{ METRIC_MEMORY_ACTIVE, s->active }, { METRIC_MEMORY_HEAP, s->resident },
		{ METRIC_MEMORY_CACHED, s->cached }, { METRIC_MEMORY_LIMIT, s->limit },
		{ METRIC_MEMORY_REST, s->rest } };
	size_t n = 10;
	uint64_t beyond = 0;
	for (size_t i = 0; i < s->keepers_n; i++)
		beyond += s->keepers[i].beyond;
	v[n++] = (struct metric_value){ METRIC_MEMORY_ENGINE, beyond };
	for (unsigned k = 0; k < MEM_KINDS; k++)
		v[n++] = (struct metric_value){ (enum metric_id)(METRIC_MEMORY_OTHER + k),
			s->kinds[k] };
	metric_set_all(v, n);
}

static void count_use(void)
{
	struct rusage used;
	if (getrusage(RUSAGE_SELF, &used) != 0)
		return;
	metric_set(
		METRIC_CPU_US, (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
				       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
	metric_set(METRIC_DISK_READ_BYTES, (uint64_t)used.ru_inblock * RUSAGE_BLOCK);
	metric_set(METRIC_DISK_WRITTEN_BYTES, (uint64_t)used.ru_oublock * RUSAGE_BLOCK);
}

/* Who has more in its cache gives more; a second later we ask again. */
static void evict(const struct run_memory_stats *s)
{
	struct run_memory_keeper all[RUN_MEMORY_KEEPERS];
	size_t n = keepers(all);
	uint64_t over = s->limit / 100 * (s->percent - RUN_MEMORY_EVICT + 2);
	metric_add(METRIC_MEMORY_EVICTIONS, 1);
	for (size_t i = 0; i < n && i < s->keepers_n; i++) {
		uint64_t has = s->keepers[i].cached;
		if (all[i].evict)
			all[i].evict(all[i].arg,
				(size_t)((double)over * (double)has / (double)(s->cached + 1)) + 1);
	}
	heap_purge();
}

static unsigned level_of(const struct run_memory_stats *s)
{
	return s->percent >= RUN_MEMORY_REFUSE ? 2 : s->percent >= RUN_MEMORY_EVICT;
}

void run_memory_sample(struct run_memory_stats *out)
{
	measure(out);
	unsigned level = level_of(out);
	if (level) {
		evict(out);
		measure(out);
		level = level_of(out);
	}
	atomic_store(&memory.refuse, level == 2);
	unsigned before = atomic_exchange(&memory.level, level);
	if (level == 2 && before < 2)
		event_log(EVENT_MEMORY_FULL, f_u64("resident", out->rss + out->parent),
			f_u64("limit", out->limit));
	else if (level == 1 && before == 0)
		event_log(EVENT_MEMORY_HIGH, f_u64("resident", out->rss + out->parent),
			f_u64("limit", out->limit));
	publish(out);
	lock_enter(&memory.lock);
	memory.last = *out;
	lock_leave(&memory.lock);
}

static void calm(void)
{
	struct run_memory_keeper all[RUN_MEMORY_KEEPERS];
	size_t n = keepers(all);
	for (size_t i = 0; i < n; i++)
		if (all[i].calm)
			all[i].calm(all[i].arg);
}

static enum step step_sample(struct task *t)
{
	struct run_memory_stats s;
	if (run_draining(t->run))
		return STEP_CLOSE;
	calm();
	run_memory_sample(&s);
	count_use();
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
	atomic_store(&memory.limit, limit);
}

enum rc run_memory_keep(const struct run_memory_keeper *keeper)
{
	lock_enter(&memory.lock);
	bool fits = memory.n < RUN_MEMORY_KEEPERS;
	if (fits)
		memory.keepers[memory.n++] = *keeper;
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
