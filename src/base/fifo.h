/* fifo.h: The order in which a cache lets go: S3-FIFO, three queues, which one pass over everything does not empty. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FIFO_H
#define BASE_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is new waits in a small queue, a tenth of the bytes. What was looked at twice before its end there comes moves to
 * the main one, where it goes round once for each look, three at most; the rest goes, and only its hash is remembered for a
 * while: what comes back in that time is taken for good at once.
 *
 *      new ──► small ──looked at twice──► main ◄─┐
 *                │                          │ └──┘ looked at since
 *                ▼ hash remembered          ▼
 *
 * A look changes one octet and moves nothing, so it needs no lock. All else is guarded by the cache's lock. The cache has the
 * table. */

enum { FIFO_GHOSTS = 1024, FIFO_HITS_MOST = 3 };

/* The first member of a cache's entry; zeroed when the entry is made. */
struct fifo_node {
	struct fifo_node *newer, *older;
	uint64_t hash;
	size_t bytes;
	_Atomic uint8_t hits;
	bool is_main, is_listed;
};

struct fifo_list {
	struct fifo_node *newest, *oldest;
	size_t bytes, n;
};

struct fifo {
	struct fifo_list small, main;
	size_t max; /* bytes; the cache evicts while fifo_bytes is over it */
	uint32_t ghosts[FIFO_GHOSTS];
};

void fifo_init(struct fifo *f, size_t max);
/* The node is in no list. One that was taken out by fifo_remove comes back with its looks. */
void fifo_add(struct fifo *f, struct fifo_node *node, uint64_t hash, size_t bytes);
/* Any thread. */
void fifo_hit(struct fifo_node *node);
/* It grew or shrank where it is. */
void fifo_resize(struct fifo *f, struct fifo_node *node, size_t bytes);
/* Nothing happens when it is not listed. */
void fifo_remove(struct fifo *f, struct fifo_node *node);
/* Takes out what goes next; NULL: it is empty. */
struct fifo_node *fifo_evict(struct fifo *f);
size_t fifo_bytes(const struct fifo *f);
size_t fifo_count(const struct fifo *f);

#endif
