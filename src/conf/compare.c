/* compare.c: Which settings differ between two snapshots, which count without a restart, and which not at all yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

/* Keys, or what they begin with. All others are built into what lives as long as the process. */
static const char *const live[] = { "server.hostname", "auth.", "queue.", "cache.", "dns.",
	"server.max-connections", "server.drain", "server.min-data-rate", "server.stress-timeout",
	"memory.limit", "log.", "metrics.", "smtp.", "imap.", "pop3.", "http.", "server.listener.",
	"certificate.", "data-retention." };

/* Keys, or what they begin with, for what comes in a later version; `make lint` holds the list true. */
static const char *const later[] = { "storage.fts", "cache.events.", "cache.contacts.",
	"cache.files.", "cache.access-token.", "cache.permission.", "cache.dns.mta-sts.",
	"cache.dns.rbl.", "cluster.", "data-retention.auto-expunge-schedule",
	"data-retention.telemetry-schedule", "queue.partitions", "queue.throttle" };

static bool is_among(const char *const *keys, size_t n, struct slice key)
{
	for (size_t i = 0; i < n; i++) {
		struct slice s = slice_str(keys[i]);
		bool is_prefix = s.at[s.len - 1] == '.';
		if (is_prefix ? slice_starts(key, s) : slice_eq(key, s))
			return true;
	}
	return false;
}

bool conf_is_live(struct slice key)
{
	return is_among(live, sizeof(live) / sizeof(live[0]), key);
}

bool conf_is_later(struct slice key)
{
	return is_among(later, sizeof(later) / sizeof(later[0]), key);
}

static bool same_value(
	const struct conf_block *a, const struct conf_block *b, const struct conf_row *row)
{
	size_t i = conf_row_find(row->section, slice_str(row->key));
	struct buf one, two;
	if (row->type == CONF_SECRET) /* it renders as stars */
		return strcmp(*(const char *const *)((const uint8_t *)a->at + row->offset),
			       *(const char *const *)((const uint8_t *)b->at + row->offset)) == 0;
	buf_init(&one, 0, NULL);
	buf_init(&two, 0, NULL);
	conf_value_write(a, row, &a->origins[i], &one);
	conf_value_write(b, row, &b->origins[i], &two);
	bool same = slice_eq(buf_slice(&one), buf_slice(&two));
	buf_done(&one);
	buf_done(&two);
	return same;
}

static void block_name(const struct conf_block *b, struct buf *out)
{
	buf_fmt(out, "%s%s", conf_section_prefix(b->section), b->id);
}

static void tell_block(const struct conf_block *b, conf_visit_fn *visit, void *ctx)
{
	struct buf key;
	buf_init(&key, 0, NULL);
	block_name(b, &key);
	visit(ctx, buf_slice(&key));
	buf_done(&key);
}

bool conf_has_block(const struct conf *conf, struct slice name)
{
	bool found = false;
	for (const struct conf_block *b = conf->inside->blocks; b && !found; b = b->next) {
		struct buf key;
		buf_init(&key, 0, NULL);
		block_name(b, &key);
		found = b->section != CONF_IN_conf && slice_eq(buf_slice(&key), name);
		buf_done(&key);
	}
	return found;
}

static void compare_block(
	const struct conf_block *a, const struct conf_block *b, conf_visit_fn *visit, void *ctx)
{
	const struct conf_row *rows;
	size_t n = conf_rows(&rows);
	struct buf key;
	buf_init(&key, 0, NULL);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].section != b->section || same_value(a, b, &rows[i]))
			continue;
		buf_reset(&key);
		conf_key_write(b, &rows[i], &key);
		visit(ctx, buf_slice(&key));
	}
	buf_done(&key);
}

void conf_compare(
	const struct conf *before, const struct conf *now, conf_visit_fn *visit, void *ctx)
{
	const struct conf_block *a, *b;
	for (b = now->inside->blocks; b; b = b->next) {
		a = conf_block_find(before->inside, b->section, slice_str(b->id));
		if (a)
			compare_block(a, b, visit, ctx);
		else
			tell_block(b, visit, ctx);
	}
	for (a = before->inside->blocks; a; a = a->next)
		if (!conf_block_find(now->inside, a->section, slice_str(a->id)))
			tell_block(a, visit, ctx);
}
