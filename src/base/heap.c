/* heap.c: jemalloc's settings and figures, when it is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include <stdbool.h>
#include <stddef.h>

extern const char *const malloc_conf;
/* Weak: builds with sanitizers have another allocator. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *fresh, size_t len)
	__attribute__((weak));
/* Read by the library as it starts: few arenas (four a core, its default, leave holes in each of them after a
 * burst), and no blocks above a page kept by threads that sleep. */
const char *const malloc_conf = "narenas:4,tcache_max:4096,tcache_nslots_small_max:20";
/* How long a free page is kept: dirty, then muzzy. */
static const ptrdiff_t dirty_ms = 1000, muzzy_ms = 0;

static uint64_t figure(const char *name)
{
	size_t n = 0, len = sizeof(n);
	return mallctl(name, &n, &len, NULL, 0) == 0 ? n : 0;
}

void heap_stats(struct heap_stats *out)
{
	*out = (struct heap_stats){ 0 };
	if (!mallctl)
		return;
	uint64_t epoch = 1;
	size_t len = sizeof(epoch);
	mallctl("epoch", &epoch, &len, &epoch, len);
	*out = (struct heap_stats){ .allocated = figure("stats.allocated"),
		.active = figure("stats.active"),
		.metadata = figure("stats.metadata"),
		.resident = figure("stats.resident"),
		.retained = figure("stats.retained") };
}

static void put(const char *name, ptrdiff_t ms)
{
	mallctl(name, NULL, NULL, &ms, sizeof(ms));
}

void heap_setup(void)
{
	char name[48];
	unsigned arenas = 0;
	size_t len = sizeof(arenas);
	bool on = true;
	if (!mallctl)
		return;
	put("arenas.dirty_decay_ms", dirty_ms); /* of those to come */
	put("arenas.muzzy_decay_ms", muzzy_ms);
	mallctl("arenas.narenas", &arenas, &len, NULL, 0);
	for (unsigned i = 0; i < arenas; i++) { /* those not made yet refuse, and take the above */
		snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", i);
		put(name, dirty_ms);
		snprintf(name, sizeof(name), "arena.%u.muzzy_decay_ms", i);
		put(name, muzzy_ms);
	}
	mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}

void heap_purge(void)
{
	if (mallctl)
		mallctl("arena.4096.purge", NULL, NULL, NULL, 0); /* 4096: all arenas */
}
