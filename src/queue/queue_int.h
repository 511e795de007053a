/* queue_int.h: The queue in memory: what is due, in line at its destinations. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_QUEUE_INT_H
#define QUEUE_QUEUE_INT_H

#include "base/lock.h"
#include "queue/queue.h"

enum {
	DEST_BUCKETS = 1024,
	ITEM_BUCKETS = 16384,
	ROUTE_HOSTS = 16,
	ITEMS_MOST = 50000, /* in memory; others wait in the store */
	DEST_ITEMS_MOST = 1000, /* of those for one destination */
	HOT_EACH = 64 * 1024,
	HOT_ALL = 8 * 1024 * 1024
};

struct client;
struct delivery;

/* A place in the index: messages by the second in which they are due. */
struct due {
	int64_t at;
	uint64_t id;
};

/* What was just committed need not be read again. */
struct hot {
	struct slice record, content; /* content: empty when it was too large */
	uint8_t bytes[];
};

/* A message in memory: due, or under way. */
enum item_state { ITEM_HELD, ITEM_WAITS, ITEM_RUNS, ITEM_LATER };
struct item {
	uint64_t id;
	struct item *same_bucket;
	struct item *next; /* in line at its destination, or of those for later */
	struct dest *dest;
	struct hot *hot; /* or NULL */
	int64_t later; /* unix seconds: the store failed, and its place in the index is behind us */
	enum item_state state;
	bool forced; /* somebody wants it now, whatever its record says */
	bool again; /* it became due anew while it ran */
};

/* Where mail goes: a domain, or the relay host. It lives while something of it does; all under the queue's lock. */
struct dest {
	struct dest *next; /* in its bucket */
	struct client *idle; /* connections at rest, the one used last in front */
	struct delivery *first, *last; /* wait for their turn */
	uint32_t busy; /* deliveries that have a connection, or make one */
	struct item *first_item, *last_item; /* in line */
	uint32_t refs; /* items that know it */
	uint32_t items, begun; /* in line; taken from it and not ended */
	struct dest *next_in_ring;
	bool in_ring;
	bool more; /* beyond DEST_ITEMS_MOST: in the index from there on */
	struct due more_from;
	char key[]; /* empty: nothing has to be sent */
};

/* [queue 4] What began under terms ends under them: a delivery and a connection each keep theirs. */
struct terms {
	struct queue_terms now;
	struct terms *older; /* kept: somebody may still look at them */
	char text[]; /* the strings */
};

struct queue {
	struct queue_deps deps; /* without its terms */
	_Atomic(const struct queue_terms *) terms;
	struct terms *all; /* the newest first; queue_change's own */
	struct task *scheduler;
	struct door door; /* of outgoing connections */
	struct lock lock; /* guards all below */
	struct dest *dests[DEST_BUCKETS];
	struct item *items[ITEM_BUCKETS];
	size_t items_n, hot_bytes;
	uint32_t running; /* deliveries that do not wait for their turn */
	struct dest *ring, *ring_last; /* destinations that may begin something */
	struct item *later, *later_last;
	struct due seen; /* the index up to there is in memory, or marked at its destination */
	int64_t next_due; /* no later than the first one behind; INT64_MAX: none */
	uint64_t last_id;
	_Atomic size_t depth;
};

/* store.c */
void queue_key(struct buf *key, uint64_t id);
void queue_write(const struct queue_message *m, struct buf *out);
/* Slices are views into the bytes. RC_LOST: damaged. */
enum rc queue_read(struct slice in, uint64_t id, struct arena *a, struct queue_message *out);
enum rc queue_load(struct queue *q, uint64_t id, struct arena *a, struct queue_message *out,
	struct fault *why);
/* Record and place in the index, or their deletion when it is finished: nobody waits, and nobody has to be told. Returns
 * the record, which like the batch's other keys and values refers to `m` and lies in the batch's arena. */
struct slice queue_save(struct queue *q, struct data_batch *b, const struct queue_message *m);
/* The record alone, finished or not, in its old place of the index. */
void queue_note(struct data_batch *b, const struct queue_message *m);
bool queue_finished(const struct queue_message *m);

void queue_due_key(struct buf *key, struct due place);
/* Behind the last @. */
struct slice queue_domain(struct slice address);
/* Where it goes next; empty: nowhere, its sender is to be told. */
struct slice queue_to(const struct queue *q, const struct queue_message *m);

/* past.c */
/* A queue from before there was an index and a count: every record gets its place. May block. */
enum rc past_file(struct queue *q, struct fault *why);

/* queue.c */
/* Begins what may begin. Not under the lock. */
void queue_turn(struct queue *q);
/* The record was written: it is due again then. */
void queue_put_due(struct queue *q, uint64_t id, int64_t due);
/* A delivery has ended; `again_s` > 0: its record is as it was, and it is tried again so much later. */
void queue_ended(struct queue *q, struct item *i, int64_t again_s);

/* index.c */
/* Reads on in the index. True: there is more to be read now. */
bool index_fill(struct queue *q);
/* Under the lock: the place was passed; the message there may have been begun. */
bool index_is_behind(const struct queue *q, struct due place);
/* Under the lock: the message is due, and is put in line when there is room; else index_fill will find it. */
void index_due(struct queue *q, struct due place, struct slice to);

/* items.c, all under q->lock. */
struct item *items_find(struct queue *q, uint64_t id);
/* Held: in no line. `d` NULL: never put in line. */
struct item *items_new(struct queue *q, uint64_t id, struct dest *d);
void items_wait(struct queue *q, struct item *i, bool first);
/* The next one to begin, each destination in turn. NULL: none, or enough run. */
struct item *items_take(struct queue *q);
/* Out of its line. False: it is in none. */
bool items_hold(struct item *i);
/* One that runs is held. */
void items_end(struct queue *q, struct item *i);
/* One that is held. */
void items_drop(struct queue *q, struct item *i);
void items_heat(struct queue *q, struct item *i, struct slice record, struct slice content);
void items_cool(struct queue *q, struct item *i);

/* deliver.c */
void deliver_start(struct queue *q, struct item *i);

/* dest.c, under q->lock. */
struct dest *dest_get(struct queue *q, struct slice key);
/* Frees it when nothing of it is left. */
void dest_put(struct queue *q, struct dest *d);

/* route.c */
bool route_is_relay(const struct queue_terms *terms);
/* terms.c: those that count now; they live as long as the queue. */
const struct queue_terms *terms_now(const struct queue *q);
void terms_free(struct queue *q);
/* dest.c, under the lock: those that wait begin, as far as the terms allow now; what rests is woken. */
void dest_changed(struct queue *q);

/* client.c */
void client_door(struct queue *q);

#endif
