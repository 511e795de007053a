/* toml.c: Keys, tables, arrays: the structure of a TOML document. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/toml_int.h"
#include "base/utf8.h"
#include <stdarg.h>

/* How a table or array came to be decides what may still be added to it:
 * IMPLICIT  [a.b] made `a`: [a] may still define it
 * HEADER    [a] or an element of [[a]]: keys of its own section only, sub-tables by header
 * DOTTED    a.b = 1 made `a`: more dotted keys, sub-tables by header; not [a]
 * CLOSED    inline table or array value: nothing
 * ELEMENTS  array made by [[a]]: more elements */
enum { IMPLICIT, HEADER, DOTTED, CLOSED, ELEMENTS };

enum rc toml_fail(struct toml_read *r, const char *fmt, ...)
{
	char text[160];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(r->why, FAULT_CONFIG, "line %u: %s", r->line, text);
}

static uint32_t hash_of(struct slice key)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.at[i]) * 16777619u;
	return (h ^ h >> 15) * 2246822519u;
}

/* The place of a key in the trie: where it hangs, or would hang. */
static struct toml_item **place(struct toml_item *table, struct slice key)
{
	struct toml_item **at = &table->trie;
	for (uint32_t h = hash_of(key); *at; h <<= 2) {
		if (slice_eq((*at)->key, key))
			return at;
		at = &(*at)->hash[h >> 30];
	}
	return at;
}

struct toml_item *toml_get(const struct toml_item *table, struct slice key)
{
	const struct toml_item *at = table->trie;
	for (uint32_t h = hash_of(key); at; h <<= 2) {
		if (slice_eq(at->key, key))
			break;
		at = at->hash[h >> 30];
	}
	return (struct toml_item *)(uintptr_t)at;
}

static struct toml_item *append(struct toml_read *r, struct toml_item *to, enum toml_type type)
{
	struct toml_item *item = arena_new(r->a, sizeof(*item));
	item->type = type;
	item->line = r->line;
	if (to->last)
		to->last->next = item;
	else
		to->first = item;
	to->last = item;
	to->n++;
	return item;
}

static struct toml_item *add_key(
	struct toml_read *r, struct toml_item *table, struct slice key, enum toml_type type)
{
	struct toml_item **at = place(table, key);
	*at = append(r, table, type);
	(*at)->key = key;
	return *at;
}

static void blanks(struct toml_read *r)
{
	size_t n = 0;
	while (n < r->in.len && (r->in.at[n] == ' ' || r->in.at[n] == '\t'))
		n++;
	r->in = slice_tail(r->in, n);
}

static bool next_is(struct toml_read *r, uint8_t c)
{
	if (r->in.len == 0 || r->in.at[0] != c)
		return false;
	r->in = slice_tail(r->in, 1);
	return true;
}

static enum rc comment(struct toml_read *r)
{
	size_t n = 0;
	if (r->in.len == 0 || r->in.at[0] != '#')
		return RC_OK;
	while (n < r->in.len && !toml_newline(slice_tail(r->in, n))) {
		uint8_t c = r->in.at[n++];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return toml_fail(r, "control character 0x%02x in a comment", c);
	}
	r->in = slice_tail(r->in, n);
	return RC_OK;
}

/* Blanks, a comment, and then the end of the line or of the document. */
static enum rc line_done(struct toml_read *r)
{
	blanks(r);
	TRY(comment(r));
	size_t n = toml_newline(r->in);
	if (n == 0 && r->in.len)
		return toml_fail(r, "the line should end before \"%.*s\"",
			FMT(slice_head(slice_split(&r->in, '\n'), 40)));
	r->in = slice_tail(r->in, n);
	r->line += n > 0;
	return RC_OK;
}

/* Blanks, comments and line ends: between the elements of an array. */
static enum rc gap(struct toml_read *r)
{
	size_t n;
	do {
		blanks(r);
		TRY(comment(r));
		n = toml_newline(r->in);
		r->in = slice_tail(r->in, n);
		r->line += n > 0;
	} while (n);
	return RC_OK;
}

