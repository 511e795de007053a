/* world.h: A queue with memory for a store, a script for DNS, and a place for its reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_QUEUE_WORLD_H
#define TEST_UNIT_QUEUE_WORLD_H

#include "peer.h"
#include "queue/queue.h"

struct world {
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct net *net;
	struct dns *dns;
	struct queue *queue;
	struct arena a;
	struct fault why;
	char report[20000];
	char folder[64], path[80];
	struct queue_deps deps;
	uint64_t start_us; /* how long queue_start took */
	bool cold; /* contents come from the store */
	_Atomic int reports, report_temp_left; /* so many fail in passing first */
	uint64_t deferred; /* recipients whose try failed; known when it has ended */
};

/* `more`: port and limits; the rest is filled in. */
void world_begin(struct world *w, const struct queue_deps *more);
/* A peer that offers `extensions` starts, and a world that finds it. */
void world_meet(struct world *w, struct peer *p, const char *extensions);
/* On "rocksdb" or "sqlite" in a folder of its own. */
void world_begin_on(struct world *w, const char *engine, const struct queue_deps *more);
/* Everything but the store ends and begins anew. */
void world_restart(struct world *w);
void world_end(struct world *w);
/* Adds content of one frame to the batch. */
void world_store(struct world *w, struct data_batch *b, struct slice whole, struct blob_ref *ref);
/* Queues `text` with the envelope given, to which sender, blob and time are added. Returns its id. */
uint64_t world_queue(struct world *w, struct slice text, struct queue_message *m);
/* Queues `text` for the addresses, the last one NULL. Returns its id. */
uint64_t world_post(struct world *w, struct slice text, const char *const *rcpts, unsigned notify);
#define TO(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}
/* Waits until nothing is queued; false: it was still not so after five seconds. */
bool world_emptied(struct world *w);

#endif
