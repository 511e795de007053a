/* data.c: Opening a store, reading with counters, building batches. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "data/data_int.h"
#include <string.h>

void data_batch_init(struct data_batch *b, struct arena *arena)
{
	*b = (struct data_batch){ .arena = arena };
}

static struct data_op *add_op(
	struct data_batch *b, enum data_op_kind kind, enum data_space space, struct slice key)
{
	must(key.len > 0 && key.len <= DATA_KEY_MAX);
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		struct data_op *ops = cap * sizeof(*ops) <= ARENA_SMALL
					      ? arena_new(b->arena, cap * sizeof(*ops))
					      : arena_try(b->arena, cap * sizeof(*ops));
		if (!ops) {
			b->over = true; /* it is refused whole: its ops do not count */
			b->n = 0;
			ops = b->ops;
			cap = b->cap;
		} else if (b->n)
			memcpy(ops, b->ops, b->n * sizeof(*ops));
		b->ops = ops;
		b->cap = cap;
	}
	b->ops[b->n] = (struct data_op){ .kind = kind, .space = space, .key = key };
	b->bytes += key.len;
	return &b->ops[b->n++];
}

void data_put(struct data_batch *b, enum data_space space, struct slice key, struct slice value)
{
	add_op(b, DATA_PUT, space, key)->value = value;
	b->bytes += value.len;
}

void data_delete(struct data_batch *b, enum data_space space, struct slice key)
{
	add_op(b, DATA_DELETE, space, key);
}

void data_add(struct data_batch *b, enum data_space space, struct slice key, int64_t delta)
{
	add_op(b, DATA_ADD, space, key)->delta = delta;
}

void data_assert(struct data_batch *b, enum data_space space, struct slice key, struct slice value)
{
	add_op(b, DATA_ASSERT, space, key)->value = value;
	b->asserts = true;
}

void data_assert_absent(struct data_batch *b, enum data_space space, struct slice key)
{
	add_op(b, DATA_ASSERT_ABSENT, space, key);
	b->asserts = true;
}

int64_t data_counter(struct slice value)
{
	uint64_t n = 0;
	if (value.len != 8)
		return 0;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | value.at[i];
	return (int64_t)n;
}

static void count(_Atomic uint64_t *figure, uint64_t n)
{
	atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

struct looked {
	data_look_fn *look;
	void *ctx;
	size_t len;
};

static void look_counted(void *ctx, struct slice value)
{
	struct looked *l = ctx;
	l->len = value.len;
	l->look(l->ctx, value);
}

enum rc data_look(struct data *data, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	struct looked l = { .look = look, .ctx = ctx };
	enum rc rc = data->engine->look(data->e, space, key, look_counted, &l, why);
	count(&data->reads, 1);
	metric_add(METRIC_STORE_GETS, 1);
	if (rc == RC_OK) {
		count(&data->keys_read, 1);
		count(&data->bytes_copied, l.len);
		metric_add(METRIC_STORE_READ_BYTES, l.len);
	}
	return rc;
}

struct copied {
	struct arena *a;
	struct slice *value;
	enum rc rc;
};

static void copy(void *ctx, struct slice value)
{
	struct copied *c = ctx;
	c->rc = arena_copy(c->a, value, c->value);
}

enum rc data_get(struct data *data, enum data_space space, struct slice key, struct arena *a,
	struct slice *value, struct fault *why)
{
	struct copied c = { .a = a, .value = value };
	TRY(data_look(data, space, key, copy, &c, why));
	return c.rc == RC_OK ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

struct counted {
	data_visit_fn *visit;
	void *ctx;
	uint64_t keys, bytes;
	size_t left; /* 0: no limit */
};

static bool visit_counted(void *ctx, struct slice key, struct slice value)
{
	struct counted *c = ctx;
	c->keys++;
	c->bytes += value.len;
	if (!c->visit(c->ctx, key, value))
		return false;
	return c->left == 0 || --c->left > 0;
}

enum rc data_scan(struct data *data, const struct data_range *range, data_visit_fn *visit,
	void *ctx, struct fault *why)
{
	struct counted c = { .visit = visit, .ctx = ctx, .left = range->limit };
	enum rc rc = data->engine->scan(data->e, range, visit_counted, &c, why);
	count(&data->scans, 1);
	count(&data->keys_read, c.keys);
	count(&data->bytes_copied, c.bytes);
	metric_add(METRIC_STORE_SCANS, 1);
	metric_add(METRIC_STORE_READ_BYTES, c.bytes);
	return rc;
}

static bool visit_any(void *ctx, struct slice key, struct slice value)
{
	(void)key;
	(void)value;
	*(bool *)ctx = true;
	return false;
}

enum rc data_any(struct data *data, const struct data_range *range, bool *any, struct fault *why)
{
	struct data_range first = *range;
	first.limit = 1;
	*any = false;
	return data_scan(data, &first, visit_any, any, why);
}

enum rc data_open(const struct data_options *options, struct data **out, struct fault *why)
{
	static const struct {
		const char *type;
		enum rc (*open)(const struct data_options *, const struct engine **, void **,
			struct fault *);
	} engines[] = { { "rocksdb", engine_rocksdb_open }, { "sqlite", engine_sqlite_open },
		{ "memory", engine_memory_open }, { "postgresql", engine_postgresql_open },
		{ "mysql", engine_mysql_open } };
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(engines[i].type, options->type) != 0)
			continue;
		struct data *data = mem_new(MEM_STORE, sizeof(*data));
		enum rc rc = engines[i].open(options, &data->engine, &data->e, why);
		if (rc != RC_OK) {
			mem_free(MEM_STORE, data);
			return rc;
		}
		committer_start(data);
		*out = data;
		return RC_OK;
	}
	return fault_set(why, FAULT_CONFIG, "no data store of type \"%s\"", options->type);
}

