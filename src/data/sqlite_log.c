/* sqlite_log.c: A thread that copies SQLite's log home, and the committer's part in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sqlite_log.h"
#include "base/must.h"

enum { CHECKPOINT_PAGES = 2500 }; /* 10 MB */

/* After each commit, how long the log is: what a crash left is in it too. */
static int grew(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_log *l = arg;
	(void)db;
	(void)name;
	l->pages = pages;
	return SQLITE_OK;
}

/* PASSIVE waits for nobody: what a reader still needs stays for the next time. */
static void copy(sqlite3 *db)
{
	sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void *work(void *arg)
{
	struct sqlite_log *l = arg;
	pthread_setname_np(pthread_self(), "sqlite-log");
	lock_enter(&l->lock);
	while (!l->stopping) {
		if (!l->asked) {
			pthread_cond_wait(&l->more, &l->lock.mutex);
			continue;
		}
		lock_leave(&l->lock);
		copy(l->copier);
		lock_enter(&l->lock);
		l->asked = false;
		l->copied = true;
	}
	lock_leave(&l->lock);
	return NULL;
}

enum rc sqlite_log_start(struct sqlite_log *l, const char *path, sqlite3 *writer, struct fault *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	*l = (struct sqlite_log){ .writer = writer, .next = CHECKPOINT_PAGES };
	if (sqlite3_open_v2(path, &l->copier, flags, NULL) != SQLITE_OK) {
		enum rc rc = fault_set(
			why, FAULT_STORE, "sqlite: %s: %s", path, sqlite3_errmsg(l->copier));
		sqlite3_close(l->copier);
		return rc;
	}
	lock_init(&l->lock, LOCK_STORE);
	pthread_cond_init(&l->more, NULL);
	must(pthread_create(&l->thread, NULL, work, l) == 0);
	l->started = true;
	sqlite3_wal_hook(writer, grew, l);
	return RC_OK;
}

void sqlite_log_rest(struct sqlite_log *l)
{
	if (l->pages < l->next - CHECKPOINT_PAGES) /* it began anew */
		l->next = CHECKPOINT_PAGES;
	if (l->pages < l->next)
		return;
	lock_enter(&l->lock);
	bool copied = l->copied;
	l->copied = false;
	if (!copied && !l->asked) {
		l->asked = true;
		pthread_cond_signal(&l->more);
	}
	lock_leave(&l->lock);
	if (copied) {
		copy(l->writer);
		l->next = l->pages + CHECKPOINT_PAGES;
	}
}

void sqlite_log_stop(struct sqlite_log *l)
{
	if (!l->started)
		return;
	lock_enter(&l->lock);
	l->stopping = true;
	pthread_cond_signal(&l->more);
	lock_leave(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->more);
	lock_done(&l->lock);
	sqlite3_close(l->copier);
	l->started = false;
}
