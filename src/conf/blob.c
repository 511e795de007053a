/* blob.c: Which stores may hold content. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

static const unsigned data = 1u << CONF_STORE_ROCKSDB | 1u << CONF_STORE_SQLITE |
			     1u << CONF_STORE_MEMORY | 1u << CONF_STORE_POSTGRESQL |
			     1u << CONF_STORE_MYSQL;
static const unsigned places =
	1u << CONF_STORE_FILESYSTEM | 1u << CONF_STORE_S3 | 1u << CONF_STORE_AZURE;

struct check {
	struct conf_reader *r;
	const struct conf *conf;
	const char *from;
};

static void check_shards(const struct check *c, const struct conf_store *s)
{
	if (s->by == 1)
		conf_fault(c->r, c->from,
			"storage.blob: store \"%s\": content is spread by \"hash\" or \"modulo\"",
			s->id);
	if (s->stores.n > 64)
		conf_fault(
			c->r, c->from, "storage.blob: store \"%s\" has more than 64 shards", s->id);
	for (size_t i = 0; i < s->stores.n; i++) {
		const struct conf_store *part = conf_store(c->conf, s->stores.at[i]);
		if (part && !(places >> part->type & 1))
			conf_fault(c->r, c->from,
				"storage.blob: store \"%s\": \"%s\" is of a type that cannot do "
				"this",
				s->id, part->id);
	}
}

/* Of a store in a tier, or the whole. */
static void check_one(const struct check *c, const struct conf_store *s, bool may_be_data)
{
	if (s->type == CONF_STORE_SHARDED)
		check_shards(c, s);
	else if (data >> s->type & may_be_data && s != conf_store(c->conf, c->conf->storage_data))
		conf_fault(c->r, c->from,
			"storage.blob: content lies in the data store, and \"%s\" is another one",
			s->id);
	else if (!((places | (may_be_data ? data : 0)) >> s->type & 1))
		conf_fault(c->r, c->from,
			"storage.blob: store \"%s\" is of a type that cannot do this", s->id);
}

void conf_check_blob(struct conf_reader *r, const struct conf *conf, const char *from)
{
	const struct check c = { r, conf, from };
	const struct conf_store *s = conf_store(conf, conf->storage_blob);
	if (!conf->storage_blob[0])
		return;
	if (!s) {
		conf_fault(r, from,
			"storage.blob: there is no store \"%s\", or several of that type",
			conf->storage_blob);
		return;
	}
	if (s->type != CONF_STORE_TIERED) {
		check_one(&c, s, true);
		return;
	}
	const struct conf_store *hot = conf_store(conf, s->hot), *cold = conf_store(conf, s->cold);
	if (hot)
		check_one(&c, hot, true);
	if (cold)
		check_one(&c, cold, false);
	if (hot && hot == cold)
		conf_fault(
			r, from, "storage.blob: store \"%s\": \"hot\" and \"cold\" are one", s->id);
}
