/* post.h: A message's journey from a door to mailboxes and queue: envelope, body, delivery in one commit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POST_POST_H
#define POST_POST_H

#include "base/fault.h"
#include "dir/dir.h"

struct blob;
struct data;
struct mail;
struct post;
struct queue;
struct run;
struct task;

struct post_deps {
	struct mail *mail;
	struct dir *dir;
	struct data *data;
	struct blob *blob;
	struct queue *queue; /* NULL: nothing is relayed */
	struct run *run;
	const char *hostname;
	uint64_t size_max; /* octets of a message */
	uint32_t rcpt_max;
	uint32_t hops_max; /* Received fields; more is a loop. 0: 50 */
};

/* Who speaks to us, borrowed until the message is dropped. */
struct post_source {
	struct slice door; /* "smtp", "submission", "lmtp" */
	struct slice with; /* "ESMTPSA": RFC 3848 */
	struct slice peer; /* address as text */
	struct slice helo; /* as the client gave it */
	struct slice by; /* our name for it; empty: post_deps.hostname */
	struct slice tls; /* "TLSv1.3 cipher ...", empty for none */
	uint32_t account; /* 0: not logged in */
	bool may_relay; /* logged in, or a trusted network */
	bool is_own; /* written by this server: its line ends are not looked at */
	bool reply_each; /* LMTP: a reply for each recipient */
	/* Called once, on the thread that writes or delivers, when post_held has the whole header: adds with
	 * post_prepend what is missing. NULL: nothing is. */
	void (*complete)(void *arg);
	void *arg;
};

enum {
	POST_NOTIFY_NEVER = 1,
	POST_NOTIFY_SUCCESS = 2,
	POST_NOTIFY_FAILURE = 4,
	POST_NOTIFY_DELAY = 8
};

struct post_rcpt {
	struct slice address; /* as the client gave it, without brackets */
	struct slice orcpt; /* RFC 3461 4.2, decoded by nobody: as it came; empty */
	unsigned notify; /* POST_NOTIFY_*; 0: default */
	struct dir_rcpt to;
	struct fault result; /* filled by the delivery */
};

struct post_envelope {
	struct slice sender; /* empty: the null sender */
	struct slice envid; /* RFC 3461 4.4 */
	bool ret_headers, ret_full; /* RET=HDRS, RET=FULL */
	bool smtputf8, body_8bit, body_binary;
};

struct post *post_new(const struct post_deps *deps);
void post_free(struct post **post);
const struct post_deps *post_deps(const struct post *post);

/* One message under way. Owned by one session. */
struct post_mail;

/* Begins an envelope; `env` is copied. Its trace id (for logs, Received and the reply) is "t..." in post_id. */
struct post_mail *post_begin(
	struct post *post, const struct post_source *src, const struct post_envelope *env);
void post_drop(struct post_mail **m);
struct slice post_id(const struct post_mail *m);

/* Checks one recipient and adds it. `orcpt` and `address` are copied. Faults: USER_UNKNOWN, RELAY_DENIED, QUOTA,
 * TOO_MANY_RCPT, STORE. May block on the store. */
enum rc post_rcpt_add(struct post_mail *m, struct slice address, struct slice orcpt,
	unsigned notify, struct fault *why);
/* BODY=BINARYMIME was said. */
bool post_is_binary(const struct post_mail *m);
size_t post_rcpts(const struct post_mail *m, const struct post_rcpt **out);

/* Body bytes, lines with CRLF, dot-stuffing removed. RC_BAD: BARE_NEWLINE, unless BODY=BINARYMIME
 * was said. RC_LIMIT: MESSAGE_TOO_BIG (the caller reads on and refuses at the
 * end); STORE_FULL. After a fault further bytes are dropped. */
enum rc post_write(struct post_mail *m, struct slice bytes, struct fault *why);
/* For `complete`: the body's beginning, with its header if it has one of sane length. */
struct slice post_held(const struct post_mail *m);
/* For `complete`: puts header fields in front of the message (complete lines). */
void post_prepend(struct post_mail *m, struct slice fields);

/* The delivery as one re-runnable function, for the last steps of a door:
 *   RC_WAIT  parked at a turnstile or a commit is under way: the step ends with PARK; run it again when woken
 *   RC_OK    durable (or, for one LMTP recipient, its own fault is in rcpt.result)
 *   else     nothing was delivered; `why` says it, and each rcpt.result too */
enum rc post_deliver(struct post_mail *m, struct task *task, struct fault *why);

#endif
