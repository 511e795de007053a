/* apply.c: A TOML document into blocks, each value with its origin; what is unknown is a fault with the nearest key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include <stdarg.h>

enum { DEPTH_MAX = 12, KEY_MAX = 512 };

static void report(struct conf_reader *r, const char *from, const char *what, const char *text)
{
	buf_fmt(r->report, "%s: %s%s\n", from, what, text);
}

void conf_fault(struct conf_reader *r, const char *from, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->faults++;
	report(r, from, "", text);
}

void conf_note(struct conf_reader *r, const char *from, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(r, from, "note: ", text);
}

static const char *origin(struct conf_reader *r, const struct toml_item *item)
{
	if (slice_starts(slice_str(r->file), S("--")))
		return r->file;
	return (const char *)arena_fmt(r->a, "%s:%u", r->file, item->line).at;
}

struct conf_block *conf_block_find(
	struct conf_inside *in, enum conf_section section, struct slice id)
{
	struct conf_block *b = in->blocks;
	while (b && (b->section != section || !slice_eq(slice_str(b->id), id)))
		b = b->next;
	return b;
}

struct conf_block *conf_block_new(
	struct conf_reader *r, enum conf_section section, struct slice id, const char *from)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	struct conf_block *b = arena_try_array(r->a, 1, sizeof(*b));
	void *at = arena_try_array(r->a, 1, conf_section_size(section));
	if (!b || !at)
		return NULL;
	*b = (struct conf_block){
		.section = section, .id = arena_str(r->a, id), .at = at, .from = from
	};
	for (size_t i = 0; i < n; i++) {
		struct fault why;
		struct slice first = slice_str(rows[i].first);
		if (rows[i].section != section)
			continue;
		if (conf_macro(first, r->a, &first, &why) != RC_OK)
			first = S("");
		bool optional = rows[i].type != CONF_STR && rows[i].type != CONF_SECRET;
		if ((first.len || !optional) &&
			conf_value_set(&rows[i], at, first, r->a, &why) != RC_OK)
			conf_fault(r, rows[i].key, "its default: %s", fault_text(&why));
	}
	*r->inside->last = b;
	r->inside->last = &b->next;
	return b;
}

/* --- one value --- */

static enum rc string_of(
	struct conf_reader *r, const struct toml_item *item, struct slice *out, struct fault *why)
{
	if (item->type != TOML_STRING)
		return fault_set(why, FAULT_CONFIG, "expected strings");
	TRY(conf_macro(item->text, r->a, out, why));
	if (slice_find(*out, 0) < out->len)
		return fault_set(why, FAULT_CONFIG, "a NUL character cannot stand here");
	return RC_OK;
}

static enum rc set_list(struct conf_reader *r, const struct toml_item *item, struct conf_list *out,
	struct buf *text, struct fault *why)
{
	const char **at = arena_try_array(r->a, item->n + 1, sizeof(*at));
	size_t n = 0;
	if (!at)
		return fault_set(why, FAULT_MEMORY, "too long a list");
	buf_byte(text, '[');
	for (const struct toml_item *i = item->first; i; i = i->next) {
		struct slice one;
		TRY(string_of(r, i, &one, why));
		at[n++] = arena_str(r->a, one);
		buf_str(text, n > 1 ? ", " : "");
		conf_quote(one, text);
	}
	buf_byte(text, ']');
	*out = (struct conf_list){ at, n };
	return RC_OK;
}

static enum rc set_map(struct conf_reader *r, const struct toml_item *item, struct conf_map *out,
	struct buf *text, struct fault *why)
{
	const char **names = arena_try_array(r->a, item->n + 1, sizeof(*names));
	const char **values = arena_try_array(r->a, item->n + 1, sizeof(*values));
	size_t n = 0;
	if (!names || !values)
		return fault_set(why, FAULT_MEMORY, "too large a table");
	buf_str(text, "{ ");
	for (const struct toml_item *i = item->first; i; i = i->next) {
		struct slice one;
		TRY(string_of(r, i, &one, why));
		names[n] = arena_str(r->a, i->key);
		values[n++] = arena_str(r->a, one);
		buf_str(text, n > 1 ? ", " : "");
		conf_quote(i->key, text);
		buf_str(text, " = ");
		conf_quote(one, text);
	}
	buf_str(text, " }");
	*out = (struct conf_map){ names, values, n };
	return RC_OK;
}

