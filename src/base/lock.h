/* lock.h: Mutexes with a rank: leaves that are held for microseconds, never across a store call. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>

#if defined(__clang__)
#define LOCK_TYPE __attribute__((capability("mutex")))
#define ENTERS(l) __attribute__((acquire_capability(l)))
#define LEAVES(l) __attribute__((release_capability(l)))
#define NEEDS(l) __attribute__((requires_capability(l)))
#define UNCHECKED __attribute__((no_thread_safety_analysis))
#else
#define LOCK_TYPE
#define ENTERS(l)
#define LEAVES(l)
#define NEEDS(l)
#define UNCHECKED
#endif

/* A thread that holds a lock may only take one of a higher rank (checked under
 * chaos and by `make asan`: -DVEREDUS_RANKS). */
enum lock_rank {
	LOCK_STARTUP,
	LOCK_DIR,
	LOCK_AUTH,
	LOCK_AUTH_CACHE, /* within that of the jobs */
	LOCK_POP3,
	LOCK_QUEUE,
	LOCK_MAIL_ROOM,
	LOCK_MAIL_ACCOUNT,
	LOCK_MAIL_PAGES,
	LOCK_ACCOUNTS,
	LOCK_CERT,
	LOCK_DNS,
	LOCK_NET,
	LOCK_LOOKUP,
	LOCK_LINK,
	LOCK_STORE,
	LOCK_COMMITTER,
	LOCK_RUN,
	LOCK_LOG,
	LOCK_METRIC,
	LOCK_RANKS
};

struct LOCK_TYPE lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_done(struct lock *l);
void lock_enter(struct lock *l) ENTERS(*l);
void lock_leave(struct lock *l) LEAVES(*l);

#endif
