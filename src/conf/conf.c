/* conf.c: Reading files and --set into a snapshot, and counting it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include "base/mem.h"
#include "base/must.h"
#include <errno.h>
#include <stdatomic.h>

static const char default_file[] = "/etc/veredus/veredus.toml";

static enum rc read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? RC_NONE : RC_BAD;
	size_t n = 1;
	while (n && !out->over && out->len <= TOML_SIZE_MAX) {
		uint8_t *room = buf_room(out, 65536);
		n = room ? fread(room, 1, 65536, f) : 0;
		buf_added(out, n);
	}
	bool failed = ferror(f) != 0;
	fclose(f);
	return failed ? RC_BAD : RC_OK;
}

static void read_text(struct conf_reader *r, struct slice text)
{
	struct toml_item *root;
	struct fault why = { 0 };
	unsigned line = 0;
	if (toml_parse(text, r->a, &root, &line, &why) == RC_OK) {
		conf_apply(r, root);
		return;
	}
	const char *what = strstr(fault_text(&why), ": ");
	const char *from = slice_starts(slice_str(r->file), S("--"))
				   ? r->file
				   : (const char *)arena_fmt(r->a, "%s:%u", r->file, line).at;
	conf_fault(r, from, "%s", what ? what + 2 : fault_text(&why));
}

static void read_file(struct conf_reader *r, const char *path, bool must_exist)
{
	struct buf text;
	buf_init(&text, 0, r->a);
	r->file = arena_str(r->a, slice_str(path));
	enum rc rc = read_whole(path, &text);
	if (rc == RC_OK)
		read_text(r, buf_slice(&text));
	else if (rc != RC_NONE || must_exist)
		conf_fault(r, path, "%s", strerror(errno));
}

/* KEY=VALUE as a line of TOML; what is no list, table or boolean is taken as a string. */
static void read_set(struct conf_reader *r, const char *set)
{
	struct slice value = slice_str(set);
	struct slice key = slice_split(&value, '=');
	bool raw = value.len && (value.at[0] == '[' || value.at[0] == '{');
	struct buf line;
	buf_init(&line, 0, r->a);
	r->file = "--set";
	if (slice_find(slice_str(set), '=') == strlen(set)) {
		conf_fault(r, "--set", "%.100s: expected KEY=VALUE", set);
		return;
	}
	buf_add(&line, key);
	buf_str(&line, raw ? " = " : " = \"");
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.at[i];
		if (!raw && (c == '"' || c == '\\'))
			buf_byte(&line, '\\');
		if (c < 0x20)
			buf_fmt(&line, "\\u%04x", c);
		else
			buf_byte(&line, c);
	}
	buf_str(&line, raw ? "" : "\"");
	read_text(r, buf_slice(&line));
}

static void read_layers(struct conf_reader *r, const struct conf_ask *ask)
{
	read_file(r, ask->file ? ask->file : default_file, ask->file != NULL);
	r->is_over = true;
	if (ask->overlay)
		read_file(r, ask->overlay, false);
	for (size_t i = 0; i < ask->nsets; i++)
		read_set(r, ask->sets[i]);
	if (ask->data_dir) {
		size_t row = conf_row_find(CONF_IN_conf, S("server.data"));
		struct conf *conf = r->inside->blocks->at;
		conf->data_dir = arena_str(r->a, slice_str(ask->data_dir));
		r->inside->blocks->origins[row] =
			(struct conf_origin){ .value = conf->data_dir, .from = "--data" };
	}
}

enum rc conf_read(const struct conf_ask *ask, struct conf **out, struct buf *report)
{
	struct conf_inside *inside = mem_new(MEM_OTHER, sizeof(*inside));
	arena_init(&inside->arena, 0);
	atomic_store(&inside->count, 1);
	inside->last = &inside->blocks;
	struct conf_reader r = {
		.a = &inside->arena, .inside = inside, .report = report, .file = "default"
	};
	struct conf_block *top = conf_block_new(&r, CONF_IN_conf, S(""), NULL);
	must(top != NULL);
	struct conf *conf = top->at;
	conf->inside = inside;
	read_layers(&r, ask);
	if (r.faults == 0)
		conf_finish(&r, conf);
	if (r.faults) {
		conf_put(&conf);
		return RC_BAD;
	}
	*out = conf;
	return RC_OK;
}

struct conf *conf_get(struct conf *conf)
{
	unsigned before = atomic_fetch_add(&conf->inside->count, 1);
	must(before > 0);
	return conf;
}

void conf_put(struct conf **conf)
{
	struct conf_inside *inside = *conf ? (*conf)->inside : NULL;
	*conf = NULL;
	if (!inside || atomic_fetch_sub(&inside->count, 1) > 1)
		return;
	arena_done(&inside->arena);
	mem_free(MEM_OTHER, inside);
}

const struct conf_store *conf_store(const struct conf *conf, const char *name)
{
	static const char *const types[CONF_STORE_TYPES] = { "rocksdb", "sqlite", "memory",
		"filesystem", "postgresql", "mysql", "s3", "azure", "redis", "memcached", "sharded",
		"tiered" };
	const struct conf_store *found = NULL;
	for (size_t i = 0; i < conf->nstores; i++) {
		if (strcmp(conf->stores[i].id, name) == 0)
			return &conf->stores[i];
	}
	for (size_t i = 0; i < conf->nstores; i++) {
		bool same = strcmp(types[conf->stores[i].type], name) == 0 ||
			    (conf->stores[i].type == CONF_STORE_POSTGRESQL &&
				    strcmp(name, "postgres") == 0);
		if (same && found)
			return NULL;
		if (same)
			found = &conf->stores[i];
	}
	return found;
}
