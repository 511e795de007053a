/* finish.c: What one value cannot show: roles and their stores, default listeners, clashes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include <unistd.h>

static const char *from_of(const struct conf_reader *r, const char *key)
{
	size_t row = conf_row_find(CONF_IN_conf, slice_str(key));
	const char *from = r->inside->blocks->origins[row].from;
	return from ? from : "default";
}

/* Copies the blocks of a section into one array, each with its id in the first member. */
static void *gather(struct conf_reader *r, enum conf_section section, size_t *n)
{
	size_t size = conf_section_size(section);
	*n = 0;
	for (struct conf_block *b = r->inside->blocks; b; b = b->next)
		*n += b->section == section;
	uint8_t *all = arena_try_array(r->a, *n + 1, size), *at = all;
	for (struct conf_block *b = r->inside->blocks; all && b; b = b->next) {
		if (b->section != section)
			continue;
		memcpy(at, b->at, size);
		*(const char **)(void *)at = b->id;
		at += size;
	}
	return all;
}
_Static_assert(offsetof(struct conf_store, id) == 0 && offsetof(struct conf_listener, id) == 0 &&
		       offsetof(struct conf_certificate, id) == 0,
	"gather writes the id there");

static bool has_type(const struct conf_reader *r, enum conf_section section, struct slice id)
{
	return conf_block_find(r->inside, section, id) != NULL;
}

static bool is_given(const struct conf_block *b, const char *key)
{
	return b->origins[conf_row_find(b->section, slice_str(key))].from != NULL;
}

/* --- stores --- */

static void add_store(struct conf_reader *r, const char *type)
{
	size_t row = conf_row_find(CONF_IN_conf_store, S("type"));
	struct conf_block *b = conf_block_new(r, CONF_IN_conf_store, slice_str(type), NULL);
	const struct conf_row *rows;
	struct fault why;
	conf_rows(&rows);
	if (b && conf_value_set(&rows[row], b->at, slice_str(type), r->a, &why) == RC_OK)
		b->origins[row].value = type;
}

/* rocksdb, sqlite, memory and filesystem need no block: an engine's name as a role makes one. */
static void default_stores(struct conf_reader *r, const struct conf *conf)
{
	static const char *const types[] = { "rocksdb", "sqlite", "memory", "filesystem" };
	const char *const roles[] = { conf->storage_data, conf->storage_blob, conf->storage_fts,
		conf->storage_lookup };
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		for (unsigned t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
			bool there = has_type(r, CONF_IN_conf_store, slice_str(roles[i]));
			for (struct conf_block *b = r->inside->blocks; b; b = b->next)
				there |= b->section == CONF_IN_conf_store &&
					 ((struct conf_store *)b->at)->type == t &&
					 is_given(b, "type");
			if (strcmp(roles[i], types[t]) == 0 && !there)
				add_store(r, types[t]);
		}
	}
}

static void check_reference(struct conf_reader *r, const struct conf *conf,
	const struct conf_block *b, const char *name)
{
	const struct conf_store *s = conf_store(conf, name);
	if (!s)
		conf_fault(r, b->from,
			"store \"%s\" refers to the store \"%s\", which is not defined", b->id,
			name);
	else if (strcmp(s->id, b->id) == 0)
		conf_fault(r, b->from, "store \"%s\" refers to itself", b->id);
}

static void check_sharded(
	struct conf_reader *r, const struct conf *conf, const struct conf_block *b)
{
	const struct conf_store *s = b->at;
	if (s->stores.n == 0)
		conf_fault(r, b->from, "store \"%s\": a sharded store needs \"stores\"", b->id);
	for (size_t i = 0; i < s->stores.n; i++)
		check_reference(r, conf, b, s->stores.at[i]);
	for (size_t i = 0; i < s->ranges.n; i++)
		check_reference(r, conf, b, s->ranges.values[i]);
	if (s->by == 1 && s->ranges.n == 0)
		conf_fault(r, b->from, "store \"%s\": by = \"range\" needs \"ranges\"", b->id);
	if (s->by != 1 && s->ranges.n)
		conf_fault(r, b->from, "store \"%s\": \"ranges\" needs by = \"range\"", b->id);
}

static void check_needs(struct conf_reader *r, const struct conf_block *b, const char *key)
{
	if (!is_given(b, key))
		conf_fault(r, b->from, "store \"%s\" needs \"%s\"", b->id, key);
}

