/* memory.h: The memory budget: what is used, by whom, how scarce it is, who gives some back. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_MEMORY_H
#define RUN_MEMORY_H

#include "base/mem.h"
#include "run/run.h"

/* The truth is the larger of two figures, taken every second: the allocator's own (active and metadata) and the resident
 * memory that the kernel sees, with the parent's own. From 85 % of the limit on, those who keep caches are asked to give
 * some back; from 95 % on new work is refused. docs/memory.md explains each figure. */
enum { RUN_MEMORY_EVICT = 85, RUN_MEMORY_REFUSE = 95, RUN_MEMORY_KEEPERS = 12 };

/* Who keeps memory that can be given back. What is NULL is not asked. All on one thread, once a second: they may take locks,
 * and must not block for long. */
struct run_memory_keeper {
	const char *name; /* "mail" */
	/* Gives back about `bytes`. */
	void (*evict)(void *arg, size_t bytes);
	/* Gives back what has not been used for some seconds, scarce or not. */
	void (*calm)(void *arg);
	/* `cached`: bytes that evict could give back. `beyond`: bytes from the allocator that base/mem.h does not count. */
	void (*size)(void *arg, uint64_t *cached, uint64_t *beyond);
	void *arg;
};

/* One instant. Bytes. allocated <= active <= resident; the kinds, what keepers have beyond them, and `rest` are allocated. */
struct run_memory_stats {
	uint64_t limit; /* the budget */
	uint64_t allocated; /* handed out by the allocator */
	uint64_t active; /* pages of the allocator that hold something */
	uint64_t
		resident; /* of the allocator: active, its own, and free pages that go back within seconds */
	uint64_t cached; /* of what is allocated: could be read or calculated again */
	uint64_t rss, pss; /* as the kernel counts the serving process */
	uint64_t anonymous,
		files; /* of rss: memory; pages of programs and files, which the kernel may drop */
	uint64_t parent; /* the supervising process's own */
	unsigned percent; /* used / limit */
	uint64_t kinds[MEM_KINDS];
	size_t keepers_n;
	struct run_memory_kept {
		const char *name;
		uint64_t cached, beyond;
	} keepers[RUN_MEMORY_KEEPERS];
	uint64_t rest; /* of allocated: libraries that do not say */
};

/* Begins to measure as a task of `run`. Once. */
void run_memory_start(struct run *run, uint64_t limit);
/* A new limit, from the configuration; felt within a second. Any thread. */
void run_memory_limit(uint64_t limit);
/* Before run_memory_start, or at any time later; never removed: `arg` lives as long as the process. RC_LIMIT: too many. */
enum rc run_memory_keep(const struct run_memory_keeper *keeper);

/* True: the limit is nearly reached; refuse new work. Costs one load; any thread. */
bool run_memory_refuse(void);
/* As of the last second: the same instant that the metrics show. */
void run_memory_stats(struct run_memory_stats *out);
/* Measures now, and acts on it. */
void run_memory_sample(struct run_memory_stats *out);

#endif
