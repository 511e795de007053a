/* engine.h: What an engine of the data store does; the committer and the counters stand above it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_ENGINE_H
#define DATA_ENGINE_H

#include "data/data.h"

/* What a server is asked for when others write to it too: all of it when all asserts hold, else nothing. */
struct engine_assert {
	const struct data_op *
		op; /* ASSERT or ASSERT_ABSENT, of a key that nothing before it in the group changes */
	struct data_batch *batch; /* whose: the committer's */
	bool taken; /* set by `commit`, with RC_TAKEN: it does not hold */
};

struct engine_group {
	struct engine_assert *asserts;
	size_t asserts_n;
	const struct data_op *const *ops; /* PUT, DELETE, ADD; those on one key in their order */
	size_t n;
	bool flush; /* durable when it returns; else no later than the next group with `flush` */
	bool again; /* the same group as before, after RC_WAIT: what is done already is not done twice */
};

/* Reads on any thread; `write`, `commit` and `rest` on the committer's alone. Each returns RC_OK, RC_NONE, RC_LIMIT (disk
 * full) or RC_TEMP, with `why` filled for the last two. An engine has `write` or `commit`. */
struct engine {
	const char *type;
	enum rc (*look)(void *e, enum data_space space, struct slice key, data_look_fn *look,
		void *ctx, struct fault *why);
	enum rc (*scan)(void *e, const struct data_range *range, data_visit_fn *visit, void *ctx,
		struct fault *why);
	/* For an engine that nobody else writes to. All operations, in order, atomically. `flush`: they and all written
	 * before are durable when it returns. */
	enum rc (*write)(
		void *e, const struct data_op *const *ops, size_t n, bool flush, struct fault *why);
	/* For a server with other writers: checks the asserts there and writes, atomically. RC_TAKEN: at least one does
	 * not hold, nothing is written. RC_WAIT: nobody knows whether it is written; ask once more with `again`. */
	enum rc (*commit)(void *e, struct engine_group *group, struct fault *why);
	/* What may wait until the group's replies are out, on the committer's thread; NULL: nothing. */
	void (*rest)(void *e);
	void (*close)(void *e);
	/* Any thread; NULL: the engine holds nothing beyond base/mem.h. */
	void (*memory)(void *e, struct data_memory *out);
	/* Gives back what the cache holds beyond `keep` bytes. Any thread. */
	void (*shrink)(void *e, uint64_t keep);
	/* Begins to write what the write buffers hold. Any thread; NULL: there are none. */
	void (*settle)(void *e);
};

enum rc engine_memory_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why);
enum rc engine_sqlite_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why);
enum rc engine_rocksdb_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why);
enum rc engine_mysql_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why);
enum rc engine_postgresql_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why);

#endif
