/* pool.h: Connections to one server, kept for the next who needs one; of any kind. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_POOL_H
#define LINK_POOL_H

#include "base/fault.h"

/* [pool 1] At most `most` connections are open at once; who finds none waits for one until its deadline.
 * [pool 2] After failures in a row (pool_drop, or an open that fails) the breaker turns all away at once, see breaker.h.
 * Any thread, which may block; a worker says so before (run_block_begin). Deadlines are times of run_now_ms. */
struct pool;

struct pool_kind {
	/* Opens one, by the deadline. */
	enum rc (*open)(void *arg, uint64_t deadline_ms, void **connection, struct fault *why);
	void (*close)(void *connection);
};

struct pool_conf {
	const struct pool_kind *kind;
	void *arg; /* of open; lives as long as the pool */
	const char *name; /* of the server, for faults and events; copied */
	size_t most;
	uint64_t idle_ms; /* one that was not used for so long is closed; 0: 60 s */
};

struct pool *pool_new(const struct pool_conf *conf);
/* When every connection is back. */
void pool_free(struct pool **pool);

/* `*is_used`: it was used before, so the server may have left it meanwhile; NULL: nobody asks. STORE: the server does not
 * answer, the breaker is open, or none came free in time. */
enum rc pool_take(struct pool *pool, uint64_t deadline_ms, void **connection, bool *is_used,
	struct fault *why);
/* Back in good order. */
void pool_put(struct pool *pool, void *connection);
/* Broken, or in an unknown state: closed. `is_failure`: the server was late; a connection that it had closed in peace is none. */
void pool_drop(struct pool *pool, void *connection, bool is_failure);
/* The same, when the server failed; those who are turned away later hear why. */
void pool_fail(struct pool *pool, void *connection, const struct fault *why);
/* Closes those that nobody uses: the server has changed. */
void pool_clear(struct pool *pool);

struct pool_stats {
	size_t open, idle;
	bool is_broken; /* the breaker is open */
};
void pool_stats(struct pool *pool, struct pool_stats *out);

#endif
