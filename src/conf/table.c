/* table.c: The rows of the schema, and the key that somebody may have meant. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

static const struct conf_row table[] = {
#define SETTING(in, key, type, member, first, range, help) \
	{ CONF_IN_##in, key, CONF_##type, offsetof(struct in, member), first, range, help },
#include "conf/settings.tbl"
#undef SETTING
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };
_Static_assert((int)ROWS <= (int)CONF_ROWS_MAX, "raise CONF_ROWS_MAX");

size_t conf_rows(const struct conf_row **rows)
{
	*rows = table;
	return ROWS;
}

const char *conf_section_prefix(enum conf_section section)
{
	static const char *const names[CONF_SECTIONS] = { "", "store.", "server.listener.",
		"certificate." };
	return names[section];
}

size_t conf_section_size(enum conf_section section)
{
	static const size_t sizes[CONF_SECTIONS] = { sizeof(struct conf), sizeof(struct conf_store),
		sizeof(struct conf_listener), sizeof(struct conf_certificate) };
	return sizes[section];
}

size_t conf_row_find(enum conf_section section, struct slice key)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].section == section && slice_eq(slice_str(table[i].key), key))
			return i;
	}
	return ROWS;
}

static bool is_plain(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		uint8_t c = id.at[i], low = c | 0x20;
		if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return id.len > 0;
}

void conf_key_write(const struct conf_block *b, const struct conf_row *row, struct buf *out)
{
	buf_str(out, conf_section_prefix(b->section));
	if (b->section != CONF_IN_conf && is_plain(slice_str(b->id)))
		buf_str(out, b->id);
	else if (b->section != CONF_IN_conf)
		conf_quote(slice_str(b->id), out);
	if (b->section != CONF_IN_conf)
		buf_byte(out, '.');
	buf_str(out, row->key);
}

enum { WORD_MAX = 64 };

/* Edit distance (insert, delete, replace, swap of neighbours); words over WORD_MAX are cut. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned rows[3][WORD_MAX + 1], *two = rows[0], *one = rows[1], *now = rows[2];
	a = slice_head(a, WORD_MAX);
	b = slice_head(b, WORD_MAX);
	for (unsigned j = 0; j <= b.len; j++)
		one[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned best = one[j - 1] + (a.at[i - 1] != b.at[j - 1]);
			best = one[j] + 1 < best ? one[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			bool swap = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
				    a.at[i - 2] == b.at[j - 1];
			if (swap && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
		unsigned *t = two;
		two = one;
		one = now;
		now = t;
	}
	return one[b.len];
}

static const char *nearest_in(enum conf_section section, struct slice key)
{
	unsigned best = (unsigned)(key.len < 8 ? 3 : key.len / 2);
	const char *found = "";
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].section != section)
			continue;
		struct slice known = slice_str(table[i].key);
		unsigned d = distance(key, known);
		size_t dot = slice_rfind(known, '.'), mine = slice_rfind(key, '.');
		/* the right word in the wrong block is near, too */
		if (dot < known.len && slice_eq(slice_tail(known, dot + 1),
					       mine < key.len ? slice_tail(key, mine + 1) : key))
			d = d > 2 ? 2 : d;
		if (d < best) {
			best = d;
			found = table[i].key;
		}
	}
	return found;
}

const char *conf_nearest(struct slice key)
{
	for (unsigned s = CONF_IN_conf_store; s < CONF_SECTIONS; s++) {
		struct slice prefix = slice_str(conf_section_prefix((enum conf_section)s));
		if (!slice_starts(key, prefix))
			continue;
		struct slice rest = slice_tail(key, prefix.len);
		if (rest.len && rest.at[0] == '"') {
			rest = slice_tail(rest, 1);
			slice_split(&rest, '"');
			rest = slice_tail(rest, 1);
		} else {
			slice_split(&rest, '.');
		}
		return nearest_in((enum conf_section)s, rest);
	}
	return nearest_in(CONF_IN_conf, key);
}
