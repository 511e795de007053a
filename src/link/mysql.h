/* mysql.h: A connection to MySQL or MariaDB: several statements in one text, results one by one, a deadline. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_MYSQL_H
#define LINK_MYSQL_H

#include "base/buf.h"
#include "link/link.h"

/* Strings are bytes: the connection's character set is binary. A connection belongs to one thread at a time; deadlines are
 * times of run_now_ms. */

struct link_mysql;

/* Connects, by then or in `connect_ms`, logs in, and looks at what kind of server it is: it must take writes, and (unless
 * `relaxed`) answer a commit only when it is flushed. `at` is borrowed. Faults: STORE, CONFIG (the server does not keep our
 * promise). */
enum rc link_mysql_open(
	const struct link_server *at, uint64_t by_ms, struct link_mysql **out, struct fault *why);
void link_mysql_close(struct link_mysql *c);
/* Octets of one text at most: the server's max_allowed_packet. */
size_t link_mysql_text_max(const struct link_mysql *c);

/* Appends 'bytes', with what has to be escaped. */
void link_mysql_quote(struct buf *text, struct slice bytes);

/* Statements, each ended by ";", in one round trip. The first that fails ends it. The rows of the last statement that has
 * some live until the next call.
 *
 * RC_OK. RC_NONE: a table is not there. RC_TAKEN: lost against others (deadlock, lock time-out); try again. RC_DENIED: a
 * subquery had two rows, by which a text stops itself. RC_LIMIT: the disk is full. RC_TEMP: any other error; when
 * link_mysql_state is no longer LINK_GOOD after that, the server may have done it all the same. Faults: STORE, STORE_FULL. */
enum rc link_mysql_run(struct link_mysql *c, struct slice text, uint64_t by_ms, struct fault *why);
size_t link_mysql_rows(const struct link_mysql *c);
/* A view; NULL is the empty slice with `at` NULL. */
struct slice link_mysql_cell(struct link_mysql *c, size_t row, unsigned column);

/* As link_mysql_run up to the last statement, whose rows come one by one: link_mysql_next until RC_NONE, or link_mysql_end
 * earlier. Cells are views until the next call. */
enum rc link_mysql_begin(
	struct link_mysql *c, struct slice text, uint64_t by_ms, struct fault *why);
enum rc link_mysql_next(
	struct link_mysql *c, struct slice *cells, unsigned n, uint64_t by_ms, struct fault *why);
void link_mysql_end(struct link_mysql *c, uint64_t by_ms);

/* Has the server closed it while it rested? Then nothing needs to be sent to find out. */
bool link_mysql_closed(const struct link_mysql *c);
enum link_state link_mysql_state(const struct link_mysql *c);

#endif
