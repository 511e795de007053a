/* rocksdb.c: The default engine: RocksDB by its C interface, one synced write a group. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/must.h"
#include "data/crc32c.h"
#include "data/engine.h"
#include "run/run.h"
#include <errno.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

/* Known faults of Debian's 7.8 that this file keeps away from: DeleteRange on live ranges, WAL compression,
 * atomic_flush. Bodies live in a column family of their own with blob files, so that compaction does not copy them. */
struct rocks {
	rocksdb_t *db;
	rocksdb_column_family_handle_t *spaces[DATA_SPACES];
	rocksdb_options_t *options[DATA_SPACES];
	rocksdb_block_based_table_options_t *tables[DATA_SPACES];
	rocksdb_cache_t *cache;
	uint64_t cache_bytes;
	rocksdb_writeoptions_t *synced, *unsynced;
	rocksdb_readoptions_t *reads;
	rocksdb_writebatch_t *batch; /* the committer's, used again */
	char *path;
	pthread_rwlock_t gate; /* held to use `db`; written to close it and open it again */
	_Atomic bool stopped; /* the library takes no write any more */
	/* Under the gate, written: when to open it again, and what is answered until then. */
	uint64_t again_us;
	struct fault why;
};

enum { BLOB_MIN = 2048, MIB = 1024 * 1024, AGAIN_US = 1000000, BATCH_KEPT = 256 * 1024 };
/* Share of the oldest blob files whose live content each compaction moves, garbage or not: the library's 0.25 copies a
 * message several times in its life. */
static const double blob_gc_share = 0.05;
/* Of a write buffer's size, for its filter: ten bits a key of some 250 octets. */
static const double memtable_bloom_share = 0.01;

static enum rc failed(char *err, struct fault *why)
{
	bool full = strstr(err, "No space left") || strstr(err, "NoSpace") ||
		    strstr(err, "File too large") || strstr(err, "quota exceeded");
	enum rc rc = fault_set(why, full ? FAULT_STORE_FULL : FAULT_STORE, "rocksdb: %s", err);
	rocksdb_free(err);
	return rc == RC_LIMIT ? RC_LIMIT : full ? RC_LIMIT : RC_TEMP;
}

/* The library mends itself only when the disk was full. After any other failed write (a file over its limit, a quota, a
 * bad block) it has to be opened again; what was acknowledged is in its log. */
static bool stops(const char *err)
{
	return !strstr(err, "No space left") && !strstr(err, "NoSpace");
}

static void close_db(struct rocks *r)
{
	for (size_t s = 0; s < DATA_SPACES; s++) {
		if (r->spaces[s])
			rocksdb_column_family_handle_destroy(r->spaces[s]);
		r->spaces[s] = NULL;
	}
	if (r->db)
		rocksdb_close(r->db);
	r->db = NULL;
}

static const char *const names[DATA_SPACES] = { "default", "blob" };

static enum rc open_db(struct rocks *r, struct fault *why)
{
	char *err = NULL;
	if (mkdir(r->path, 0700) < 0 && errno != EEXIST)
		return fault_set(why, FAULT_STORE, "%s: %s", r->path, strerror(errno));
	r->db = rocksdb_open_column_families(r->options[0], r->path, DATA_SPACES, names,
		(const rocksdb_options_t *const *)r->options, r->spaces, &err);
	return err ? failed(err, why) : RC_OK;
}

/* Where nothing can be written it can be read all the same. */
static void open_reading(struct rocks *r)
{
	char *err = NULL;
	close_db(r);
	r->db = rocksdb_open_for_read_only_column_families(r->options[0], r->path, DATA_SPACES,
		names, (const rocksdb_options_t *const *)r->options, r->spaces, 0, &err);
	if (err)
		rocksdb_free(err);
}

/* Opens what is closed, or (`whole`) what takes no writes, once a second; `was`: why not. Any thread, outside the gate. */
static void revive(struct rocks *r, bool whole, struct fault *was)
{
	pthread_rwlock_wrlock(&r->gate);
	bool due = (!r->db || (whole && atomic_load(&r->stopped))) && run_now_us() >= r->again_us;
	if (due) {
		close_db(r);
		bool open = open_db(r, &r->why) == RC_OK;
		if (open)
			event_log(EVENT_STORE_OPENED, f_str("path", r->path),
				f_str("after", "a failed write"));
		else
			open_reading(r);
		atomic_store(&r->stopped, !open);
		r->again_us = run_now_us() + AGAIN_US;
	}
	*was = r->why;
	pthread_rwlock_unlock(&r->gate);
}

