/* conf_int.h: Rows of the schema, instances of blocks, and how values get their origin. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_CONF_INT_H
#define CONF_CONF_INT_H

#include "base/buf.h"
#include "conf/conf.h"
#include "text/toml.h"

enum conf_type {
	CONF_STR,
	CONF_SECRET,
	CONF_BOOL,
	CONF_INT,
	CONF_SIZE,
	CONF_MS,
	CONF_RATE,
	CONF_CRON,
	CONF_ENUM,
	CONF_LIST,
	CONF_MAP
};

enum conf_section {
	CONF_IN_conf,
	CONF_IN_conf_store,
	CONF_IN_conf_listener,
	CONF_IN_conf_certificate,
	CONF_SECTIONS
};

struct conf_row {
	enum conf_section section;
	const char *key;
	enum conf_type type;
	size_t offset;
	const char *first; /* default */
	const char *range;
	const char *help;
};

enum { CONF_ROWS_MAX = 160 };
struct conf_origin {
	const char *value; /* as it would stand in the file, without quotes; NULL: the default */
	const char *
		written; /* the same with quotes, and with macros as they were written; NULL: not in a file */
	const char *from; /* "file:line", "--set", NULL: default */
	unsigned file_line;
};

/* One block of a file: the whole for CONF_IN_conf, else one store, listener or certificate. */
struct conf_block {
	struct conf_block *next;
	enum conf_section section;
	const char *id;
	void *at;
	const char *from; /* where it began */
	struct conf_origin origins[CONF_ROWS_MAX];
};

struct conf_inside {
	struct arena arena;
	_Atomic unsigned count;
	struct conf_block *blocks, **last;
};

struct conf_reader {
	struct arena *a;
	struct conf_inside *inside;
	struct buf *report;
	const char *file; /* being read */
	bool is_over; /* values of this layer may replace earlier ones */
	unsigned faults;
};

size_t conf_rows(const struct conf_row **rows);
/* "store.*", with the dot; "" for the main block. */
const char *conf_section_prefix(enum conf_section section);
size_t conf_section_size(enum conf_section section);
/* By section and key within it. Index in the rows, or the number of rows. */
size_t conf_row_find(enum conf_section section, struct slice key);
/* The full key with the block's id in its place. */
void conf_key_write(const struct conf_block *b, const struct conf_row *row, struct buf *out);

/* As it would stand in the file. */
void conf_value_write(const struct conf_block *b, const struct conf_row *row,
	const struct conf_origin *o, struct buf *out);

/* Text into a member. RC_BAD: `why`'s detail says what is expected. Lists split at commas. */
enum rc conf_value_set(const struct conf_row *row, void *block, struct slice text, struct arena *a,
	struct fault *why);
/* Puts the values of %{env:NAME}% and %{file:PATH}% in. RC_NONE: no such variable or file (`why`). */
enum rc conf_macro(struct slice text, struct arena *a, struct slice *out, struct fault *why);

void conf_quote(struct slice s, struct buf *out);
/* A value as it was written, macros and all, in one line. */
void conf_item_write(const struct toml_item *item, struct buf *out);

struct conf_block *conf_block_find(
	struct conf_inside *in, enum conf_section section, struct slice id);
struct conf_block *conf_block_new(
	struct conf_reader *r, enum conf_section section, struct slice id, const char *from);
/* A whole document over what is there already. */
void conf_apply(struct conf_reader *r, const struct toml_item *root);
void conf_fault(struct conf_reader *r, const char *from, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_note(struct conf_reader *r, const char *from, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Default blocks, cross checks; fills the arrays of `conf`. */
void conf_finish(struct conf_reader *r, struct conf *conf);
/* The least memory limit of the groups that this process is in: `own` is a file as /proc/self/cgroup, `root` where the kernel
 * shows the groups. UINT64_MAX: none. Bytes. */
uint64_t conf_cgroup_memory(const char *own, const char *root);
/* 70 % of the smaller of RAM and the cgroup's limit. */
uint64_t conf_memory(void);

/* ---- lookup.c ---- */
/* May the store of [storage] lookup be one? `from`: where that is said. */
/* blob.c: may the store of the role hold content. */
void conf_check_blob(struct conf_reader *r, const struct conf *conf, const char *from);
void conf_check_lookup(struct conf_reader *r, const struct conf *conf, const char *from);
/* What a store in Redis or Memcached needs; others pass. */
void conf_check_remote(struct conf_reader *r, const struct conf_block *b);

#endif
