/* post_int.h: A message under way, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POST_POST_INT_H
#define POST_POST_INT_H

#include "account/account.h"
#include "mail/intake.h"
#include "post/post.h"
#include "queue/queue.h"

struct post {
	struct post_deps deps;
	_Atomic uint64_t next_id;
};

enum post_stage {
	POST_ENVELOPE,
	POST_PARSED,
	POST_OPENED,
	POST_ENTERED,
	POST_COMMITTING,
	POST_DONE
};

/* One account that gets the message: opened, entered in id order, changed in the shared batch. */
struct post_target {
	uint32_t account;
	size_t rcpt; /* first recipient that leads here */
	struct mail_account *ma;
	struct account_visit visit;
	struct mail_change *change;
	bool ahead; /* the turnstile is passed on once the batch is submitted */
	struct fault refused; /* FAULT_NONE: it is in the batch */
};

struct post_mail {
	struct post *post;
	const struct post_source *src;
	struct post_envelope env;
	struct arena arena; /* envelope: lives as long as the message */
	struct arena work; /* of one try to deliver: reset when it is built again */
	char id[24];
	struct post_rcpt *rcpts;
	size_t rcpts_n, rcpts_cap;
	/* body */
	struct buf head; /* trace fields in front */
	struct buf held; /* the body's beginning, until the head is fixed */
	size_t looked; /* octets of it in which the header does not end */
	bool started; /* it is: all goes to `in` */
	struct mail_intake in;
	struct buf frame; /* of `in` */
	uint64_t size; /* octets of the body so far */
	struct slice content; /* head and body, if that is small and goes to the queue */
	bool has_8bit, has_parts;
	bool has_utf8_header; /* SMTPUTF8 may be said needlessly: who has ASCII there can be reached everywhere */
	bool refused; /* a write failed: the rest is dropped */
	bool after_cr; /* the last octet written was a CR */
	/* delivery */
	enum post_stage stage;
	struct blob_ref ref; /* head and body */
	struct post_target *targets;
	size_t targets_n, entered;
	struct post_target *later; /* those whom the queue brings it */
	size_t later_n;
	struct queue_local *local; /* the queue brings it now; or NULL */
	struct data_batch batch;
	struct task *task;
	unsigned tries;
	size_t return_path_len; /* octets of the head that stay here */
	struct queue_message queued; /* what goes to the queue; without parts: nothing */
	bool committed; /* the batch's done has been called */
};

/* body.c */
/* All is there: its record and hash are made. */
enum rc post_body_end(struct post_mail *m, struct fault *why);
/* Gives back what it holds; content that was not stored is removed. */
void post_body_drop(struct post_mail *m);
/* local.c: the queue's results are those of the targets. */
void post_local_results(struct post_mail *m);
/* deliver.c */
void post_sort_targets(struct post_mail *m);
/* deliver.c: while the batch is built and after: this account gets the message. */
bool post_was_taken(const struct post_mail *m, uint32_t account);
/* remote.c */
enum rc post_queue_add(struct post_mail *m, size_t *taken, struct fault *why);
void post_queue_applied(struct post_mail *m);
/* trace.c: Return-Path and Received in front. */
void post_trace_fields(struct post_mail *m);
/* How many Received fields the message has. */
unsigned post_received_count(struct slice message);

#endif
