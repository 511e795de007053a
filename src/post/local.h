/* local.h: Queued messages for mailboxes of this server. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POST_LOCAL_H
#define POST_LOCAL_H

#include "post/post.h"

struct queue_local;

/* What the queue's deps call `local`; see struct queue_local. */
enum rc post_local(struct post *post, struct queue_local *l, struct task *task, struct fault *why);

#endif
