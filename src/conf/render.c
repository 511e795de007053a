/* render.c: Effective values with their origin, as text, JSON and documentation. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include "text/json.h"

/* With the largest unit that leaves no rest. */
static void unit_write(uint64_t n, const char *const *names, const uint64_t *factors, size_t count,
	struct buf *out)
{
	size_t i = 0;
	while (i + 1 < count && (n < factors[i] || n % factors[i]))
		i++;
	buf_fmt(out, "\"%llu%s\"", (unsigned long long)(n / factors[i]), names[i]);
}

static void size_write(uint64_t n, struct buf *out)
{
	static const char *const names[] = { "GB", "MB", "KB", "B" };
	static const uint64_t factors[] = { 1 << 30, 1 << 20, 1 << 10, 1 };
	unit_write(n, names, factors, 4, out);
}

static void ms_write(uint64_t n, struct buf *out)
{
	static const char *const names[] = { "d", "h", "m", "s", "ms" };
	static const uint64_t factors[] = { 86400000, 3600000, 60000, 1000, 1 };
	unit_write(n, names, factors, 5, out);
}

static void list_write(const struct conf_list *list, struct buf *out)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		buf_str(out, i ? ", " : "");
		json_quote(slice_str(list->at[i]), out);
	}
	buf_byte(out, ']');
}

static void map_write(const struct conf_map *map, struct buf *out)
{
	buf_str(out, "{ ");
	for (size_t i = 0; i < map->n; i++) {
		buf_str(out, i ? ", " : "");
		json_quote(slice_str(map->names[i]), out);
		buf_str(out, " = ");
		json_quote(slice_str(map->values[i]), out);
	}
	buf_str(out, " }");
}

static void choice_write(const struct conf_row *row, unsigned n, struct buf *out)
{
	struct slice rest = slice_str(row->range), word = slice_split(&rest, '|');
	for (unsigned i = 0; i < n && rest.len; i++)
		word = slice_split(&rest, '|');
	json_quote(word, out);
}

/* As it would stand in the file. */
void conf_value_write(const struct conf_block *b, const struct conf_row *row,
	const struct conf_origin *o, struct buf *out)
{
	const void *at = (const uint8_t *)b->at + row->offset;
	switch (row->type) {
	case CONF_STR:
		json_quote(slice_str(*(const char *const *)at), out);
		break;
	case CONF_SECRET:
		buf_str(out, (*(const char *const *)at)[0] ? "\"***\"" : "\"\"");
		break;
	case CONF_BOOL:
		buf_str(out, *(const bool *)at ? "true" : "false");
		break;
	case CONF_INT:
		buf_u64(out, *(const uint64_t *)at);
		break;
	case CONF_SIZE:
		size_write(*(const uint64_t *)at, out);
		break;
	case CONF_MS:
		ms_write(*(const uint64_t *)at, out);
		break;
	case CONF_ENUM:
		choice_write(row, *(const unsigned *)at, out);
		break;
	case CONF_RATE:
	case CONF_CRON:
		json_quote(slice_str(o->from ? o->value : row->first), out);
		break;
	case CONF_LIST:
		list_write(at, out);
		break;
	case CONF_MAP:
		map_write(at, out);
		break;
	}
}

static const char *origin_of(const struct conf_row *row, const struct conf_origin *o)
{
	if (o->from)
		return o->from;
	bool machine =
		strcmp(row->key, "server.hostname") == 0 || strcmp(row->key, "memory.limit") == 0;
	return machine ? "the machine" : "default";
}

static void render_row(
	const struct conf_block *b, const struct conf_row *row, struct json *j, struct buf *out)
{
	const struct conf_origin *o = &b->origins[conf_row_find(b->section, slice_str(row->key))];
	struct buf key, value;
	buf_init(&key, 4096, NULL);
	buf_init(&value, 65536, NULL);
	conf_key_write(b, row, &key);
	conf_value_write(b, row, o, &value);
	if (j) {
		json_object(j, NULL);
		json_slice(j, "key", buf_slice(&key));
		json_slice(j, "value", buf_slice(&value));
		json_str(j, "origin", origin_of(row, o));
		json_end(j);
	} else {
		buf_fmt(out, "%.*s = %.*s  # %s\n", FMT(buf_slice(&key)), FMT(buf_slice(&value)),
			origin_of(row, o));
	}
	buf_done(&key);
	buf_done(&value);
}