static bool is_bare(uint8_t c)
{
	uint8_t low = c | 0x20;
	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static enum rc simple_key(struct toml_read *r, struct slice *key)
{
	size_t n = 0;
	if (r->in.len && (r->in.at[0] == '"' || r->in.at[0] == '\''))
		return toml_string(r, true, key);
	while (n < r->in.len && is_bare(r->in.at[n]))
		n++;
	if (n == 0)
		return toml_fail(r, "a key is missing");
	*key = slice_head(r->in, n);
	r->in = slice_tail(r->in, n);
	return RC_OK;
}

struct path {
	struct slice keys[TOML_DEPTH_MAX];
	size_t n;
};

static enum rc dotted_key(struct toml_read *r, struct path *p)
{
	p->n = 0;
	do {
		blanks(r);
		if (p->n == TOML_DEPTH_MAX)
			return toml_fail(r, "the key has more than %d parts", TOML_DEPTH_MAX);
		TRY(simple_key(r, &p->keys[p->n++]));
		blanks(r);
	} while (next_is(r, '.'));
	return RC_OK;
}

static enum rc value(struct toml_read *r, struct toml_item *item, unsigned depth);

/* key = value into `table`, which is open for it. */
static enum rc key_value(struct toml_read *r, struct toml_item *table, unsigned depth)
{
	struct path p;
	TRY(dotted_key(r, &p));
	if (!next_is(r, '='))
		return toml_fail(r, "\"=\" is missing after the key %.*s",
			FMT(slice_head(p.keys[p.n - 1], 60)));
	for (size_t i = 0; i + 1 < p.n; i++) {
		struct toml_item *sub = toml_get(table, p.keys[i]);
		if (!sub) {
			sub = add_key(r, table, p.keys[i], TOML_TABLE);
			sub->origin = DOTTED;
		}
		if (sub->type != TOML_TABLE || sub->origin != DOTTED)
			return toml_fail(r, "%.*s is defined already (line %u)",
				FMT(slice_head(p.keys[i], 60)), sub->line);
		table = sub;
	}
	struct slice last = p.keys[p.n - 1];
	struct toml_item *old = toml_get(table, last);
	if (old)
		return toml_fail(r, "%.*s is defined already (line %u)", FMT(slice_head(last, 60)),
			old->line);
	blanks(r);
	return value(r, add_key(r, table, last, TOML_STRING), depth);
}

static enum rc array(struct toml_read *r, struct toml_item *item, unsigned depth)
{
	item->type = TOML_ARRAY;
	item->origin = CLOSED;
	while (true) {
		TRY(gap(r));
		if (next_is(r, ']'))
			return RC_OK;
		TRY(value(r, append(r, item, TOML_STRING), depth));
		TRY(gap(r));
		if (next_is(r, ']'))
			return RC_OK;
		if (!next_is(r, ','))
			return toml_fail(r, "\",\" or \"]\" is missing in the array");
	}
}

static enum rc inline_table(struct toml_read *r, struct toml_item *item, unsigned depth)
{
	item->type = TOML_TABLE;
	item->origin = HEADER;
	blanks(r);
	bool done = next_is(r, '}');
	while (!done) {
		TRY(key_value(r, item, depth));
		blanks(r);
		done = next_is(r, '}');
		if (!done && !next_is(r, ','))
			return toml_fail(r, "\",\" or \"}\" is missing in the table, which must "
					    "stand on one line");
	}
	item->origin = CLOSED;
	return RC_OK;
}

static enum rc value(struct toml_read *r, struct toml_item *item, unsigned depth)
{
	if (depth == 0)
		return fault_set(r->why, FAULT_MEMORY, "line %u: nested deeper than %d", r->line,
			TOML_DEPTH_MAX);
	if (r->in.len && (r->in.at[0] == '"' || r->in.at[0] == '\'')) {
		item->type = TOML_STRING;
		return toml_string(r, false, &item->text);
	}
	if (next_is(r, '['))
		return array(r, item, depth - 1);
	if (next_is(r, '{'))
		return inline_table(r, item, depth - 1);
	return toml_scalar(r, item);
}

/* The table that a header's parts but the last lead to. */
static enum rc walk(struct toml_read *r, const struct path *p, struct toml_item **table)
{
	for (size_t i = 0; i + 1 < p->n; i++) {
		struct toml_item *sub = toml_get(*table, p->keys[i]);
		if (!sub) {
			sub = add_key(r, *table, p->keys[i], TOML_TABLE);
			sub->origin = IMPLICIT;
		}
		if (sub->type == TOML_ARRAY && sub->origin == ELEMENTS)
			sub = sub->last;
		if (sub->type != TOML_TABLE || sub->origin == CLOSED)
			return toml_fail(r, "%.*s is no table that could be added to (line %u)",
				FMT(slice_head(p->keys[i], 60)), sub->line);
		*table = sub;
	}
	return RC_OK;
}

/* [a.b] or [[a.b]], from behind its first bracket on. */
static enum rc header(struct toml_read *r, struct toml_item *root, struct toml_item **section)
{
	bool element = next_is(r, '[');
	struct path p;
	struct toml_item *table = root;
	TRY(dotted_key(r, &p));
	if (!next_is(r, ']') || (element && !next_is(r, ']')))
		return toml_fail(
			r, "\"%s\" is missing after the table's name", element ? "]]" : "]");
	TRY(walk(r, &p, &table));
	struct slice name = p.keys[p.n - 1];
	struct toml_item *old = toml_get(table, name);
	if (element) {
		if (old && (old->type != TOML_ARRAY || old->origin != ELEMENTS))
			return toml_fail(r, "%.*s is defined already (line %u)",
				FMT(slice_head(name, 60)), old->line);
		struct toml_item *list = old ? old : add_key(r, table, name, TOML_ARRAY);
		list->origin = ELEMENTS;
		*section = append(r, list, TOML_TABLE);
	} else {
		if (old && (old->type != TOML_TABLE || old->origin != IMPLICIT))
			return toml_fail(r, "%.*s is defined already (line %u)",
				FMT(slice_head(name, 60)), old->line);
		*section = old ? old : add_key(r, table, name, TOML_TABLE);
	}
	(*section)->origin = HEADER;
	(*section)->line = r->line;
	return RC_OK;
}

static enum rc document(struct toml_read *r, struct toml_item *root)
{
	struct toml_item *section = root;
	while (r->in.len) {
		blanks(r);
		bool empty = r->in.len == 0 || r->in.at[0] == '#' || toml_newline(r->in);
		if (!empty && next_is(r, '['))
			TRY(header(r, root, &section));
		else if (!empty)
			TRY(key_value(r, section, TOML_DEPTH_MAX));
		TRY(line_done(r));
		if (r->a->over)
			return fault_set(r->why, FAULT_MEMORY,
				"line %u: too much for the memory that is allowed", r->line);
	}
	return RC_OK;
}

static enum rc check_utf8(struct toml_read *r)
{
	struct slice rest = r->in;
	while (rest.len) {
		struct slice before = rest;
		if (utf8_take(&rest) == 0xfffd && !slice_starts(before, S("\xef\xbf\xbd")))
			return toml_fail(r, "this is not UTF-8");
		r->line += before.at[0] == '\n';
	}
	r->line = 1;
	return RC_OK;
}

enum rc toml_parse(struct slice text, struct arena *a, struct toml_item **root, unsigned *line,
	struct fault *why)
{
	struct toml_read r = { .in = text, .line = 1, .a = a, .why = why };
	if (text.len > TOML_SIZE_MAX)
		return fault_set(why, FAULT_MEMORY, "over %d bytes", TOML_SIZE_MAX);
	struct toml_item *top = arena_new(a, sizeof(*top));
	top->type = TOML_TABLE;
	top->origin = HEADER;
	if (slice_starts(r.in, S("\xef\xbb\xbf")))
		r.in = slice_tail(r.in, 3);
	enum rc rc = utf8_valid(r.in) ? RC_OK : check_utf8(&r);
	if (rc == RC_OK)
		rc = document(&r, top);
	if (line)
		*line = r.line;
	if (rc == RC_OK)
		*root = top;
	return rc;
}
