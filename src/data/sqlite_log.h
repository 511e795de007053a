/* sqlite_log.h: Keeping SQLite's log short without keeping anybody waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_SQLITE_LOG_H
#define DATA_SQLITE_LOG_H

#include "base/fault.h"
#include "base/lock.h"
#include <sqlite3.h>

/* The log begins anew when all of it is copied home and nobody writes meanwhile. So a thread copies the bulk beside the
 * committer, and the committer the little that came during that, when the replies of its group are out.
 *
 * After a crash all of the log is read, at 0.5 s a 100 MB. */
struct sqlite_log {
	sqlite3 *writer, *copier;
	int pages, next; /* in the log now; from how many on to copy it: the committer's */
	bool started;
	pthread_t thread;
	struct lock lock; /* guards what follows */
	pthread_cond_t more;
	bool asked, copied, stopping;
};

enum rc sqlite_log_start(
	struct sqlite_log *l, const char *path, sqlite3 *writer, struct fault *why);
/* On the committer's thread, behind the replies. */
void sqlite_log_rest(struct sqlite_log *l);
/* Before the writer is closed; nothing happens when it was not started. */
void sqlite_log_stop(struct sqlite_log *l);

#endif
