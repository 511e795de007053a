/* queue.h: Mail for elsewhere: durable records, tried again until they are sent, failed or too old. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "blob/blob.h"
#include "dns/dns.h"
#include "net/net.h"

/* Keys in DATA_MAIN:
 *   'Q' 'm' be64(id)             a message: its envelope and the state of each recipient
 *   'Q' 'd' be64(due) be64(id)   when it is tried next; the value is its destination. None while it is paused
 *   'Q' 'n'                      how many there are
 * The content is a blob, linked by account 0, kind 'Q', item id.
 *
 * [queue 1] What is in the store is the truth; memory holds some ids of what is due, and is filled by pages.
 * [queue 2] A record goes when no recipient waits and no sender has to be told of one.
 * [queue 3] A recipient's state changes only by a durable commit after its server's answer: a crash in between sends
 *           once more (as SMTP allows), and never loses. */

struct queue;
struct queue_local;

enum queue_tls { QUEUE_TLS_OPPORTUNISTIC, QUEUE_TLS_REQUIRED, QUEUE_TLS_NEVER };

/* What may change while it runs. */
struct queue_terms {
	const char *hostname;
	const char *
		relay_host; /* "host:port", "[192.0.2.1]:25", "[2001:db8::1]:25"; NULL or "": by MX */
	unsigned port; /* of the servers found by MX; 0: 25 */
	enum queue_tls tls;
	/* 0 in each: 15 min, 4 h, 5 days, 1 day, 30 s, 5 min */
	uint64_t retry_first_ms, retry_max_ms, expire_ms, notify_ms, connect_ms, command_ms;
	uint64_t rest_ms; /* for so long a connection waits for another message; 0: 5 s */
	uint32_t at_once; /* messages under way; 0: 200 */
	uint32_t per_destination; /* connections to one destination; 0: 20 */
	uint32_t per_connection; /* messages over one connection; 0: 100 */
	uint32_t per_message_rcpt; /* recipients of one transaction; 0: 100 */
};

struct queue_deps {
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct net *net; /* its TLS context also serves as client */
	struct dns *dns; /* NULL: only relay_host and address literals are reached */
	struct queue_terms terms; /* copied */
	/* Delivers a report to the sender of a message, local or not: makes its own commit. It is called on a worker that
	 * has given up its seat, and may block. NULL: reports are only logged. */
	enum rc (*report)(void *arg, struct slice rcpt, struct slice message, struct fault *why);
	/* Delivers to mailboxes of this server; see struct queue_local. NULL: there are none. */
	enum rc (*local)(void *arg, struct queue_local *l, struct task *task, struct fault *why);
	void *arg;
};

enum queue_state { QUEUE_WAITING, QUEUE_SENT, QUEUE_FAILED };
/* Sent: to a server that will report by itself; to one that will not; to a mailbox; to all behind a list. */
enum queue_how { QUEUE_PASSED, QUEUE_RELAYED, QUEUE_DELIVERED, QUEUE_EXPANDED };

struct queue_rcpt {
	struct slice address;
	uint32_t account; /* not 0: a mailbox here, reached under that address */
	struct slice orcpt; /* "rfc822;address", decoded; or empty */
	unsigned notify; /* enum smtp_notify; 0: default (RFC 3461 4.1) */
	enum queue_state state;
	enum queue_how how; /* when it is sent */
	uint32_t tries;
	bool delayed_told, told; /* the sender knows of a delay, of the result */
	struct slice server; /* whose answer it is; empty: our own reason */
	struct slice answer; /* the last one */
};

struct queue_message {
	uint64_t id;
	struct slice trace, sender, envid;
	bool ret_headers, ret_full, smtputf8, body_8bit, paused;
	struct blob_ref blob;
	uint64_t skip; /* leading octets of the blob that are ours alone: Return-Path */
	int64_t made, due; /* unix seconds */
	int64_t filed; /* under this time it is in the index; 0: nowhere */
	struct queue_rcpt *rcpts;
	size_t rcpts_n;
	struct queue_part *parts; /* what queue_add has made of it, in the batch's arena */
	size_t parts_n;
};

/* The recipients of one destination, as they are stored: each destination has its own tries and its own pace. */
struct queue_part {
	uint64_t id;
	struct slice to, record;
};

/* A message on its way to some accounts, in one commit. The function runs again until it does not say RC_WAIT:
 *   RC_OK  results are there, FAULT_NONE for each account that has the message now
 *   else   no account has it, results say why
 * Called with `task` NULL it gives back what it keeps in `state`, and nothing else. */
struct queue_local {
	const struct queue_message *m;
	const uint32_t *accounts;
	size_t n;
	struct fault *results; /* n of them */
	/* What belongs into the same commit; called when results are there, again when it is built again. */
	void (*also)(struct queue_local *l, struct data_batch *b);
	void *state; /* the function's own; NULL at first */
};
enum { QUEUE_LOCAL_MOST = 50 }; /* accounts of one commit */

struct queue *queue_new(const struct queue_deps *deps);
/* Starts; call it when the run time runs. How much is stored does not matter. */
enum rc queue_start(struct queue *q, struct fault *why);
void queue_free(struct queue **q);

/* Other terms, copied: for what begins from now on; connections at rest end. Those that count no more are kept as long as the
 * queue: a change costs a few hundred octets. One caller at a time. */
void queue_change(struct queue *q, const struct queue_terms *terms);

/* Adds records and links to the batch, one for each destination; m->id, the first of their ids, and m->parts are set.
 * The blob itself is added by the caller. A recipient may be sent already: then its sender is told. RC_LIMIT: no memory. */
enum rc queue_add(struct queue *q, struct data_batch *b, struct queue_message *m);
/* After the commit: it is tried at once. `content` is the blob's, if it is at hand, or empty. */
void queue_added(struct queue *q, const struct queue_message *m, struct slice content);

/* For the command line. Results live in `a`. Any thread, may block. */
enum rc queue_list(struct queue *q, size_t most, struct arena *a, struct queue_message **out,
	size_t *n, struct fault *why);
enum rc queue_show(struct queue *q, uint64_t id, struct arena *a, struct queue_message *out,
	struct fault *why);
enum rc queue_retry(struct queue *q, uint64_t id, struct fault *why);
enum rc queue_cancel(struct queue *q, uint64_t id, struct fault *why);
enum rc queue_pause(struct queue *q, uint64_t id, bool paused, struct fault *why);
/* A try of it is under way. */
bool queue_is_trying(struct queue *q, uint64_t id);
size_t queue_depth(const struct queue *q);

#endif
