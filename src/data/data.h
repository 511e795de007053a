/* data.h: The data store: ordered keys and values, changed by conditional batches, durable when they answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

/* Keys are compared as bytes; key and value may hold any bytes. Keys are at most DATA_KEY_MAX long.
 *
 * [data 1] A batch is written whole or not at all; it is durable when its done function is called with RC_OK.
 * [data 2] Batches take effect in the order in which they were submitted; an assert sees the store and all earlier
 *          batches, also those of its own group that are not durable yet (their replies wait for the same flush).
 * [data 3] A read sees what was durable when it began, and perhaps later batches too. */

struct data;

enum data_space { DATA_MAIN, DATA_BLOB, DATA_SPACES };
enum { DATA_KEY_MAX = 1024 };

/* --- reading: any thread, may block on the disk --- */

/* RC_NONE: absent (why untouched). The value is a copy in `a`. Faults: STORE, MEMORY. */
enum rc data_get(struct data *data, enum data_space space, struct slice key, struct arena *a,
	struct slice *value, struct fault *why);
/* The value where it lies, borrowed until it returns. It must not call the store. */
typedef void data_look_fn(void *ctx, struct slice value);
/* As data_get without the copy: `look` is called once, or with RC_NONE and RC_TEMP not at all. */
enum rc data_look(struct data *data, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why);

struct data_range {
	enum data_space space;
	struct slice from; /* inclusive; empty: the first key */
	struct slice to; /* exclusive; empty: past the last key */
	bool reverse; /* from the end down */
	size_t limit; /* 0: no limit */
	bool passing; /* part of a scan that is larger than a cache: what it reads is not kept there */
};

/* Key and value are borrowed until it returns; false ends the scan. It must not call the store. */
typedef bool data_visit_fn(void *ctx, struct slice key, struct slice value);
enum rc data_scan(struct data *data, const struct data_range *range, data_visit_fn *visit,
	void *ctx, struct fault *why);

/* Is there a key in the range? One that is not there costs a look. */
enum rc data_any(struct data *data, const struct data_range *range, bool *any, struct fault *why);

/* --- changing --- */

enum data_op_kind { DATA_PUT, DATA_DELETE, DATA_ADD, DATA_ASSERT, DATA_ASSERT_ABSENT };

struct data_op {
	enum data_op_kind kind;
	enum data_space space;
	struct slice key, value; /* borrowed by the batch until it is done */
	int64_t delta; /* DATA_ADD */
};

typedef void data_done_fn(void *ctx);

struct data_batch {
	struct arena *arena;
	struct data_op *ops;
	size_t n, cap;
	size_t bytes;
	bool asserts; /* has at least one */
	bool lazy; /* set by who submits it: durable no later than the next batch that is not lazy, instead of [data 1] */
	bool over; /* there was no memory for all of it: it will be answered with TEMP, whole */
	enum rc rc; /* the answer: OK; TAKEN: an assert did not hold; LIMIT: disk full; TEMP: the store failed */
	/* the committer's: */
	struct data_batch *next;
	bool lost; /* an assert did not hold in the store, whatever becomes of earlier batches */
	data_done_fn *done;
	void *ctx;
	uint64_t submitted_us;
};

/* Keys and values are not copied: they live in `arena` or longer than the batch. */
void data_batch_init(struct data_batch *b, struct arena *arena);
void data_put(struct data_batch *b, enum data_space space, struct slice key, struct slice value);
void data_delete(struct data_batch *b, enum data_space space, struct slice key);
/* A counter: 8 octets, little-endian, wrapping; absent is 0. Read it with data_counter. */
void data_add(struct data_batch *b, enum data_space space, struct slice key, int64_t delta);
void data_assert(struct data_batch *b, enum data_space space, struct slice key, struct slice value);
void data_assert_absent(struct data_batch *b, enum data_space space, struct slice key);
/* A counter's value from its bytes; 0 when they are not 8 octets. */
int64_t data_counter(struct slice value);

/* Hands the batch to the committer; `done(ctx)` is called on its thread when `b->rc` is set, and must not block. Batch,
 * arena and bytes live until then. */
void data_submit(struct data *data, struct data_batch *b, data_done_fn *done, void *ctx);
/* Waits for it: for start-up, the command line, tests and background jobs. Faults: CONFLICT, STORE_FULL, STORE. */
enum rc data_commit_now(struct data *data, struct data_batch *b, struct fault *why);

/* A batch's answer as a fault: CONFLICT, STORE_FULL or STORE; returns RC_TAKEN, RC_TEMP ... by the table. */
enum rc data_fault(enum rc rc, struct fault *why);

/* --- opening --- */

struct link_server;
struct data_options {
	const char *type; /* "rocksdb", "sqlite", "memory", "postgresql", "mysql" */
	const char *path; /* a folder (rocksdb) or file (sqlite); made when absent */
	uint64_t cache_bytes;
	uint64_t write_buffer_bytes;
	const char *compression; /* "lz4", "zstd", "none"; NULL: lz4 */
	int background_jobs;
	bool optimize_reads, optimize_writes;
	/* postgresql, mysql; its strings are borrowed until data_close. */
	const struct link_server *server;
};
enum rc data_open(const struct data_options *options, struct data **out, struct fault *why);
/* Batches under way are finished first. */
void data_close(struct data **data);

struct data_stats {
	uint64_t reads, scans, keys_read, bytes_copied, commits, conflicts, groups, batch_keys,
		batch_bytes;
};
void data_stats(struct data *data, struct data_stats *out);
const char *data_type(const struct data *data);

/* What the engine's library holds, in bytes: blocks or pages that it could read again; what is written and lies in no table
 * yet; the readers of open files, and all else that it names. */
struct data_memory {
	uint64_t cache, buffers, other;
};
void data_memory(struct data *data, struct data_memory *out);
/* Gives back about `bytes` of the cache: for struct run_memory_keeper, as data_calm, with the data as `arg`. */
void data_evict(void *data, size_t bytes);
/* Once a second, from one thread: when nearly nothing was read for some seconds the cache goes down to DATA_CALM_CACHE;
 * when nearly nothing was written, more than DATA_CALM_BUFFERS of write buffers goes to its files. */
void data_calm(void *data);
enum { DATA_CALM_CACHE = 1 << 20, DATA_CALM_BUFFERS = 1 << 20 };

#endif
