/* queue_int.h: The queue in memory: what is due when, and deliveries under way. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_QUEUE_INT_H
#define QUEUE_QUEUE_INT_H

#include "base/lock.h"
#include "dns/dns.h"
#include "net/conn.h"
#include "queue/queue.h"
#include "wire/smtp_reply.h"

struct queue_due {
	uint64_t id;
	int64_t due;
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
	uint64_t last_id;
	_Atomic size_t depth;
};

/* One message under way. Its own task resolves names and commits results; while a connection stands, the connection's
 * task runs the steps of client.c and this one sleeps. */
struct delivery {
	struct task task; /* first */
	struct queue *q;
	struct arena arena;
	struct queue_message m;
	struct dns_memo memo;
	size_t first; /* of the recipients of the domain at hand */
	struct slice domain; /* empty: none at hand */
	struct slice hosts[16];
	size_t hosts_n, host, address;
	bool talking; /* under the lock: the connection's task has it */
	struct conn *conn;
	bool forced; /* somebody wants it now, whatever its record says */
	bool *tried, *open,
		*taken; /* each recipient: had its turn; in this transaction and not answered; RCPT was accepted */
	bool reached; /* the server heard MAIL */
	bool plain_next; /* the handshake failed: once more without TLS */
	char answer[256]; /* why this host did not take it */
	struct data_batch batch;
	struct arena work;
	/* client.c */
	struct smtp_answer reply;
	struct arena reply_arena;
	struct smtp_ehlo ehlo;
	bool said_ehlo, plain_only, tls_done, at_line_start;
	size_t next_rcpt, accepted;
	uint64_t sent;
};

/* store.c */
void queue_key(struct buf *key, uint64_t id);
void queue_write(const struct queue_message *m, struct buf *out);
/* Slices are views into the bytes. RC_LOST: damaged. */
enum rc queue_read(struct slice in, uint64_t id, struct arena *a, struct queue_message *out);
enum rc queue_load(struct queue *q, uint64_t id, struct arena *a, struct queue_message *out,
	struct fault *why);
/* Record, or its deletion when nobody waits any more. */
void queue_save(struct queue *q, struct data_batch *b, const struct queue_message *m);
bool queue_finished(const struct queue_message *m);

/* queue.c */
void queue_put_due(struct queue *q, uint64_t id, int64_t due);
void queue_idle(struct queue *q, uint64_t id); /* a delivery has ended */

/* deliver.c */
void deliver_start(struct queue *q, uint64_t id, bool forced);
void deliver_answer(struct delivery *d, size_t rcpt, enum queue_state state, struct slice answer);

/* client.c */
extern const struct task_kind queue_client_kind;
enum rc client_open(void *arg, struct conn *c);

#endif
