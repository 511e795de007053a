/* inject.h: Messages that the server itself writes: reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POST_INJECT_H
#define POST_INJECT_H

#include "post/post.h"

/* Delivers or queues `message` for one recipient, from the null sender, and waits until that is durable. On a thread
 * that may block (a worker that gave up its seat, a job). Faults as of post_rcpt_add and post_deliver. */
enum rc post_inject(struct post *post, struct slice rcpt, struct slice message, struct fault *why);

#endif
