/* dsn.h: Delivery status notifications (RFC 3464) for what the queue could not deliver, or not yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_DSN_H
#define QUEUE_DSN_H

#include "queue/queue.h"

struct dsn_conf {
	const char *hostname;
	int64_t now;
	int64_t notify_after_s; /* a delay is told once, when it has lasted so long */
};

/* The report that is due for the message now, as a whole message to its sender. Marks delays as told in `m`.
 * RC_NONE: nothing is to be told (also for the null sender). RC_LIMIT: no memory. */
enum rc dsn_make(const struct dsn_conf *conf, struct blob *blob, struct queue_message *m,
	struct arena *a, struct slice *out);

#endif
