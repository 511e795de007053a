/* link.c: Deadlines of calls, and giving connections back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/link.h"
#include "run/run.h"

uint64_t link_call_by(const struct link_server *at)
{
	return run_now_ms(NULL) + at->call_ms;
}

uint64_t link_acquire_by(const struct link_server *at)
{
	return run_now_ms(NULL) + at->acquire_ms;
}

void link_give(struct pool *pool, void *connection, enum link_state state)
{
	if (state == LINK_GOOD) {
		pool_put(pool, connection);
		return;
	}
	if (state == LINK_LOST)
		pool_clear(pool);
	pool_drop(pool, connection, state == LINK_LATE);
}
