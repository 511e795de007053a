/* mail_int.h: An account's mail in memory, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_MAIL_INT_H
#define MAIL_MAIL_INT_H

#include "base/fifo.h"
#include "base/lock.h"
#include "mail/change.h"
#include "mail/keywords.h"
#include "mail/log.h"
#include "mail/table.h"

struct mail_box {
	struct mail_box_info head; /* head.name is on the heap; head.recent is unused */
	uint32_t recent_uid; /* UIDs from here on were shown to nobody as \Recent */
	bool loaded;
	struct mail_table table;
	struct mail_view *views;
};

/* A log record since the checkpoint, kept to bring pages up to date that are loaded later. */
struct mail_recent {
	uint64_t id;
	uint8_t *at;
	size_t len;
};

enum { AHEAD_THREADS = 64 };

/* Deliveries that follow each other: what the batches that are submitted and not answered yet will have made (ahead.c). A
 * broken chain is forgotten, and what was built upon it fails at its assert of the record before it. */
struct mail_ahead {
	unsigned n; /* changes of this chain that are not answered */
	uint64_t chain; /* counts chains */
	uint64_t change, bytes; /* the last one's id; bytes that they add in sum */
	uint32_t box, uid_next; /* all append to one mailbox */
	struct buf record; /* of the last one */
	struct {
		uint64_t msgid, thread;
	} threads[AHEAD_THREADS]; /* a ring: a reply may come before its parent is durable */
	size_t threads_at;
};

struct mail_account {
	struct fifo_node node; /* listed while nobody uses it; under mail->lock, like refs */
	struct mail *mail;
	struct account *acc;
	unsigned refs;

	struct lock lock; /* guards all below; a leaf, held for microseconds */
	uint64_t change; /* the log is applied up to here */
	uint64_t checkpoint;
	uint32_t uid_validity_last, box_last;
	struct mail_box **boxes;
	size_t boxes_n, boxes_cap;
	struct mail_recent *recent;
	size_t recent_n, recent_cap, recent_bytes;
	unsigned loading; /* while > 0 records stay in `recent` */
	bool checkpointing, reap;
	uint64_t quota;
	struct mail_keywords keywords;
	struct mail_ahead *ahead; /* NULL: none since somebody opened it */
};

struct mail {
	struct mail_deps deps;
	_Atomic uint64_t log_most; /* records of a change log that are kept */
	struct lock lock; /* guards refs and the accounts that nobody uses */
	struct fifo idle;
	uint64_t opened, opened_seen; /* the second and what follows: mail_calm's alone */
	unsigned calm_s;
	uint64_t drops
		[256]; /* counts evictions by account id, so that a load that overlapped one starts again */
};

struct mail_box *mail_box_by_id(struct mail_account *ma, uint32_t id);
struct mail_box *mail_box_by_name(struct mail_account *ma, struct slice name);

/* apply.c: under the lock. RC_LOST: the record is damaged. */
enum rc mail_apply(
	struct mail_account *ma, uint64_t id, struct slice record, struct mail_view *self);
/* The record's effect on one box's table alone (replay into a table just loaded). */
enum rc mail_apply_table(struct mail_account *ma, uint32_t box, struct mail_table *t, uint64_t id,
	struct slice record);
void mail_recent_add(struct mail_account *ma, uint64_t id, struct slice record);

/* ahead.c: of a mailbox, as those under way will leave it; false: they do not touch it. Under the lock. */
bool mail_ahead_uid_next(const struct mail_account *ma, uint32_t box, uint32_t *uid_next);
/* The thread that a message under way joins. RC_NONE: no such message. */
enum rc mail_ahead_thread(struct mail_account *ma, uint64_t msgid, uint64_t *thread);
void mail_ahead_done(struct mail_account *ma);
/* Of all mailboxes, with what is under way. Under the lock. */
uint64_t mail_bytes_held(const struct mail_account *ma);

/* first.c: the default mailboxes of a new account, stored before this returns. */
enum rc mail_first(struct mail_account *ma, struct fault *why);

/* load.c: of one that nobody else knows. RC_TAKEN: a checkpoint came in between; try it with a new one. */
enum rc mail_load(struct mail_account *ma, struct fault *why);
enum rc mail_box_load(struct mail_account *ma, uint32_t box, struct fault *why);
/* Reads log records past ma->change and applies them. */
enum rc mail_load_log(struct mail_account *ma, struct fault *why);

/* stored.c: pages and checkpoints as bytes. */
void mail_page_write(
	const struct mail_account *ma, const struct mail_page *p, uint64_t change, struct buf *out);
enum rc mail_page_read(struct mail_account *ma, struct slice in, uint32_t no, struct mail_table *t);
void mail_heads_write(const struct mail_account *ma, uint64_t claim, struct buf *out);
/* Replaces the boxes. */
enum rc mail_heads_read(struct mail_account *ma, struct slice in, uint64_t *claim);
struct slice mail_key_page(struct arena *a, uint32_t account, uint32_t box, uint32_t page);
struct slice mail_key_where(
	struct arena *a, uint32_t account, uint64_t mid, uint32_t box, uint32_t uid);
struct slice mail_key_u64(struct arena *a, uint32_t account, uint8_t tail, uint64_t n);
struct slice mail_key(struct arena *a, uint32_t account, uint8_t tail);
/* The first key that is no longer below `prefix`. */
struct slice mail_key_end(struct arena *a, struct slice prefix);

/* checkpoint.c: starts the background job when enough log has gathered. Takes no lock while the store works. */
void mail_checkpoint_maybe(struct mail_account *ma);
/* Here and now, on one thread while nobody else changes the account. */
enum rc mail_checkpoint_now(struct mail_account *ma, struct fault *why);
/* Here and now, of an account that others use; when one is being made, none. */
enum rc mail_checkpoint_account(struct mail *mail, uint32_t account, struct fault *why);
enum { MAIL_CHECKPOINT_RECORDS = 2048, MAIL_CHECKPOINT_BYTES = 512 * 1024 };

/* reap.c: the records of messages that were expunged, with their links to content. */
enum rc mail_reap(struct mail *mail, uint32_t account, struct fault *why);
/* trim.c: log records before the checkpoint that are too many, or were made before `since` (unix seconds; 0: whenever).
 * `n` counts up, unless NULL. */
enum rc mail_trim_log(
	struct mail *mail, uint32_t account, int64_t since, size_t *n, struct fault *why);

struct mail_account *mail_ref(struct mail_account *ma);

#endif
