/* pg.h: A connection to PostgreSQL: statements in a pipeline, one wait for all of them, a deadline. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_PG_H
#define LINK_PG_H

#include "base/fault.h"
#include "base/slice.h"
#include "link/link.h"

/* Nothing rests on the session: statements are unnamed, settings last as long as a transaction. So a PgBouncer that
 * pools transactions may stand between.
 *
 * A connection belongs to one thread at a time. */

struct link_pg;

/* Connects, by then or in `connect_ms`, logs in, and looks at what kind of server it is: it must take writes, and (unless `relaxed`) answer a commit
 * only when it is flushed. `at` is borrowed. Faults: STORE, CONFIG (the server does not keep our promise). */
enum rc link_pg_open(
	const struct link_server *at, uint64_t by_ms, struct link_pg **out, struct fault *why);
void link_pg_close(struct link_pg *c);

/* Parameters in PostgreSQL's binary form; `at` NULL is NULL. Their types follow from casts in the text. */
struct link_pg_query {
	const char *sql;
	const struct slice *params;
	size_t n;
};

/* Sends all, waits once, and answers the rows of the last. What stands between two calls is one transaction, but for
 * BEGIN and COMMIT among it. `by_ms`: on the clock of run_now_ms. Rows are binary and live until the next call.
 *
 * RC_OK. RC_NONE: a table or function is not there. RC_TAKEN: lost against others (deadlock, lock time-out); try again.
 * RC_LIMIT: the disk is full. RC_TEMP: any other error. When link_pg_state is no longer LINK_GOOD after that, the
 * server may have done it all the same. Faults: STORE, STORE_FULL. */
enum rc link_pg_run(struct link_pg *c, const struct link_pg_query *queries, size_t n,
	uint64_t by_ms, struct fault *why);
/* Sends COMMIT and does not wait: the next call does. */
void link_pg_leave(struct link_pg *c);
/* Has the server closed it while it rested? Then nothing needs to be sent to find out. */
bool link_pg_closed(struct link_pg *c);
enum link_state link_pg_state(const struct link_pg *c);

size_t link_pg_rows(const struct link_pg *c);
/* A view; NULL is the empty slice with `at` NULL. */
struct slice link_pg_cell(const struct link_pg *c, size_t row, int column);

#endif