/* Into the gate, for reading. False: nothing can be read, and we are outside. */
static bool enter(struct rocks *r)
{
	struct fault was;
	for (int again = 0; again < 2; again++) {
		pthread_rwlock_rdlock(&r->gate);
		if (r->db)
			return true;
		pthread_rwlock_unlock(&r->gate);
		revive(r, false, &was);
	}
	return false;
}

static void leave(struct rocks *r)
{
	pthread_rwlock_unlock(&r->gate);
}

static enum rc closed(struct fault *why)
{
	return fault_set(why, FAULT_STORE, "%s", "");
}

static enum rc rocks_look(void *e, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	struct rocks *r = e;
	char *err = NULL;
	size_t len;
	if (!enter(r))
		return closed(why);
	rocksdb_pinnableslice_t *pin = rocksdb_get_pinned_cf(
		r->db, r->reads, r->spaces[space], (const char *)key.at, key.len, &err);
	if (pin) {
		const char *at = rocksdb_pinnableslice_value(pin, &len);
		look(ctx, slice_of(at, len));
		rocksdb_pinnableslice_destroy(pin);
	}
	leave(r);
	if (err)
		return failed(err, why);
	return pin ? RC_OK : RC_NONE;
}

static void start(rocksdb_iterator_t *it, const struct data_range *range)
{
	if (!range->reverse) {
		rocksdb_iter_seek(it, (const char *)range->from.at, range->from.len);
	} else if (range->to.len == 0) {
		rocksdb_iter_seek_to_last(it);
	} else {
		rocksdb_iter_seek_for_prev(it, (const char *)range->to.at, range->to.len);
		size_t len;
		if (rocksdb_iter_valid(it)) {
			const char *at = rocksdb_iter_key(it, &len);
			if (slice_eq(slice_of(at, len), range->to))
				rocksdb_iter_prev(it);
		}
	}
}

static bool in_range(const struct data_range *range, struct slice key)
{
	if (range->reverse)
		return slice_cmp(key, range->from) >= 0;
	return range->to.len == 0 || slice_cmp(key, range->to) < 0;
}

static enum rc scan(struct rocks *r, const struct data_range *range, data_visit_fn *visit,
	void *ctx, struct fault *why)
{
	rocksdb_readoptions_t *ro = rocksdb_readoptions_create();
	rocksdb_readoptions_set_fill_cache(ro, !range->passing);
	if (range->to.len && !range->reverse)
		rocksdb_readoptions_set_iterate_upper_bound(
			ro, (const char *)range->to.at, range->to.len);
	rocksdb_iterator_t *it = rocksdb_create_iterator_cf(r->db, ro, r->spaces[range->space]);
	for (start(it, range); rocksdb_iter_valid(it);) {
		struct slice key, value;
		key.at = (const uint8_t *)rocksdb_iter_key(it, &key.len);
		if (!in_range(range, key))
			break;
		value.at = (const uint8_t *)rocksdb_iter_value(it, &value.len);
		if (!visit(ctx, key, value))
			break;
		if (range->reverse)
			rocksdb_iter_prev(it);
		else
			rocksdb_iter_next(it);
	}
	char *err = NULL;
	rocksdb_iter_get_error(it, &err);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(ro);
	return err ? failed(err, why) : RC_OK;
}

static enum rc rocks_scan(
	void *e, const struct data_range *range, data_visit_fn *visit, void *ctx, struct fault *why)
{
	struct rocks *r = e;
	if (!enter(r))
		return closed(why);
	enum rc rc = scan(r, range, visit, ctx, why);
	leave(r);
	return rc;
}

static enum rc open_again(struct rocks *r, struct fault *why)
{
	struct fault was;
	revive(r, true, &was);
	if (!atomic_load(&r->stopped))
		return RC_OK;
	if (why)
		*why = was;
	return was.id == FAULT_STORE_FULL ? RC_LIMIT : RC_TEMP;
}