static void check_object_store(struct conf_reader *r, const struct conf_block *b)
{
	const struct conf_store *s = b->at;
	struct slice url = slice_str(s->endpoint);
	bool is_plain = slice_starts(url, S("http://"));
	if (s->type == CONF_STORE_S3) {
		check_needs(r, b, "bucket");
	} else {
		check_needs(r, b, "account");
		check_needs(r, b, "container");
		if (!s->access_key[0] == !s->sas_token[0])
			conf_fault(r, b->from,
				"store \"%s\" needs one of \"access-key\" and \"sas-token\"",
				b->id);
	}
	if (url.len && !is_plain && !slice_starts(url, S("https://")))
		conf_fault(r, b->from, "store \"%s\": \"endpoint\" begins with https:// or http://",
			b->id);
	if (is_plain && s->tls_enable)
		conf_fault(r, b->from,
			"store \"%s\": \"tls.enable\" and an endpoint with http:// exclude each "
			"other",
			b->id);
	if (!s->access_key[0] != !s->secret_key[0] && s->type == CONF_STORE_S3)
		conf_fault(r, b->from,
			"store \"%s\": \"access-key\" and \"secret-key\" belong together", b->id);
}

static void check_store(struct conf_reader *r, const struct conf *conf, const struct conf_block *b)
{
	const struct conf_store *s = b->at;
	if (!is_given(b, "type") && b->from) {
		conf_fault(r, b->from, "store \"%s\" needs \"type\"", b->id);
		return;
	}
	if (s->type == CONF_STORE_SHARDED)
		check_sharded(r, conf, b);
	if (s->type == CONF_STORE_TIERED) {
		check_needs(r, b, "hot");
		check_needs(r, b, "cold");
		if (s->hot[0])
			check_reference(r, conf, b, s->hot);
		if (s->cold[0])
			check_reference(r, conf, b, s->cold);
	}
	if (s->type == CONF_STORE_S3 || s->type == CONF_STORE_AZURE)
		check_object_store(r, b);
	conf_check_remote(r, b);
	if (s->read_replicas.n)
		conf_note(r, b->from, "store \"%s\": read-replicas has no effect in this version",
			b->id);
}

/* Which engines that this version has may play a role. */
static void check_role(struct conf_reader *r, const struct conf *conf, const char *key,
	const char *name, unsigned allowed)
{
	const struct conf_store *s = conf_store(conf, name);
	const char *from = from_of(r, key);
	if (!name[0])
		return;
	if (!s)
		conf_fault(r, from, "%s: there is no store \"%s\", or several of that type", key,
			name);
	else if (!(allowed >> s->type & 1))
		conf_fault(r, from, "%s: store \"%s\" is of a type that cannot do this", key, name);
}

static void check_storage(struct conf_reader *r, struct conf *conf)
{
	unsigned keys = 1u << CONF_STORE_ROCKSDB | 1u << CONF_STORE_SQLITE |
			1u << CONF_STORE_MEMORY | 1u << CONF_STORE_POSTGRESQL |
			1u << CONF_STORE_MYSQL;
	default_stores(r, conf);
	conf->stores = gather(r, CONF_IN_conf_store, &conf->nstores);
	for (struct conf_block *b = r->inside->blocks; b; b = b->next) {
		if (b->section == CONF_IN_conf_store)
			check_store(r, conf, b);
	}
	check_role(r, conf, "storage.data", conf->storage_data, keys);
	check_role(r, conf, "storage.fts", conf->storage_fts, keys);
	conf_check_lookup(r, conf, from_of(r, "storage.lookup"));
	conf_check_blob(r, conf, from_of(r, "storage.blob"));
	if (!conf->storage_data[0])
		conf_fault(r, from_of(r, "storage.data"), "storage.data cannot be empty");
	if (strcmp(conf->storage_directory, "internal") != 0)
		conf_fault(r, from_of(r, "storage.directory"),
			"storage.directory: only \"internal\" exists in this version");
}

/* --- listeners --- */

static void add_listener(
	struct conf_reader *r, const char *id, const char *protocol, const char *bind, bool tls)
{
	static const char *const keys[] = { "bind", "protocol", "tls.implicit" };
	const char *values[] = { bind, protocol, tls ? "true" : "false" };
	struct conf_block *b = conf_block_new(r, CONF_IN_conf_listener, slice_str(id), NULL);
	const struct conf_row *rows;
	struct fault why;
	conf_rows(&rows);
	for (size_t i = 0; b && i < 3; i++) {
		size_t row = conf_row_find(CONF_IN_conf_listener, slice_str(keys[i]));
		if (conf_value_set(&rows[row], b->at, slice_str(values[i]), r->a, &why) == RC_OK)
			b->origins[row].value = arena_str(r->a, slice_str(values[i]));
	}
}

