/* client_int.h: The two halves of the SMTP client: the session and its transactions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_CLIENT_INT_H
#define QUEUE_CLIENT_INT_H

#include "net/conn.h"
#include "queue/deliver_int.h"
#include "wire/smtp_reply.h"

/* One outgoing connection. Its task owns it; what a rest hands over is under the queue's lock. */
struct client {
	struct queue *q;
	const struct queue_terms *terms; /* [queue 4] */
	struct conn *conn;
	struct dest *dest;
	struct client *next; /* at rest, in its destination's list */
	struct delivery *d; /* whose message it carries; NULL: at rest, or on its way out */
	bool resting;
	struct arena arena; /* of one reply */
	struct smtp_answer reply;
	struct smtp_ehlo ehlo;
	char name[256]; /* of the server */
	uint32_t carried; /* messages before this one */
	bool said_ehlo, plain_only, tls_tried;
	/* transaction.c */
	bool heard; /* the server has said something since MAIL */
	bool at_line_start;
	size_t next_rcpt, accepted;
	size_t behind; /* replies that come after that to MAIL */
	const struct downgrade_span *spans; /* what is sent */
	size_t spans_n, span;
	uint64_t sent; /* octets of the span */
	struct downgrade_span whole; /* when it goes as it is */
	struct downgrade_qp qp;
};

typedef enum step client_reply_fn(struct client *c);

struct client *client_of(struct task *t);
/* A whole step: waits for a reply and goes on with it, or with the loss of the connection. */
enum step client_reply(struct task *t, client_reply_fn *then);
/* The next step reads a reply. */
void client_expect(struct client *c, step_fn *next);
/* The reply as one line with its codes, in `a`. */
struct slice client_said(struct client *c, struct arena *a);
/* d->answer is the reply. */
void client_keep(struct client *c);
/* The connection is of no use any more: the delivery goes on without it. */
enum step client_lost(struct client *c);
/* The transaction is over. The server is ready for the next one, or RSET makes it so, or there will be none. */
enum client_end { CLIENT_CLEAN, CLIENT_RESET, CLIENT_QUIT };
enum step client_done(struct client *c, enum client_end end);

/* transaction.c */
enum step transaction_begin(struct client *c);
step_fn transaction_mail, transaction_rcpt, transaction_data, transaction_body, transaction_final,
	transaction_drain;

#endif
