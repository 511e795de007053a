/* heap.c: jemalloc's settings and figures, when it is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include <stdbool.h>
#include <stddef.h>

/* Weak: builds with sanitizers have another allocator. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *fresh, size_t len)
	__attribute__((weak));
extern const char *const malloc_conf;

/* Read by jemalloc at start: free pages go back within two seconds, few arenas, no thread before the fork. */
const char *const malloc_conf = "narenas:4,dirty_decay_ms:2000,muzzy_decay_ms:0";

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
		.retained = figure("stats.retained") };
}

void heap_setup(void)
{
	bool on = true;
	if (mallctl)
		mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}

void heap_purge(void)
{
	if (mallctl)
		mallctl("arena.4096.purge", NULL, NULL, NULL, 0); /* 4096: all arenas */
}
