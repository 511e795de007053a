/* sqlite.c: An engine of one file: SQLite in WAL mode, synchronous=FULL, one transaction a group. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "base/mem.h"
#include "base/must.h"
#include "data/engine.h"
#include "data/sqlite_log.h"
#include <string.h>

enum { READERS_KEPT = 8 };

enum statement { GET, SCAN_UP, SCAN_DOWN, PUT, DELETE, ADD, STATEMENTS };

struct db {
	sqlite3 *db;
	sqlite3_stmt *st[DATA_SPACES][STATEMENTS];
	struct db *next;
};

struct sqlite {
	char *path;
	struct db *writer; /* the committer's */
	struct sqlite_log log;
	struct lock lock; /* guards the readers at rest */
	struct db *readers;
	unsigned readers_n;
	bool unflushed; /* the writer does not flush at the end of a transaction */
};

/* The library calls it full only when the disk is; a quota and a limit of file sizes are input/output errors to it. */
static bool is_full(sqlite3 *db)
{
	sqlite3_file *log = NULL;
	int error = 0;
	if (sqlite3_errcode(db) == SQLITE_FULL)
		return true;
	if ((sqlite3_errcode(db) & 0xff) == SQLITE_IOERR &&
		sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
		log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
	return fault_is_full(error);
}

static enum rc failed(sqlite3 *db, struct fault *why)
{
	if (is_full(db)) {
		enum rc full = fault_set(why, FAULT_STORE_FULL, "%s", "");
		return full == RC_LIMIT ? full : RC_LIMIT;
	}
	return fault_set(why, FAULT_STORE, "sqlite: %s", sqlite3_errmsg(db));
}

static void db_close(struct db *d)
{
	for (size_t s = 0; s < DATA_SPACES; s++)
		for (size_t i = 0; i < STATEMENTS; i++)
			sqlite3_finalize(d->st[s][i]);
	sqlite3_close(d->db);
	mem_free(MEM_STORE, d);
}

static int counter_of(sqlite3_value *v)
{
	return sqlite3_value_bytes(v) == 8;
}

/* kv_add(old, delta): little-endian counters. */
static void sql_add(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	uint64_t sum = (uint64_t)sqlite3_value_int64(args[1]);
	uint8_t bytes[8];
	(void)n;
	if (counter_of(args[0]))
		sum += (uint64_t)data_counter(slice_of(sqlite3_value_blob(args[0]), 8));
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(sum >> (8 * i));
	sqlite3_result_blob(ctx, bytes, 8, SQLITE_TRANSIENT);
}

static bool prepare(struct db *d)
{
	static const char *const sql[STATEMENTS] = { "SELECT v FROM kv%d WHERE k = ?1",
		"SELECT k, v FROM kv%d WHERE k >= ?1 AND (?2 IS NULL OR k < ?2) ORDER BY k",
		"SELECT k, v FROM kv%d WHERE k >= ?1 AND (?2 IS NULL OR k < ?2) ORDER BY k DESC",
		"INSERT INTO kv%d (k, v) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = ?2",
		"DELETE FROM kv%d WHERE k = ?1",
		("INSERT INTO kv%d (k, v) VALUES (?1, kv_add(x'', ?2)) ON CONFLICT (k) DO UPDATE "
		 "SET v = kv_add(v, ?2)") };
	for (int s = 0; s < DATA_SPACES; s++) {
		for (size_t i = 0; i < STATEMENTS; i++) {
			char text[256];
			snprintf(text, sizeof(text), sql[i], s);
			if (sqlite3_prepare_v3(d->db, text, -1, SQLITE_PREPARE_PERSISTENT,
				    &d->st[s][i], NULL) != SQLITE_OK)
				return false;
		}
	}
	return true;
}

static enum rc db_open(const char *path, bool writer, struct db **out, struct fault *why)
{
	static const char *const setup =
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
		"CREATE TABLE IF NOT EXISTS kv0 (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT "
		"ROWID;"
		"CREATE TABLE IF NOT EXISTS kv1 (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT "
		"ROWID;";
	struct db *d = mem_new(MEM_STORE, sizeof(*d));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	bool ok = sqlite3_open_v2(path, &d->db, flags, NULL) == SQLITE_OK;
	if (ok) {
		sqlite3_busy_timeout(d->db, 10000);
		ok = sqlite3_exec(d->db, "PRAGMA cache_size=-2000; PRAGMA temp_store=MEMORY;", NULL,
			     NULL, NULL) == SQLITE_OK;
		ok = ok &&
		     sqlite3_create_function(d->db, "kv_add", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
			     NULL, sql_add, NULL, NULL) == SQLITE_OK;
		ok = ok && (!writer || sqlite3_exec(d->db, setup, NULL, NULL, NULL) == SQLITE_OK);
		ok = ok && prepare(d);
	}
	if (!ok) {
		enum rc rc =
			fault_set(why, FAULT_STORE, "sqlite: %s: %s", path, sqlite3_errmsg(d->db));
		db_close(d);
		return rc;
	}
	*out = d;
	return RC_OK;
}

/* One that rests; NULL: none does. */
static struct db *reader_take(struct sqlite *q)
{
	lock_enter(&q->lock);
	struct db *d = q->readers;
	if (d) {
		q->readers = d->next;
		q->readers_n--;
	}
	lock_leave(&q->lock);
	return d;
}

static enum rc reader_get(struct sqlite *q, struct db **out, struct fault *why)
{
	struct db *d = reader_take(q);
	if (!d)
		return db_open(q->path, false, out, why);
	*out = d;
	return RC_OK;
}

static void reader_put(struct sqlite *q, struct db *d)
{
	lock_enter(&q->lock);
	bool keep = q->readers_n < READERS_KEPT;
	if (keep) {
		d->next = q->readers;
		q->readers = d;
		q->readers_n++;
	}
	lock_leave(&q->lock);
	if (!keep)
		db_close(d);
}

/* A zero-length blob must be a blob, not NULL. */
static void bind(sqlite3_stmt *st, int at, struct slice s)
{
	if (s.len)
		sqlite3_bind_blob64(st, at, s.at, s.len, SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(st, at, 0);
}

static struct slice column(sqlite3_stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st, at);
	return slice_of(p, (size_t)sqlite3_column_bytes(st, at));
}

static enum rc sqlite_look(void *e, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	struct sqlite *q = e;
	struct db *d;
	TRY(reader_get(q, &d, why));
	sqlite3_stmt *st = d->st[space][GET];
	bind(st, 1, key);
	int code = sqlite3_step(st);
	enum rc rc = code == SQLITE_DONE ? RC_NONE : RC_OK;
	if (code == SQLITE_ROW)
		look(ctx, column(st, 0));
	else if (code != SQLITE_DONE)
		rc = failed(d->db, why);
	sqlite3_reset(st);
	reader_put(q, d);
	return rc;
}

static enum rc sqlite_scan(
	void *e, const struct data_range *range, data_visit_fn *visit, void *ctx, struct fault *why)
{
	struct sqlite *q = e;
	struct db *d;
	int code;
	enum rc rc = RC_OK;
	TRY(reader_get(q, &d, why));
	sqlite3_stmt *st = d->st[range->space][range->reverse ? SCAN_DOWN : SCAN_UP];
	bind(st, 1, range->from);
	if (range->to.len)
		bind(st, 2, range->to);
	else
		sqlite3_bind_null(st, 2);
	while ((code = sqlite3_step(st)) == SQLITE_ROW)
		if (!visit(ctx, column(st, 0), column(st, 1)))
			break;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rc = failed(d->db, why);
	sqlite3_reset(st);
	reader_put(q, d);
	return rc;
}

static bool apply(struct db *d, const struct data_op *op)
{
	static const enum statement which[] = {
		[DATA_PUT] = PUT, [DATA_DELETE] = DELETE, [DATA_ADD] = ADD
	};
	sqlite3_stmt *st = d->st[op->space][which[op->kind]];
	bind(st, 1, op->key);
	if (op->kind == DATA_PUT)
		bind(st, 2, op->value);
	else if (op->kind == DATA_ADD)
		sqlite3_bind_int64(st, 2, op->delta);
	bool ok = sqlite3_step(st) == SQLITE_DONE;
	sqlite3_reset(st);
	return ok;
}

/* In WAL mode NORMAL leaves out the flush at the end of a transaction; the next one with FULL flushes the same log. */
static bool set_flush(struct sqlite *q, bool flush)
{
	if (q->unflushed != flush)
		return true;
	q->unflushed = !flush;
	return sqlite3_exec(q->writer->db,
		       flush ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL,
		       NULL) == SQLITE_OK;
}

static enum rc sqlite_write(
	void *e, const struct data_op *const *ops, size_t n, bool flush, struct fault *why)
{
	struct sqlite *q = e;
	struct db *d = q->writer;
	bool ok = set_flush(q, flush) &&
		  sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < n; i++)
		ok = apply(d, ops[i]);
	ok = ok && sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	if (!ok) {
		enum rc rc = failed(d->db, why);
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	return RC_OK;
}

static void sqlite_rest(void *e)
{
	sqlite_log_rest(&((struct sqlite *)e)->log);
}

static void sqlite_close(void *e)
{
	struct sqlite *q = e;
	sqlite_log_stop(&q->log);
	for (struct db *d = q->readers, *next; d; d = next) {
		next = d->next;
		db_close(d);
	}
	if (q->writer)
		db_close(q->writer);
	lock_done(&q->lock);
	mem_free(MEM_STORE, q->path);
	mem_free(MEM_STORE, q);
}

static void sqlite_memory(void *e, struct data_memory *out)
{
	(void)e;
	out->cache = (uint64_t)sqlite3_memory_used(); /* nearly all of it are pages */
}

/* The readers at rest go: each has a cache of its own, and is opened again in a millisecond. */
static void sqlite_shrink(void *e, uint64_t keep)
{
	struct sqlite *q = e;
	while ((uint64_t)sqlite3_memory_used() > keep) {
		struct db *d = reader_take(q);
		if (!d)
			return;
		db_close(d);
	}
}

enum rc engine_sqlite_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why)
{
	static const struct engine sqlite = { .type = "sqlite",
		.look = sqlite_look,
		.scan = sqlite_scan,
		.write = sqlite_write,
		.rest = sqlite_rest,
		.close = sqlite_close,
		.memory = sqlite_memory,
		.shrink = sqlite_shrink };
	struct sqlite *q = mem_new(MEM_STORE, sizeof(*q));
	lock_init(&q->lock, LOCK_STORE);
	q->path = mem_str(MEM_STORE, o->path);
	sqlite3_soft_heap_limit64(
		(sqlite3_int64)(o->cache_bytes ? o->cache_bytes : 32 * 1024 * 1024));
	enum rc rc = db_open(q->path, true, &q->writer, why);
	if (rc == RC_OK)
		rc = sqlite_log_start(&q->log, q->path, q->writer->db, why);
	if (rc != RC_OK) {
		sqlite_close(q);
		return rc;
	}
	*type = &sqlite;
	*e = q;
	return RC_OK;
}
