/* export.c: What was set, as one document of the form that is read: a line for each key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

void conf_quote(struct slice s, struct buf *out)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		if (c == '"' || c == '\\')
			buf_byte(out, '\\');
		if (c < 0x20 || c == 0x7f)
			buf_fmt(out, "\\u%04x", c);
		else
			buf_byte(out, c);
	}
	buf_byte(out, '"');
}

static void member_write(const struct toml_item *item, bool is_table, struct buf *out)
{
	if (is_table) {
		conf_quote(item->key, out);
		buf_str(out, " = ");
	}
	conf_item_write(item, out);
}

/* No schema has values deeper than a list of strings; what is deeper was refused before. */
void conf_item_write(const struct toml_item *item, struct buf *out)
{
	switch (item->type) {
	case TOML_STRING:
		conf_quote(item->text, out);
		break;
	case TOML_INTEGER:
		buf_fmt(out, "%lld", (long long)item->integer);
		break;
	case TOML_BOOLEAN:
		buf_str(out, item->boolean ? "true" : "false");
		break;
	case TOML_FLOAT:
	case TOML_DATETIME:
		buf_add(out, item->text);
		break;
	case TOML_ARRAY:
	case TOML_TABLE:
		buf_str(out, item->type == TOML_ARRAY ? "[" : "{ ");
		for (const struct toml_item *i = item->first; i; i = i->next) {
			member_write(i, item->type == TOML_TABLE, out);
			buf_str(out, i->next ? ", " : "");
		}
		buf_str(out, item->type == TOML_ARRAY ? "]" : " }");
		break;
	}
}

static bool is_from(const struct conf_origin *o, const char *file)
{
	size_t n = file ? strlen(file) : 0;
	return o->written && (!file || (strncmp(o->from, file, n) == 0 && o->from[n] == ':'));
}

static void export_block(const struct conf_block *b, const char *file, struct buf *out)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].section != b->section || !is_from(&b->origins[i], file))
			continue;
		conf_key_write(b, &rows[i], out);
		buf_fmt(out, " = %s\n", b->origins[i].written);
	}
}

void conf_export(const struct conf *conf, const char *file, struct buf *out)
{
	for (unsigned s = 0; s < CONF_SECTIONS; s++) {
		for (const struct conf_block *b = conf->inside->blocks; b; b = b->next) {
			if (b->section == s)
				export_block(b, file, out);
		}
	}
}