static enum rc rocks_write(
	void *e, const struct data_op *const *ops, size_t n, bool flush, struct fault *why)
{
	struct rocks *r = e;
	char *err = NULL;
	if (atomic_load(&r->stopped))
		TRY(open_again(r, why));
	rocksdb_writebatch_clear(r->batch);
	for (size_t i = 0; i < n; i++) {
		const struct data_op *op = ops[i];
		rocksdb_column_family_handle_t *cf = r->spaces[op->space];
		const char *key = (const char *)op->key.at;
		if (op->kind == DATA_PUT) {
			rocksdb_writebatch_put_cf(r->batch, cf, key, op->key.len,
				op->value.len ? (const char *)op->value.at : "", op->value.len);
		} else if (op->kind == DATA_DELETE) {
			rocksdb_writebatch_delete_cf(r->batch, cf, key, op->key.len);
		} else {
			uint64_t delta = (uint64_t)op->delta;
			rocksdb_writebatch_merge_cf(r->batch, cf, key, op->key.len,
				(const char *)&delta, sizeof(delta));
		}
	}
	/* A synced write syncs all of the log that was not. */
	rocksdb_write(r->db, flush ? r->synced : r->unsynced, r->batch, &err);
	if (err && stops(err))
		atomic_store(&r->stopped, true);
	size_t held;
	rocksdb_writebatch_data(r->batch, &held);
	if (held > BATCH_KEPT) { /* its room never shrinks */
		rocksdb_writebatch_destroy(r->batch);
		r->batch = rocksdb_writebatch_create();
	}
	return err ? failed(err, why) : RC_OK;
}

static void rocks_close(void *e)
{
	struct rocks *r = e;
	close_db(r);
	for (size_t s = 0; s < DATA_SPACES; s++) {
		rocksdb_options_destroy(r->options[s]);
		rocksdb_block_based_options_destroy(r->tables[s]);
	}
	rocksdb_cache_destroy(r->cache);
	rocksdb_writeoptions_destroy(r->synced);
	rocksdb_writeoptions_destroy(r->unsynced);
	rocksdb_readoptions_destroy(r->reads);
	rocksdb_writebatch_destroy(r->batch);
	pthread_rwlock_destroy(&r->gate);
	mem_free(MEM_STORE, r->path);
	mem_free(MEM_STORE, r);
}

static uint64_t property(struct rocks *r, enum data_space space, const char *name)
{
	uint64_t n = 0;
	return rocksdb_property_int_cf(r->db, r->spaces[space], name, &n) == 0 ? n : 0;
}

static void rocks_memory(void *e, struct data_memory *out)
{
	struct rocks *r = e;
	if (!enter(r))
		return;
	out->cache = rocksdb_cache_get_usage(r->cache);
	for (size_t s = 0; s < DATA_SPACES; s++) {
		out->buffers += property(r, (enum data_space)s, "rocksdb.size-all-mem-tables");
		out->other += property(r, (enum data_space)s, "rocksdb.estimate-table-readers-mem");
	}
	leave(r);
}

static void rocks_shrink(void *e, uint64_t keep)
{
	struct rocks *r = e;
	rocksdb_cache_set_capacity(r->cache, (size_t)keep); /* drops the rest at once */
	rocksdb_cache_set_capacity(r->cache, (size_t)r->cache_bytes);
}

static void rocks_settle(void *e)
{
	struct rocks *r = e;
	if (!enter(r))
		return;
	rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
	rocksdb_flushoptions_set_wait(o, 0);
	for (size_t s = 0; s < DATA_SPACES; s++) {
		char *err = NULL;
		if (property(r, (enum data_space)s, "rocksdb.cur-size-active-mem-table") <
			DATA_CALM_BUFFERS / 2)
			continue;
		rocksdb_flush_cf(r->db, o, r->spaces[s], &err);
		if (err)
			rocksdb_free(err); /* the next write hears of it */
	}
	rocksdb_flushoptions_destroy(o);
	leave(r);
}

static int compression_of(const char *name)
{
	if (!name || strcmp(name, "lz4") == 0)
		return rocksdb_lz4_compression;
	return strcmp(name, "zstd") == 0 ? rocksdb_zstd_compression : rocksdb_no_compression;
}

/* Message records are read in long scans, so a block holds some ten of them; content is looked up one frame at a time,
 * without neighbours. Young files are asked for every key: their index is at hand without a look into the cache. */