void data_close(struct data **ref)
{
	struct data *data = *ref;
	if (!data)
		return;
	committer_stop(data);
	data->engine->close(data->e);
	mem_free(MEM_STORE, data);
	*ref = NULL;
}

void data_stats(struct data *data, struct data_stats *out)
{
	*out = (struct data_stats){ .reads = data->reads,
		.scans = data->scans,
		.keys_read = data->keys_read,
		.bytes_copied = data->bytes_copied,
		.commits = data->commits,
		.conflicts = data->conflicts,
		.groups = data->groups,
		.batch_keys = data->batch_keys,
		.batch_bytes = data->batch_bytes };
}

/* Seconds with fewer look-ups and commits than these are calm; so many in a row, and memory is given back. */
enum { CALM_S = 2, CALM_READS = 32, CALM_COMMITS = 2 };

void data_memory(struct data *data, struct data_memory *out)
{
	*out = (struct data_memory){ 0 };
	if (data->engine->memory)
		data->engine->memory(data->e, out);
}

void data_evict(void *arg, size_t bytes)
{
	struct data *data = arg;
	struct data_memory has;
	data_memory(data, &has);
	if (data->engine->shrink)
		data->engine->shrink(data->e, has.cache > bytes ? has.cache - bytes : 0);
	if (data->engine->settle && has.buffers > DATA_CALM_BUFFERS)
		data->engine->settle(data->e);
}

void data_calm(void *arg)
{
	struct data *data = arg;
	struct data_memory has;
	uint64_t reads = data->reads + data->scans, commits = data->commits;
	data->calm_reads = reads - data->reads_seen < CALM_READS ? data->calm_reads + 1 : 0;
	data->calm_commits =
		commits - data->commits_seen < CALM_COMMITS ? data->calm_commits + 1 : 0;
	data->reads_seen = reads;
	data->commits_seen = commits;
	data_memory(data, &has);
	if (data->engine->shrink && data->calm_reads >= CALM_S && has.cache > DATA_CALM_CACHE)
		data->engine->shrink(data->e, DATA_CALM_CACHE);
	if (data->engine->settle && data->calm_commits >= CALM_S && has.buffers > DATA_CALM_BUFFERS)
		data->engine->settle(data->e);
}

const char *data_type(const struct data *data)
{
	return data->engine->type;
}