/* The text form of a scalar; macros are put in. */
static enum rc scalar(struct conf_reader *r, const struct conf_row *row,
	const struct toml_item *item, struct slice *out, struct fault *why)
{
	bool number = row->type == CONF_INT || row->type == CONF_SIZE || row->type == CONF_MS;
	switch (item->type) {
	case TOML_STRING:
		return string_of(r, item, out, why);
	case TOML_BOOLEAN:
		*out = item->boolean ? S("true") : S("false");
		return row->type == CONF_BOOL
			       ? RC_OK
			       : fault_set(why, FAULT_CONFIG, "true and false do not fit here");
	case TOML_INTEGER:
		*out = arena_fmt(r->a, "%lld", (long long)item->integer);
		/* a bare number of milliseconds would surprise: durations say their unit */
		if (row->type == CONF_MS && item->integer != 0)
			return fault_set(why, FAULT_CONFIG,
				"a duration needs its unit, as \"%llds\"",
				(long long)item->integer);
		return number ? RC_OK
			      : fault_set(why, FAULT_CONFIG,
					"a number does not fit here: write a string");
	case TOML_FLOAT:
	case TOML_DATETIME:
	case TOML_ARRAY:
	case TOML_TABLE:
		break;
	}
	return fault_set(why, FAULT_CONFIG, "this kind of value does not fit here");
}

static enum rc set_value(struct conf_reader *r, struct conf_block *b, const struct conf_row *row,
	const struct toml_item *item, struct buf *text, struct fault *why)
{
	void *at = (uint8_t *)b->at + row->offset;
	struct slice value;
	if (row->type == CONF_LIST && item->type == TOML_ARRAY)
		return set_list(r, item, at, text, why);
	if (row->type == CONF_MAP && item->type == TOML_TABLE)
		return set_map(r, item, at, text, why);
	if (row->type == CONF_MAP || (row->type == CONF_LIST && item->type != TOML_STRING))
		return fault_set(why, FAULT_CONFIG, "expected a %s of strings",
			row->type == CONF_MAP ? "table" : "list");
	TRY(scalar(r, row, item, &value, why));
	TRY(conf_value_set(row, b->at, value, r->a, why));
	buf_add(text, value);
	return RC_OK;
}

static void set(
	struct conf_reader *r, struct conf_block *b, size_t index, const struct toml_item *item)
{
	const struct conf_row *rows;
	struct conf_origin *o = &b->origins[index];
	const char *from = origin(r, item);
	struct fault why = { 0 };
	struct buf text;
	conf_rows(&rows);
	if (o->from && !r->is_over)
		conf_fault(r, from, "%s is given twice (first at %s)", rows[index].key, o->from);
	buf_init(&text, 0, r->a);
	if (set_value(r, b, &rows[index], item, &text, &why) != RC_OK)
		conf_fault(r, from, "%s: %s", rows[index].key, fault_text(&why));
	*o = (struct conf_origin){ .value = arena_str(r->a, buf_slice(&text)), .from = from };
	buf_reset(&text);
	conf_item_write(item, &text);
	o->written = arena_str(r->a, buf_slice(&text));
}

/* --- the walk --- */

static void add_part(struct buf *key, struct slice part)
{
	if (key->len)
		buf_byte(key, '.');
	/* a quoted part with a dot in it must not look like two parts */
	if (slice_find(part, '.') < part.len)
		conf_quote(part, key);
	else
		buf_add(key, part);
}

