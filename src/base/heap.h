/* heap.h: What the allocator says of itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdint.h>

/* All 0 when the program runs without jemalloc (sanitizers). Bytes. */
struct heap_stats {
	uint64_t allocated; /* handed out */
	uint64_t active; /* pages that hold something */
	uint64_t metadata;
	uint64_t resident; /* active, metadata, and free pages that were not given back yet */
	uint64_t retained; /* address space without memory */
};

/* Any thread. */
void heap_stats(struct heap_stats *out);
/* Lets a thread of the allocator give free pages back by itself; after the last fork. */
void heap_setup(void);
/* Gives free pages back now. */
void heap_purge(void);

#endif
