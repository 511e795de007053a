/* fold.c: Sorts a group's operations and asserts of absence by key, and folds those on one key into one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/fold.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

struct item {
	const struct data_op *op;
	size_t at; /* where it stood; asserts before operations */
	size_t assert_at;
};

static int compare(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	if (a->op->space != b->op->space)
		return a->op->space < b->op->space ? -1 : 1;
	int c = slice_cmp(a->op->key, b->op->key);
	if (c)
		return c;
	return a->at < b->at ? -1 : a->at > b->at;
}

static bool room(struct fold *f, size_t n)
{
	if (n > f->items_cap) {
		void *items = mem_grow(MEM_STORE, f->items, n * 2 * sizeof(struct item));
		if (!items)
			return false;
		f->items = items;
		f->items_cap = n * 2;
	}
	if (n > f->cap) {
		struct fold_row *rows = mem_grow(MEM_STORE, f->rows, n * 2 * sizeof(*rows));
		if (!rows)
			return false;
		f->rows = rows;
		f->cap = n * 2;
	}
	return true;
}

/* counter += delta, wrapping. */
static void count(struct fold_row *row, int64_t delta)
{
	uint64_t sum = (uint64_t)data_counter(slice_of(row->counter, 8)) + (uint64_t)delta;
	for (int i = 0; i < 8; i++)
		row->counter[i] = (uint8_t)(sum >> (8 * i));
}

static void add(struct fold_row *row, int64_t delta)
{
	if (row->change == FOLD_PUT && !row->counted && row->value.len == 8)
		memcpy(row->counter, row->value.at, 8);
	else if (!row->counted && row->change != FOLD_ADD)
		memset(row->counter, 0, 8);
	count(row, delta);
	row->counted = row->change == FOLD_PUT || row->change == FOLD_DELETE;
	row->change = row->counted ? FOLD_PUT : FOLD_ADD;
}

static void apply(struct fold_row *row, const struct item *item)
{
	const struct data_op *op = item->op;
	if (op->kind == DATA_ASSERT_ABSENT) {
		row->fresh = true;
		row->fresh_at = item->assert_at;
	} else if (op->kind == DATA_ADD) {
		add(row, op->delta);
	} else {
		row->change = op->kind == DATA_PUT ? FOLD_PUT : FOLD_DELETE;
		row->value = op->value;
		row->counted = false;
	}
}

enum rc fold_group(struct fold *f, const struct engine_group *g, struct fault *why)
{
	size_t n = 0;
	f->n = 0;
	if (!room(f, g->asserts_n + g->n + 1))
		return fault_set(why, FAULT_STORE, "%s", "no memory for a commit");
	struct item *items = f->items;
	for (size_t i = 0; i < g->asserts_n; i++)
		if (g->asserts[i].op->kind == DATA_ASSERT_ABSENT)
			items[n++] = (struct item){ g->asserts[i].op, i, i };
	for (size_t i = 0; i < g->n; i++)
		items[n++] = (struct item){ g->ops[i], g->asserts_n + i, 0 };
	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++) {
		const struct data_op *op = items[i].op;
		struct fold_row *row = &f->rows[f->n];
		bool same = f->n && row[-1].space == op->space && slice_eq(row[-1].key, op->key);
		if (!same) {
			*row = (struct fold_row){ .space = op->space, .key = op->key };
			f->n++;
		}
		apply(same ? row - 1 : row, &items[i]);
	}
	return RC_OK;
}

struct slice fold_value(const struct fold_row *row)
{
	bool counter = row->change == FOLD_ADD || row->counted;
	return counter ? slice_of(row->counter, 8) : row->value;
}

void fold_done(struct fold *f)
{
	mem_free(MEM_STORE, f->rows);
	mem_free(MEM_STORE, f->items);
	*f = (struct fold){ .n = 0 };
}
