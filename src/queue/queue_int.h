/* queue_int.h: The queue in memory: what is due when, and deliveries under way. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_QUEUE_INT_H
#define QUEUE_QUEUE_INT_H

#include "base/lock.h"
#include "dns/dns.h"
#include "net/conn.h"
#include "queue/downgrade.h"
#include "queue/queue.h"

enum { DEST_BUCKETS = 1024, ROUTE_HOSTS = 16 };

struct client;
struct delivery;

struct queue_due {
	uint64_t id;
	int64_t due;
};

/* Where mail goes: a domain, or the relay host. It lives while something of it does; all under the queue's lock. */
struct dest {
	struct dest *next; /* in its bucket */
	struct client *idle; /* connections at rest, the one used last in front */
	struct delivery *first, *last; /* wait for their turn */
	uint32_t busy; /* deliveries that have a connection, or make one */
	char key[];
};

struct queue {
	struct queue_deps deps;
	struct task *scheduler;
	struct door door; /* of outgoing connections */
	struct lock lock; /* guards all below */
	struct queue_due *heap;
	size_t heap_n, heap_cap;
	uint64_t *busy; /* ids under way, at_once of them at most */
	size_t busy_n;
	struct dest *dests[DEST_BUCKETS];
	uint64_t last_id;
	_Atomic size_t depth;
};

/* One message under way. Its own task resolves names and commits results; while a client has it, the connection's task
 * runs the steps of client.c and this one sleeps. */
struct delivery {
	struct task task; /* first */
	struct queue *q;
	struct arena arena;
	struct queue_message m;
	struct dns_memo memo;
	size_t first; /* of the recipients of the domain at hand */
	struct slice domain; /* empty: none at hand */
	struct slice hosts[ROUTE_HOSTS];
	size_t hosts_n, host, address;
	bool has_address, dns_failed; /* of any of the hosts so far */
	bool is_us; /* the server at the other end says our name */
	bool forced; /* somebody wants it now, whatever its record says */
	bool *tried, *open,
		*taken; /* each recipient: had its turn; in this transaction and not answered; RCPT was accepted */
	bool reached; /* the server heard MAIL */
	bool plain_next; /* the handshake failed: once more without TLS */
	char answer[256]; /* why this host did not take it */
	char server[256]; /* its name; empty: there was none */
	struct downgrade_span
		*spans; /* the message for servers without 8BITMIME; NULL: nobody needed it yet */
	size_t spans_n;
	struct data_batch batch;
	struct arena work;
	/* under the lock: */
	struct dest *dest; /* where it has its turn; NULL: nowhere */
	struct client *client; /* which has it now */
	struct delivery *next; /* who waits behind it */
	bool waits; /* for its turn */
	bool given; /* a connection that stood already has it, or had it until now */
	bool stale; /* the connection that it was given had ended already */
};

/* store.c */
void queue_key(struct buf *key, uint64_t id);
void queue_write(const struct queue_message *m, struct buf *out);
/* Slices are views into the bytes. RC_LOST: damaged. */
enum rc queue_read(struct slice in, uint64_t id, struct arena *a, struct queue_message *out);
enum rc queue_load(struct queue *q, uint64_t id, struct arena *a, struct queue_message *out,
	struct fault *why);
/* Record, or its deletion when it is finished: nobody waits, and nobody has to be told. */
void queue_save(struct queue *q, struct data_batch *b, const struct queue_message *m);
bool queue_finished(const struct queue_message *m);

/* queue.c */
void queue_put_due(struct queue *q, uint64_t id, int64_t due);
void queue_idle(struct queue *q, uint64_t id); /* a delivery has ended */

/* deliver.c */
void deliver_start(struct queue *q, uint64_t id, bool forced);
/* The recipient's result, as d->server has it. */
void deliver_answer(struct delivery *d, size_t rcpt, enum queue_state state, struct slice answer);
/* The recipient has its turn in another transaction of this round. */
void deliver_later(struct delivery *d, size_t rcpt);

/* dest.c, all under q->lock. */
/* True: `by` has its turn: by->dest is set, and by->client too when a connection was at rest; it is woken. False: it
 * waits, until it finds by->waits false. */
bool dest_enter(struct queue *q, struct slice key, struct delivery *by);
/* The turn goes to who waits first; nothing happens to one that has none. Ends its waiting, too. */
void dest_leave(struct queue *q, struct delivery *by);
/* The connection's message is done, and has no turn any more: both go to who waits first (RC_OK), or it rests (RC_NONE). */
enum rc dest_next(struct queue *q, struct client *c);
/* A connection at rest that ends. */
void dest_forget(struct queue *q, struct client *c);
/* Another connection at rest for one that has its turn; false: there is none. */
bool dest_again(struct queue *q, struct delivery *by);

/* route.c */
bool route_is_relay(const struct queue *q);
/* d->hosts for d->domain, best first. RC_WAIT: run again when woken. RC_TEMP, or another one for good: `*no` says why. */
enum rc route_hosts(struct delivery *d, const char **no);
/* The next address of the host at hand. RC_WAIT: run again when woken. RC_NONE: no more. */
enum rc route_address(struct delivery *d, struct sockaddr_storage *out, socklen_t *len);
/* After all hosts: why they will never be reached; NULL: they may. */
const char *route_unreachable(const struct delivery *d);

/* client.c */
void client_door(struct queue *q);
/* A new connection for the delivery, which has it from now on. RC_TEMP: there is none, and it has not. */
enum rc client_connect(struct delivery *d, const struct sockaddr *to, socklen_t len);

#endif
