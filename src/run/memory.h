/* memory.h: The memory budget: what is used, how scarce it is, who gives some back. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_MEMORY_H
#define RUN_MEMORY_H

#include "run/run.h"

/* The truth is the larger of two figures, taken every second: the allocator's own (active and metadata) and the
 * resident memory that the kernel sees. From 85 % of the limit on, those who keep caches are asked to give some back;
 * from 95 % on new work is refused. */
enum { RUN_MEMORY_EVICT = 85, RUN_MEMORY_REFUSE = 95 };

/* Gives back about `bytes` of a cache. On a background thread; may take locks, must not block for long. */
typedef void run_evict_fn(void *arg, size_t bytes);

struct run_memory_stats {
	uint64_t limit; /* bytes: the budget */
	uint64_t resident; /* as the kernel counts it */
	uint64_t allocated; /* handed out by the allocator */
	uint64_t active; /* pages of the allocator that hold something */
	uint64_t retained; /* given back to the kernel, address space kept */
	unsigned percent; /* used / limit */
};

/* What `limit` is when nobody says: 70 % of the smaller of RAM and the cgroup's memory.max. Bytes. */
uint64_t run_memory_default(void);

/* Begins to measure as a task of `run`; `limit` 0: the default. Once. */
void run_memory_start(struct run *run, uint64_t limit);
/* A new limit, from the configuration; felt within a second. Any thread. */
void run_memory_limit(uint64_t limit);
/* Before run_memory_start, or at any time later; never removed: `arg` lives as long as the process. RC_LIMIT: too many. */
enum rc run_memory_hook(const char *name, run_evict_fn *fn, void *arg);

/* True: the limit is nearly reached; refuse new work. Costs one load; any thread. */
bool run_memory_refuse(void);
/* As of the last second. */
void run_memory_stats(struct run_memory_stats *out);
/* Measures now, and acts on it: for tests and for `veredus status`. */
void run_memory_sample(struct run_memory_stats *out);

#endif