/* dataCleanupSchedule as data-cleanup-schedule. */
static struct slice kebab(struct conf_reader *r, struct slice key)
{
	struct buf b;
	buf_init(&b, KEY_MAX, r->a);
	for (size_t i = 0; i < key.len; i++) {
		bool upper = key.at[i] >= 'A' && key.at[i] <= 'Z';
		if (upper)
			buf_byte(&b, '-');
		buf_byte(&b, upper ? key.at[i] | 0x20 : key.at[i]);
	}
	return buf_slice(&b);
}

static size_t find_row(struct conf_reader *r, enum conf_section section, struct slice key)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows), i = conf_row_find(section, key);
	if (i == n && slice_starts(key, S("data-retention.")))
		i = conf_row_find(section, kebab(r, key));
	return i;
}

static bool is_prefix(enum conf_section section, struct slice key)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	for (size_t i = 0; i < n; i++) {
		struct slice known = slice_str(rows[i].key);
		if (rows[i].section == section && slice_starts(known, key) && known.len > key.len &&
			known.at[key.len] == '.')
			return true;
	}
	return false;
}

static void unknown(struct conf_reader *r, const struct conf_block *b, struct slice key,
	const struct toml_item *item)
{
	const char *prefix = conf_section_prefix(b->section);
	struct slice full = arena_fmt(r->a, "%s%s%s%.*s", prefix, b->section ? b->id : "",
		b->section ? "." : "", FMT(key));
	const char *near = conf_nearest(full);
	conf_fault(r, origin(r, item), "unknown key %.*s%s%s%s", FMT(slice_head(full, 200)),
		near[0] ? "; did you mean " : "", near, near[0] ? "?" : "");
}

static void walk(struct conf_reader *r, struct conf_block *b, const struct toml_item *table,
	struct slice prefix, unsigned depth);

/* "store", "server.listener", "certificate": every key below is a block's id. */
static bool blocks(struct conf_reader *r, struct slice key, const struct toml_item *item)
{
	for (unsigned s = CONF_IN_conf_store; s < CONF_SECTIONS; s++) {
		struct slice prefix = slice_str(conf_section_prefix((enum conf_section)s));
		if (!slice_eq(key, slice_head(prefix, prefix.len - 1)))
			continue;
		for (const struct toml_item *i = item->first; i; i = i->next) {
			if (i->type != TOML_TABLE) {
				conf_fault(r, origin(r, i),
					"%.*s%.*s should be a block: [%.*s\"%.*s\"]", FMT(prefix),
					FMT(slice_head(i->key, 60)), FMT(prefix),
					FMT(slice_head(i->key, 60)));
				continue;
			}
			struct conf_block *b =
				conf_block_find(r->inside, (enum conf_section)s, i->key);
			b = b ? b : conf_block_new(r, (enum conf_section)s, i->key, origin(r, i));
			if (b)
				walk(r, b, i, S(""), DEPTH_MAX);
		}
		return true;
	}
	return false;
}

static void walk(struct conf_reader *r, struct conf_block *b, const struct toml_item *table,
	struct slice prefix, unsigned depth)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	for (const struct toml_item *i = table->first; i; i = i->next) {
		struct buf key;
		buf_init(&key, KEY_MAX, r->a);
		buf_add(&key, prefix);
		add_part(&key, i->key);
		size_t row = find_row(r, b->section, buf_slice(&key));
		bool is_table = i->type == TOML_TABLE && depth > 0;
		if (key.over)
			conf_fault(r, origin(r, i), "too long a key");
		else if (row < n)
			set(r, b, row, i);
		else if (is_table && b->section == CONF_IN_conf && blocks(r, buf_slice(&key), i))
			continue;
		else if (is_table && (is_prefix(b->section, buf_slice(&key)) ||
					     (b->section == CONF_IN_conf &&
						     slice_eq(buf_slice(&key), S("server")))))
			walk(r, b, i, buf_slice(&key), depth - 1);
		else
			unknown(r, b, buf_slice(&key), i);
	}
}

void conf_apply(struct conf_reader *r, const struct toml_item *root)
{
	walk(r, r->inside->blocks, root, S(""), DEPTH_MAX);
}