/* What cannot matter to this engine is not shown, unless it was set. */
static bool is_shown(const struct conf_block *b, const struct conf_row *row)
{
	const struct conf_origin *o = &b->origins[conf_row_find(b->section, slice_str(row->key))];
	if (b->section != CONF_IN_conf_store || o->from || o->value)
		return true;
	const struct conf_store *s = b->at;
	bool local = s->type <= CONF_STORE_FILESYSTEM;
	static const char *const local_keys[] = { "path", "compression", "cache.size",
		"max-background-jobs" };
	for (size_t i = 0; local && i < sizeof(local_keys) / sizeof(local_keys[0]); i++) {
		if (strcmp(local_keys[i], row->key) == 0)
			return true;
	}
	return !local && (strcmp(row->key, "timeout") == 0 || strcmp(row->key, "retries") == 0);
}

void conf_render(const struct conf *conf, bool json, struct buf *out)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	struct json j;
	json_init(&j, out);
	if (json)
		json_array(&j, NULL);
	for (const struct conf_block *b = conf->inside->blocks; b; b = b->next) {
		for (size_t i = 0; i < n; i++) {
			if (rows[i].section == b->section && is_shown(b, &rows[i]))
				render_row(b, &rows[i], json ? &j : NULL, out);
		}
	}
	if (json)
		json_end(&j);
}

enum rc conf_value(const struct conf *conf, struct slice key, struct buf *value, struct buf *origin)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	struct buf name;
	enum rc rc = RC_NONE;
	buf_init(&name, 4096, NULL);
	for (const struct conf_block *b = conf->inside->blocks; rc == RC_NONE && b; b = b->next) {
		for (size_t i = 0; rc == RC_NONE && i < n; i++) {
			if (rows[i].section != b->section)
				continue;
			buf_reset(&name);
			conf_key_write(b, &rows[i], &name);
			if (!slice_eq(buf_slice(&name), key))
				continue;
			conf_value_write(b, &rows[i], &b->origins[i], value);
			buf_str(origin, origin_of(&rows[i], &b->origins[i]));
			rc = RC_OK;
		}
	}
	buf_done(&name);
	return rc;
}

static void document_section(enum conf_section section, const char *title, struct buf *out)
{
	static const char *const types[] = { "string", "secret", "true/false", "number", "size",
		"duration", "rate", "schedule", "choice", "list", "table" };
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	buf_fmt(out, "\n## %s\n\n| key | type | default | what it does |\n|---|---|---|---|\n",
		title);
	for (size_t i = 0; i < n; i++) {
		const struct conf_row *row = &rows[i];
		struct slice range = slice_str(row->range);
		if (row->section != section)
			continue;
		buf_fmt(out, "| `%s` | %s", row->key, types[row->type]);
		for (const char *bar = range.len ? ": " : ""; range.len || *bar;
			bar = range.len ? ", " : "") {
			struct slice word = slice_split(&range, '|');
			buf_fmt(out, "%s%.*s", bar, FMT(word));
		}
		buf_fmt(out, row->first[0] ? " | `%s`" : " |%s", row->first);
		bool is_live = section != CONF_IN_conf || conf_is_live(slice_str(row->key));
		bool is_later = section == CONF_IN_conf && conf_is_later(slice_str(row->key));
		buf_fmt(out, " | %s%s%s |\n", row->help, is_later ? "; no effect yet" : "",
			is_live ? "" : " *");
	}
}

void conf_document(struct buf *out)
{
	buf_str(out,
		"# Settings\n\nMade by `make docs` from `src/conf/settings.tbl`: do not edit.\n"
		"The file is TOML 1.0, `/etc/veredus/veredus.toml`. `%{env:NAME}%` and "
		"`%{file:PATH}%` stand in any string. "
		"Sizes are `\"50MB\"`, durations `\"30s\"`, rates `\"10/1m\"`, schedules cron "
		"fields in local time. "
		"`veredus check` shows every effective value and its origin.\n"
		"`veredus config reload` and SIGHUP read the file again: for new connections, all "
		"counts at once but the stores and what bears a star, which wait for a restart.\n");
	document_section(CONF_IN_conf, "The server", out);
	document_section(CONF_IN_conf_store, "[store.\"NAME\"]", out);
	document_section(CONF_IN_conf_listener, "[server.listener.\"NAME\"]", out);
	document_section(CONF_IN_conf_certificate, "[certificate.\"NAME\"]", out);
}
