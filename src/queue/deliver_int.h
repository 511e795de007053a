/* deliver_int.h: One message under way, for those who find its way and those who carry it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_DELIVER_INT_H
#define QUEUE_DELIVER_INT_H

#include "dns/dns.h"
#include "queue/downgrade.h"
#include "queue/queue_int.h"

/* One message under way. Its own task resolves names and commits results; while a client has it, the connection's task
 * runs the steps of client.c and this one sleeps. */
struct delivery {
	struct task task; /* first */
	struct queue *q;
	const struct queue_terms *terms; /* [queue 4] */
	struct arena arena;
	struct queue_message m;
	struct dns_memo memo;
	size_t first; /* of the recipients of the domain at hand */
	struct slice domain; /* empty: none at hand */
	struct slice hosts[ROUTE_HOSTS];
	size_t hosts_n, host, address;
	bool has_address, dns_failed; /* of any of the hosts so far */
	bool is_us; /* the server at the other end says our name */
	struct item *item;
	const struct hot *hot; /* what its item has; or NULL */
	int64_t again_s; /* its record stays as it was: tried again so much later */
	bool *tried, *open,
		*taken; /* each recipient: had its turn; in this transaction and not answered; RCPT was accepted */
	bool reached; /* the server heard MAIL */
	bool plain_next; /* the handshake failed: once more without TLS */
	char answer[256]; /* why this host did not take it */
	char server[256]; /* its name; empty: there was none */
	struct downgrade_span
		*spans; /* the message for servers without 8BITMIME; NULL: nobody needed it yet */
	size_t spans_n;
	struct queue_local local; /* a part of the recipients that have mailboxes here */
	size_t *local_rcpts; /* their places in m.rcpts */
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

/* deliver.c */
/* The recipient's result, as d->server has it. */
void deliver_answer(struct delivery *d, size_t rcpt, enum queue_state state, struct slice answer);
/* The recipient has its turn in another transaction of this round. */
void deliver_later(struct delivery *d, size_t rcpt);

/* The recipients that are left have their turn. */
void deliver_next(struct delivery *d);

/* local.c */
step_fn deliver_local;
void deliver_local_done(struct delivery *d);

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
/* d->hosts for d->domain, best first. RC_WAIT: run again when woken. RC_TEMP, or another one for good: `*no` says why. */
enum rc route_hosts(struct delivery *d, const char **no);
/* The next address of the host at hand. RC_WAIT: run again when woken. RC_NONE: no more. */
enum rc route_address(struct delivery *d, struct sockaddr_storage *out, socklen_t *len);
/* After all hosts: why they will never be reached; NULL: they may. */
const char *route_unreachable(const struct delivery *d);

/* client.c */
/* A new connection for the delivery, which has it from now on. RC_TEMP: there is none, and it has not. */
enum rc client_connect(struct delivery *d, const struct sockaddr *to, socklen_t len);

#endif
