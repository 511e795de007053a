/* fifo.c: S3-FIFO: a small queue in front of the main one, and a memory of what went lately. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fifo.h"
#include "base/must.h"
#include <stdatomic.h>

enum { SMALL_PART = 10, HITS_TO_STAY = 2 };

void fifo_init(struct fifo *f, size_t max)
{
	*f = (struct fifo){ .max = max };
}

static void push(struct fifo_list *l, struct fifo_node *node)
{
	node->newer = NULL;
	node->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = node;
	l->newest = node;
	l->bytes += node->bytes;
	l->n++;
	node->is_listed = true;
}

static void drop(struct fifo_list *l, struct fifo_node *node)
{
	*(node->newer ? &node->newer->older : &l->newest) = node->older;
	*(node->older ? &node->older->newer : &l->oldest) = node->newer;
	node->newer = node->older = NULL;
	l->bytes -= node->bytes;
	l->n--;
	node->is_listed = false;
}

/* A place for each hash; a younger one takes it. 0: nobody. */
static uint32_t *ghost(struct fifo *f, uint64_t hash)
{
	return &f->ghosts[hash % FIFO_GHOSTS];
}

static uint32_t mark(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

void fifo_add(struct fifo *f, struct fifo_node *node, uint64_t hash, size_t bytes)
{
	uint32_t *place = ghost(f, hash);
	must(!node->is_listed);
	if (*place == mark(hash)) {
		node->is_main = true;
		*place = 0;
	}
	node->hash = hash;
	node->bytes = bytes;
	push(node->is_main ? &f->main : &f->small, node);
}

void fifo_hit(struct fifo_node *node)
{
	uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
	/* of two that look at once one may not count */
	if (hits < FIFO_HITS_MOST)
		atomic_store_explicit(&node->hits, (uint8_t)(hits + 1), memory_order_relaxed);
}

void fifo_resize(struct fifo *f, struct fifo_node *node, size_t bytes)
{
	struct fifo_list *l = node->is_main ? &f->main : &f->small;
	if (node->is_listed)
		l->bytes = l->bytes - node->bytes + bytes;
	node->bytes = bytes;
}

void fifo_remove(struct fifo *f, struct fifo_node *node)
{
	if (node->is_listed)
		drop(node->is_main ? &f->main : &f->small, node);
}

/* NULL: all of it moved to the main queue, or it was empty. */
static struct fifo_node *evict_small(struct fifo *f)
{
	struct fifo_node *node;
	while ((node = f->small.oldest) != NULL) {
		drop(&f->small, node);
		if (node->hits < HITS_TO_STAY) {
			*ghost(f, node->hash) = mark(node->hash);
			return node;
		}
		node->hits = 0;
		node->is_main = true;
		push(&f->main, node);
	}
	return NULL;
}

/* Each round takes a look from every node, so it ends. */
static struct fifo_node *evict_main(struct fifo *f)
{
	struct fifo_node *node;
	while ((node = f->main.oldest) != NULL) {
		drop(&f->main, node);
		uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
		if (hits == 0)
			return node;
		atomic_store_explicit(&node->hits, (uint8_t)(hits - 1), memory_order_relaxed);
		push(&f->main, node);
	}
	return NULL;
}

struct fifo_node *fifo_evict(struct fifo *f)
{
	struct fifo_node *node = NULL;
	if (f->small.bytes > f->max / SMALL_PART || f->main.n == 0)
		node = evict_small(f);
	if (!node)
		node = evict_main(f);
	return node ? node : evict_small(f);
}

size_t fifo_bytes(const struct fifo *f)
{
	return f->small.bytes + f->main.bytes;
}

size_t fifo_count(const struct fifo *f)
{
	return f->small.n + f->main.n;
}