static rocksdb_block_based_table_options_t *table_options(struct rocks *r, enum data_space space)
{
	bool scanned = space == DATA_MAIN;
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
	rocksdb_block_based_options_set_block_cache(table, r->cache);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
	rocksdb_block_based_options_set_filter_policy(
		table, rocksdb_filterpolicy_create_ribbon(10));
	rocksdb_block_based_options_set_format_version(table, 5);
	rocksdb_block_based_options_set_block_size(table, scanned ? 16 * 1024 : 4 * 1024);
	rocksdb_block_based_options_set_block_restart_interval(table, scanned ? 8 : 1);
	return table;
}

static rocksdb_options_t *space_options(
	struct rocks *r, const struct data_options *o, enum data_space space)
{
	rocksdb_options_t *opt = rocksdb_options_create();
	uint64_t buffers = o->write_buffer_bytes ? o->write_buffer_bytes : 32 * MIB;
	rocksdb_options_set_create_if_missing(opt, 1);
	rocksdb_options_set_create_missing_column_families(opt, 1);
	rocksdb_options_set_db_write_buffer_size(opt, buffers);
	rocksdb_options_set_write_buffer_size(opt, buffers / 2);
	rocksdb_options_set_max_write_buffer_number(opt, 3);
	rocksdb_options_set_max_total_wal_size(opt, 4 * buffers);
	rocksdb_options_set_max_background_jobs(opt, o->background_jobs ? o->background_jobs : 2);
	rocksdb_options_set_max_open_files(opt, 512);
	/* opening: sixteen threads a space for a handful of files, and a look at each, cost more than they save */
	rocksdb_options_set_max_file_opening_threads(opt, 1);
	rocksdb_options_set_skip_stats_update_on_db_open(opt, 1);
	rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(opt, 1);
	/* most look-ups are for what is not there (a new Message-ID, new content): they need not walk the skip list */
	rocksdb_options_set_memtable_prefix_bloom_size_ratio(opt, memtable_bloom_share);
	rocksdb_options_set_memtable_whole_key_filtering(opt, 1);
	rocksdb_options_set_keep_log_file_num(opt, 3);
	rocksdb_options_set_bytes_per_sync(opt, MIB);
	rocksdb_options_set_compression(
		opt, space == DATA_BLOB ? rocksdb_no_compression : compression_of(o->compression));
	rocksdb_options_set_uint64add_merge_operator(opt);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(opt, 1);
	rocksdb_options_set_block_based_table_factory(opt, r->tables[space]);
	/* its head only: on a full disk the library cannot write of its errors and stops the process by an assertion */
	rocksdb_options_set_info_log_level(opt, 5);
	if (space == DATA_BLOB) {
		rocksdb_options_set_enable_blob_files(opt, 1);
		rocksdb_options_set_min_blob_size(opt, BLOB_MIN);
		rocksdb_options_set_enable_blob_gc(opt, 1);
		rocksdb_options_set_blob_gc_age_cutoff(opt, blob_gc_share);
		rocksdb_options_set_blob_file_size(opt, 64 * MIB);
	}
	return opt;
}

enum rc engine_rocksdb_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why)
{
	static const struct engine rocksdb = { .type = "rocksdb",
		.look = rocks_look,
		.scan = rocks_scan,
		.write = rocks_write,
		.close = rocks_close,
		.memory = rocks_memory,
		.shrink = rocks_shrink,
		.settle = rocks_settle };
	must(crc32c_check());
	struct rocks *r = mem_new(MEM_STORE, sizeof(*r));
	pthread_rwlockattr_t writers_first;
	pthread_rwlockattr_init(&writers_first);
	pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&r->gate, &writers_first);
	r->path = mem_str(MEM_STORE, o->path);
	r->cache_bytes = o->cache_bytes ? o->cache_bytes : 32 * MIB;
	r->cache = rocksdb_cache_create_lru(r->cache_bytes);
	for (size_t s = 0; s < DATA_SPACES; s++) {
		r->tables[s] = table_options(r, (enum data_space)s);
		r->options[s] = space_options(r, o, (enum data_space)s);
	}
	r->synced = rocksdb_writeoptions_create();
	r->unsynced = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(r->synced, 1);
	r->reads = rocksdb_readoptions_create();
	r->batch = rocksdb_writebatch_create();
	enum rc rc = open_db(r, why);
	if (rc != RC_OK) {
		rocks_close(r);
		return rc;
	}
	*type = &rocksdb;
	*e = r;
	return RC_OK;
}