static void default_listeners(struct conf_reader *r, const struct conf *conf)
{
	static const struct {
		const char *id, *protocol;
		unsigned standard, high;
		bool tls;
	} ports[] = {
		{ "smtp", "smtp", 25, 2525, false },
		{ "lmtp", "lmtp", 24, 2424, false },
		{ "submission", "submission", 587, 2587, false },
		{ "submissions", "submission", 465, 2465, true },
		{ "imap", "imap", 143, 2143, false },
		{ "imaps", "imap", 993, 2993, true },
		{ "pop3", "pop3", 110, 2110, false },
		{ "pop3s", "pop3", 995, 2995, true },
		{ "managesieve", "managesieve", 4190, 4190, false },
		{ "http", "http", 8080, 8080, false },
		{ "https", "http", 443, 8443, true },
	};
	for (struct conf_block *b = r->inside->blocks; b; b = b->next) {
		if (b->section == CONF_IN_conf_listener)
			return;
	}
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		/* LMTP trusts its clients, so it is for this machine only unless the file says more */
		bool local = conf->default_ports == 1 || strcmp(ports[i].id, "lmtp") == 0;
		struct slice bind = arena_fmt(r->a, local ? "127.0.0.1:%u" : "[::]:%u",
			conf->default_ports == 1 ? ports[i].high : ports[i].standard);
		add_listener(
			r, ports[i].id, ports[i].protocol, (const char *)bind.at, ports[i].tls);
	}
}

/* "host:port", "[v6]:port". */
static bool is_address(struct slice bind)
{
	uint64_t port;
	size_t colon = slice_rfind(bind, ':');
	if (colon == bind.len || colon == 0)
		return false;
	struct slice host = slice_head(bind, colon);
	bool bracket = host.at[0] == '[';
	if (bracket != (host.at[host.len - 1] == ']') ||
		(!bracket && slice_find(host, ':') < host.len))
		return false;
	return slice_u64(slice_tail(bind, colon + 1), 65535, &port) == RC_OK;
}

/* An earlier listener with the same address, or NULL. */
static const struct conf_listener *bound_by(
	const struct conf *conf, const struct conf_listener * not, const char *bind)
{
	for (const struct conf_listener *l = conf->listeners; l < not ; l++) {
		for (size_t i = 0; i < l->bind.n; i++) {
			if (strcmp(l->bind.at[i], bind) == 0 &&
				!slice_ends(slice_str(bind), S(":0")))
				return l;
		}
	}
	return NULL;
}

static void check_listener(
	struct conf_reader *r, const struct conf *conf, const struct conf_listener *l)
{
	const struct conf_block *b =
		conf_block_find(r->inside, CONF_IN_conf_listener, slice_str(l->id));
	const char *from = b->from ? b->from : "default";
	if (l->bind.n == 0)
		conf_fault(r, from, "listener \"%s\" needs \"bind\"", l->id);
	if (b->from && !is_given(b, "protocol"))
		conf_fault(r, from, "listener \"%s\" needs \"protocol\"", l->id);
	for (size_t i = 0; i < l->bind.n; i++) {
		const struct conf_listener *other = bound_by(conf, l, l->bind.at[i]);
		if (!is_address(slice_str(l->bind.at[i])))
			conf_fault(r, from, "listener \"%s\": \"%s\" is no address:port", l->id,
				l->bind.at[i]);
		if (other)
			conf_fault(r, from, "listeners \"%s\" and \"%s\" both bind %s", other->id,
				l->id, l->bind.at[i]);
	}
	if (l->tls_implicit && l->protocol == CONF_LMTP)
		conf_note(r, from, "listener \"%s\": LMTP over TLS is unusual", l->id);
	if (l->protocol == CONF_MANAGESIEVE && b->from)
		conf_note(r, from,
			"listener \"%s\": this protocol comes in a later version; nothing listens "
			"there",
			l->id);
}

/* --- the rest --- */

static void check_certificates(struct conf_reader *r, struct conf *conf)
{
	unsigned defaults = 0;
	conf->certificates = gather(r, CONF_IN_conf_certificate, &conf->ncertificates);
	for (size_t i = 0; i < conf->ncertificates; i++) {
		const struct conf_certificate *c = &conf->certificates[i];
		const struct conf_block *b =
			conf_block_find(r->inside, CONF_IN_conf_certificate, slice_str(c->id));
		if (!c->cert[0] || !c->key[0])
			conf_fault(r, b->from,
				"certificate \"%s\" needs \"cert\" and \"private-key\"", c->id);
		defaults += c->is_default;
		if (defaults > 1 && c->is_default)
			conf_fault(r, b->from,
				"certificate \"%s\": another one is the default already", c->id);
	}
}

