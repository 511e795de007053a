/* toml.h: All of TOML 1.0, read into an arena with the line of every key. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_TOML_H
#define TEXT_TOML_H

#include "base/arena.h"
#include "base/fault.h"

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_DATETIME, /* offset date-time, local date-time, local date or local time, as `text` */
	TOML_ARRAY,
	TOML_TABLE
};

enum { TOML_DEPTH_MAX = 64, TOML_SIZE_MAX = 16 * 1024 * 1024 };

struct toml_item {
	struct toml_item *next; /* in the order of the document */
	struct slice key; /* in a table: unquoted, UTF-8 */
	unsigned line;
	enum toml_type type;
	uint8_t origin; /* how a table came to be: the parser's own */
	struct slice text; /* string: its value; date-time: as written */
	int64_t integer;
	double number;
	bool boolean;
	struct toml_item *first, *last; /* array and table */
	size_t n;
	struct toml_item *hash[4]; /* the keys of a table, as a trie over their hash */
	struct toml_item *trie;
};

/* The root table; it lives as long as `a` and as `text`. RC_BAD: CONFIG, with "line N: what"; `*line` says it too (NULL is
 * allowed). RC_LIMIT: MEMORY, or deeper than TOML_DEPTH_MAX. */
enum rc toml_parse(struct slice text, struct arena *a, struct toml_item **root, unsigned *line,
	struct fault *why);
/* NULL: no such key. */
struct toml_item *toml_get(const struct toml_item *table, struct slice key);

#endif
