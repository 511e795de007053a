/* lookup.c: Which stores may be the lookup store, and what those need. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

static const unsigned own = 1u << CONF_STORE_ROCKSDB | 1u << CONF_STORE_SQLITE |
			    1u << CONF_STORE_MEMORY | 1u << CONF_STORE_POSTGRESQL;
static const unsigned remote = 1u << CONF_STORE_REDIS | 1u << CONF_STORE_MEMCACHED;

static void check_spread(struct conf_reader *r, const struct conf *conf, const struct conf_store *s,
	const char *from)
{
	if (s->by == 1)
		conf_fault(r, from,
			"storage.lookup: store \"%s\": keys of a lookup store are spread by "
			"\"hash\" or \"modulo\"",
			s->id);
	for (size_t i = 0; i < s->stores.n; i++) {
		const struct conf_store *part = conf_store(conf, s->stores.at[i]);
		if (part && !((own | remote) >> part->type & 1))
			conf_fault(r, from,
				"storage.lookup: store \"%s\": \"%s\" is of a type that cannot do "
				"this",
				s->id, part->id);
	}
}

void conf_check_lookup(struct conf_reader *r, const struct conf *conf, const char *from)
{
	const struct conf_store *s = conf_store(conf, conf->storage_lookup);
	if (!conf->storage_lookup[0])
		return;
	if (!s)
		conf_fault(r, from,
			"storage.lookup: there is no store \"%s\", or several of that type",
			conf->storage_lookup);
	else if (s->type == CONF_STORE_SHARDED)
		check_spread(r, conf, s, from);
	else if (!((own | remote) >> s->type & 1))
		conf_fault(r, from, "storage.lookup: store \"%s\" is of a type that cannot do this",
			s->id);
}

void conf_check_remote(struct conf_reader *r, const struct conf_block *b)
{
	const struct conf_store *s = b->at;
	if (!(remote >> s->type & 1))
		return;
	if (s->url[0] && s->urls.n)
		conf_fault(r, b->from, "store \"%s\" has both \"url\" and \"urls\"", b->id);
	if (!s->url[0] && s->urls.n == 0)
		conf_fault(r, b->from, "store \"%s\" needs \"url\" or \"urls\"", b->id);
	if (s->cluster && s->sentinel_master[0])
		conf_fault(r, b->from,
			"store \"%s\": \"cluster\" and \"sentinel.master\" exclude each other",
			b->id);
	if (s->type == CONF_STORE_MEMCACHED &&
		(s->auth_secret[0] || s->cluster || s->sentinel_master[0]))
		conf_fault(r, b->from,
			"store \"%s\": \"auth-...\", \"cluster\" and \"sentinel.master\" are for "
			"Redis",
			b->id);
}
