/* dsn.h: Delivery status notifications (RFC 3464) of what the queue has done with a message, or not yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_DSN_H
#define QUEUE_DSN_H

#include "queue/queue.h"

struct dsn_conf {
	const char *hostname;
	int64_t now;
	int64_t notify_after_s; /* a delay is told once, when it has lasted so long */
	int64_t expire_s; /* for so long it is tried */
};

/* The recipient's result is final, its sender wants to know it (RFC 3461 4.1), and was not told. */
bool dsn_owes(const struct queue_message *m, const struct queue_rcpt *r);

/* The report that is due for the message now, as a whole message to its sender. RC_NONE: nothing is to be told (also
 * for the null sender). RC_LIMIT: no memory. */
enum rc dsn_make(const struct dsn_conf *conf, struct blob *blob, const struct queue_message *m,
	struct arena *a, struct slice *out);
/* What dsn_make has put into a report is told. */
void dsn_told(const struct dsn_conf *conf, struct queue_message *m);

#endif
