/* lock.c: Mutexes; ranks are checked where the build asks for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "base/must.h"

#ifdef VEREDUS_RANKS
static _Thread_local unsigned held[LOCK_RANKS];

static void check_in(enum lock_rank rank)
{
	for (unsigned r = rank; r < LOCK_RANKS; r++)
		must(held[r] == 0);
	held[rank]++;
}

static void check_out(enum lock_rank rank)
{
	must(held[rank] > 0);
	held[rank]--;
}
#else
static void check_in(enum lock_rank rank)
{
	(void)rank;
}

static void check_out(enum lock_rank rank)
{
	(void)rank;
}
#endif

void lock_init(struct lock *l, enum lock_rank rank)
{
	must(pthread_mutex_init(&l->mutex, NULL) == 0);
	l->rank = rank;
}

void lock_done(struct lock *l)
{
	must(pthread_mutex_destroy(&l->mutex) == 0);
}

UNCHECKED void lock_enter(struct lock *l)
{
	check_in(l->rank);
	must(pthread_mutex_lock(&l->mutex) == 0);
}

UNCHECKED void lock_leave(struct lock *l)
{
	check_out(l->rank);
	must(pthread_mutex_unlock(&l->mutex) == 0);
}
