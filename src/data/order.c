/* order.c: Sorting a group's operations by key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/order.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { FEW = 16 }; /* not worth it */

struct item {
	const struct data_op *op;
	uint64_t head; /* the key's first eight octets: most pairs are told apart by them */
	size_t at; /* where it stood */
};

static uint64_t head_of(struct slice key)
{
	uint64_t n = 0;
	for (size_t i = 0; i < 8; i++)
		n = n << 8 | (i < key.len ? key.at[i] : 0);
	return n;
}

static int compare_keys(struct slice a, struct slice b)
{
	int c = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

static int compare(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	if (a->op->space != b->op->space)
		return a->op->space < b->op->space ? -1 : 1;
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	int c = compare_keys(a->op->key, b->op->key);
	if (c)
		return c;
	return a->at < b->at ? -1 : a->at > b->at;
}

void order_sort(const struct data_op **ops, size_t n)
{
	struct item *items = n > FEW ? mem_try(MEM_STORE, n * sizeof(*items)) : NULL;
	if (!items)
		return;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ ops[i], head_of(ops[i]->key), i };
	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++)
		ops[i] = items[i].op;
	mem_free(MEM_STORE, items);
}
