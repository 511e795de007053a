/* lookups.c: From the configuration's stores to the lookup store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/memcached.h"
#include "link/redis.h"
#include "lookup/lookup.h"
#include "main/house.h"
#include "main/stores.h"
#include "run/run.h"
#include <string.h>

enum { SHARDS_MAX = 64 };

static const char *const *urls_of(const struct conf_store *s, size_t *n)
{
	*n = s->url[0] ? 1 : s->urls.n;
	return s->url[0] ? &s->url : s->urls.at;
}

static enum rc open_redis(const struct conf_store *s, struct lookup **out, struct fault *why)
{
	struct redis_conf c = { .user = s->auth_username,
		.secret = s->auth_secret,
		.master = s->sentinel_master,
		.is_cluster = s->cluster,
		.reads_from_replicas = s->read_from_replicas,
		.protocol = (unsigned)s->protocol_version,
		.timeout_ms = s->timeout_ms,
		.retries = (unsigned)s->retries,
		.connections = (size_t)s->pool_max,
		.tls = s->tls_enable,
		.tls_ca = s->tls_ca,
		.tls_allow_invalid = s->tls_allow_invalid };
	c.urls = urls_of(s, &c.urls_n);
	return lookup_open_redis(&c, out, why);
}

static enum rc open_memcached(const struct conf_store *s, struct lookup **out, struct fault *why)
{
	struct memcached_conf c = { .timeout_ms = s->timeout_ms,
		.retries = (unsigned)s->retries,
		.connections = (size_t)s->pool_max,
		.tls = s->tls_enable,
		.tls_ca = s->tls_ca,
		.tls_allow_invalid = s->tls_allow_invalid };
	c.urls = urls_of(s, &c.urls_n);
	return lookup_open_memcached(&c, out, why);
}

/* In the store of [storage] data, or in a data store of its own. */
static enum rc open_own(
	struct house *h, const struct conf_store *s, struct lookup **out, struct fault *why)
{
	struct data *data = h->data;
	if (strcmp(s->id, conf_store(h->conf, h->conf->storage_data)->id) != 0) {
		if (h->lookup_data)
			return fault_set(why, FAULT_CONFIG,
				"[storage] lookup: one data store beside that of [storage] data, "
				"at "
				"most");
		TRY(stores_data(h->conf, s, &h->lookup_data, why));
		data = h->lookup_data;
	}
	*out = lookup_open_data(data, h->run);
	return RC_OK;
}

static enum rc open_one(
	struct house *h, const struct conf_store *s, struct lookup **out, struct fault *why)
{
	enum rc rc = s->type == CONF_STORE_REDIS       ? open_redis(s, out, why)
		     : s->type == CONF_STORE_MEMCACHED ? open_memcached(s, out, why)
						       : open_own(h, s, out, why);
	if (rc != RC_OK && why) {
		struct fault of = *why;
		return fault_set(why, of.id, "[store.\"%s\"]: %s", s->id, fault_text(&of));
	}
	return rc;
}

static enum rc open_sharded(struct house *h, const struct conf_store *s, struct fault *why)
{
	struct lookup_shard shards[SHARDS_MAX];
	size_t n = 0;
	enum rc rc = RC_OK;
	if (s->stores.n > SHARDS_MAX)
		rc = fault_set(
			why, FAULT_CONFIG, "[store.\"%s\"]: %d stores at most", s->id, SHARDS_MAX);
	for (; rc == RC_OK && n < s->stores.n; n += rc == RC_OK) {
		const struct conf_store *part = conf_store(h->conf, s->stores.at[n]);
		shards[n].name = part->id;
		rc = open_one(h, part, &shards[n].lookup, why);
	}
	if (rc == RC_OK)
		h->lookup = lookup_open_sharded(shards, n, s->by == 2);
	while (rc != RC_OK && n > 0)
		lookup_close(&shards[--n].lookup);
	return rc;
}

enum rc house_lookup(struct house *h, struct fault *why)
{
	const char *name = h->conf->storage_lookup;
	const struct conf_store *s = conf_store(h->conf, name[0] ? name : h->conf->storage_data);
	if (s->type == CONF_STORE_SHARDED)
		return open_sharded(h, s, why);
	return open_one(h, s, &h->lookup, why);
}