static void check_cluster(struct conf_reader *r, struct conf *conf)
{
	const char *enabled = getenv("CLUSTER_ENABLED"), *from = from_of(r, "cluster.type");
	if (enabled && (strcmp(enabled, "false") == 0 || strcmp(enabled, "0") == 0))
		conf->cluster.type = CONF_CLUSTER_NONE;
	if (conf->cluster.type == CONF_CLUSTER_KAFKA && conf->cluster.bootstrap_servers.n == 0)
		conf_fault(r, from, "cluster.type = \"kafka\" needs cluster.bootstrap-servers");
	if ((conf->cluster.type == CONF_CLUSTER_NATS || conf->cluster.type == CONF_CLUSTER_REDIS) &&
		conf->cluster.urls.n == 0)
		conf_fault(r, from, "this cluster.type needs cluster.urls");
	if (conf->cluster.type == CONF_CLUSTER_PEER && conf->cluster.seeds.n == 0)
		conf_fault(r, from, "cluster.type = \"peer\" needs cluster.seeds");
	if (conf->cluster.type != CONF_CLUSTER_NONE)
		conf_note(r, from, "the cluster comes in a later version: this node works alone");
}

static void machine(struct conf_reader *r, struct conf *conf)
{
	char host[256] = "";
	if (!conf->hostname[0]) {
		if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
			snprintf(host, sizeof(host), "localhost");
		conf->hostname = arena_str(r->a, slice_str(host));
	}
	if (!conf->cluster.node_id[0])
		conf->cluster.node_id = conf->hostname;
	if (conf->memory_limit == 0)
		conf->memory_limit = conf_memory();
	if (!conf->data_dir[0])
		conf_fault(r, from_of(r, "server.data"), "server.data cannot be empty");
}

/* Nothing that was set is without effect in silence. */
static void tell_later(struct conf_reader *r)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	for (size_t i = 0; i < n; i++) {
		const char *from = r->inside->blocks->origins[i].from;
		if (rows[i].section == CONF_IN_conf && from &&
			conf_is_later(slice_str(rows[i].key)))
			conf_note(r, from, "%s has no effect in this version", rows[i].key);
	}
}

static bool is_part(
	const struct conf *conf, const struct conf_store *of, const struct conf_store *s)
{
	if (conf_store(conf, of->hot) == s || conf_store(conf, of->cold) == s)
		return true;
	for (size_t i = 0; i < of->stores.n; i++) {
		if (conf_store(conf, of->stores.at[i]) == s)
			return true;
	}
	return false;
}

/* A store that nothing refers to is no fault: it may be meant for `veredus store copy`. */
static void tell_unused(struct conf_reader *r, const struct conf *conf)
{
	const char *const roles[] = { conf->storage_data, conf->storage_blob, conf->storage_fts,
		conf->storage_lookup, conf->storage_directory };
	for (size_t i = 0; i < conf->nstores; i++) {
		const struct conf_store *s = &conf->stores[i];
		bool used = false;
		for (size_t k = 0; k < sizeof(roles) / sizeof(roles[0]); k++)
			used |= conf_store(conf, roles[k]) == s;
		for (size_t k = 0; k < conf->nstores; k++)
			used |= is_part(conf, &conf->stores[k], s);
		const struct conf_block *b =
			conf_block_find(r->inside, CONF_IN_conf_store, slice_str(s->id));
		if (!used && b && b->from)
			conf_note(r, b->from, "store \"%s\": nothing refers to it", s->id);
	}
}

void conf_finish(struct conf_reader *r, struct conf *conf)
{
	tell_later(r);
	machine(r, conf);
	check_storage(r, conf);
	default_listeners(r, conf);
	conf->listeners = gather(r, CONF_IN_conf_listener, &conf->nlisteners);
	for (size_t i = 0; i < conf->nlisteners; i++)
		check_listener(r, conf, &conf->listeners[i]);
	check_certificates(r, conf);
	check_cluster(r, conf);
	if (conf->metrics.enable && !is_address(slice_str(conf->metrics.bind)))
		conf_fault(r, from_of(r, "metrics.bind"), "metrics.bind: \"%s\" is no address:port",
			conf->metrics.bind);
	tell_unused(r, conf);
}
