/* chaos.c: Waits, conflicts, short pieces and refused memory, as a chaos build has them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"

#ifdef VEREDUS_CHAOS
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RECENT = 1024 };

static _Atomic uint64_t own[CHAOS_WORDS]; /* when nobody has mapped a page */
static _Atomic uint64_t *words = own;
static _Atomic uint64_t turns;
static uint64_t conflicted[RECENT];

static void map_page(void)
{
	const char *path = getenv("VEREDUS_CHAOS_PAGE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *at = mmap(NULL, CHAOS_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		words = at;
	close(fd);
}

static _Atomic uint64_t *page(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, map_page);
	return words;
}

static uint64_t mixed(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

static uint64_t chance(void)
{
	return mixed((atomic_load(&page()[CHAOS_SEED]) << 32) +
		     (atomic_fetch_add(&turns, 1) + 1) * 0x9e3779b97f4a7c15u);
}

bool chaos_waits(void)
{
	return chance() & 1;
}

/* Counts down to the request that was named. */
static bool is_named(_Atomic uint64_t *at)
{
	uint64_t left = atomic_load(at);
	while (left && !atomic_compare_exchange_weak(at, &left, left - 1))
		;
	return left == 1;
}

bool chaos_refuses(void)
{
	_Atomic uint64_t *p = page();
	uint64_t every = atomic_load(&p[CHAOS_REFUSE_EVERY]);
	atomic_fetch_add(&p[CHAOS_ASKED], 1);
	bool refused = is_named(&p[CHAOS_REFUSE_AT]) || (every && chance() % every == 0);
	if (refused)
		atomic_fetch_add(&p[CHAOS_REFUSED], 1);
	return refused;
}

static uint64_t hash(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = mixed(h + s.at[i] + 1);
	return mixed(h + s.len);
}

bool chaos_conflicts(struct slice key, struct slice value)
{
	uint64_t h = hash(hash(1, key), value), *at = &conflicted[h % RECENT];
	bool first = *at != h;
	*at = first ? h : 0;
	return first;
}

size_t chaos_read(size_t n)
{
	return n ? 1 : 0;
}

size_t chaos_write(size_t n)
{
	return n ? 1 + n / 3 : 0;
}
#endif
