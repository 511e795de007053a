/* stores.c: From the configuration's stores to open ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "blob/blob.h"
#include "data/data.h"
#include "link/link.h"
#include "main/house.h"
#include "main/places.h"
#include "main/stores.h"
#include "move/copy.h"
#include <errno.h>
#include <sys/stat.h>

static const char *compression_name(unsigned c)
{
	return c == CONF_COMPRESS_ZSTD ? "zstd" : c == CONF_COMPRESS_NONE ? "none" : "lz4";
}

static enum rc make_folder(const char *path, struct fault *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return RC_OK;
	return fault_set(why, FAULT_CONFIG, "%s: %s", path, strerror(errno));
}

static struct link_server server_of(const struct conf_store *s)
{
	return (struct link_server){ .host = s->host,
		.port = (unsigned)s->port,
		.database = s->database,
		.user = s->user,
		.password = s->password,
		.tls = s->tls_enable,
		.tls_allow_invalid = s->tls_allow_invalid,
		.tls_ca = s->tls_ca,
		.relaxed = s->durability == 1,
		.connect_ms = (uint32_t)s->connect_ms,
		.acquire_ms = (uint32_t)s->pool_acquire_ms,
		.call_ms = (uint32_t)s->timeout_ms,
		.idle_ms = (uint32_t)s->pool_idle_ms,
		.connections_max = (unsigned)s->pool_max,
		.retries = (unsigned)s->retries };
}

enum rc stores_data(
	const struct conf *c, const struct conf_store *s, struct data **out, struct fault *why)
{
	char path[4096];
	struct link_server server = server_of(s);
	static const char *const types[CONF_STORE_TYPES] = {
		[CONF_STORE_ROCKSDB] = "rocksdb",
		[CONF_STORE_SQLITE] = "sqlite",
		[CONF_STORE_MEMORY] = "memory",
		[CONF_STORE_POSTGRESQL] = "postgresql",
		[CONF_STORE_MYSQL] = "mysql",
	};
	const char *type = types[s->type];
	if (!type)
		return fault_set(why, FAULT_CONFIG,
			"[store.\"%s\"]: such a store cannot hold data yet", s->id);
	if (s->path[0])
		snprintf(path, sizeof(path), "%s", s->path);
	else
		snprintf(path, sizeof(path), "%s/%s", c->data_dir,
			s->type == CONF_STORE_SQLITE ? "veredus.sqlite" : "rocksdb");
	/* the store's caches take their part of the one budget */
	uint64_t share = c->memory_limit / 8;
	uint64_t cache = s->cache_size && s->cache_size < share ? s->cache_size
			 : share < 64 << 20                     ? share
								: 64 << 20;
	struct data_options o = { .type = type,
		.path = path,
		.cache_bytes = cache,
		.write_buffer_bytes = share < 32 << 20 ? share : 32 << 20,
		.compression = compression_name(s->compression),
		.background_jobs = s->max_background_jobs ? (int)s->max_background_jobs : 2,
		.optimize_reads = s->optimize_reads,
		.optimize_writes = s->optimize_writes,
		.server = &server };
	return data_open(&o, out, why);
}

static enum rc open_blob(const struct conf *c, const struct conf_store *s, struct data *data,
	struct blob **out, struct fault *why)
{
	struct arena a;
	struct place_options *hot = NULL, *cold = NULL;
	bool is_tiered = s->type == CONF_STORE_TIERED;
	const struct conf_store *first = is_tiered ? conf_store(c, s->hot) : s;
	arena_init(&a, 0);
	enum rc rc = places_of(c, first, &a, &hot, why);
	struct blob_options o = { .compression = compression_name(first->compression),
		.place = rc == RC_OK ? hot : NULL,
		.spool = c->data_dir };
	rc = rc == RC_NONE ? RC_OK : rc;
	if (rc == RC_OK && is_tiered)
		rc = places_of(c, conf_store(c, s->cold), &a, &cold, why);
	o.cold = cold;
	if (rc == RC_OK)
		rc = blob_open(data, &o, out, why);
	arena_done(&a);
	return rc;
}

/* A copy that was cut off must not be served: mail would come to it, and the rest of the copy over that. */
static enum rc whole(struct data *data, const char *id, struct fault *why)
{
	struct arena a;
	struct slice from;
	arena_init(&a, 0);
	enum rc rc = copy_pending(data, &a, &from, why);
	if (rc == RC_OK)
		rc = fault_set(why, FAULT_CONFIG,
			"[store.\"%s\"] holds an unfinished copy; finish it with `veredus store "
			"copy "
			"--from %.*s --to %s`",
			id, FMT(from), id);
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc stores_open(const struct conf *c, struct data **data, struct blob **blob, struct fault *why)
{
	const struct conf_store *s = conf_store(c, c->storage_data);
	if (!s)
		return fault_set(why, FAULT_CONFIG, "[storage] data: no store is named");
	TRY(make_folder(c->data_dir, why));
	TRY(stores_data(c, s, data, why));
	TRY(whole(*data, s->id, why));
	const struct conf_store *contents = conf_store(c, c->storage_blob);
	return open_blob(c, contents ? contents : s, *data, blob, why);
}

/* What was on its way in when the last process ended. */
static enum rc sweep(struct house *h, struct fault *why)
{
	size_t n = 0;
	TRY(blob_sweep(h->blob, 0, &n, why));
	if (n)
		event_log(EVENT_STORE_SWEPT, f_u64("uploads", n));
	return RC_OK;
}

enum rc house_stores(struct house *h, struct fault *why)
{
	TRY(stores_open(h->conf, &h->data, &h->blob, why));
	return sweep(h, why);
}
