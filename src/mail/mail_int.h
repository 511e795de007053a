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
	bool listed; /* the table's directory is known; it is not, when a checkpoint of version 1 was read */
	struct mail_table table;
	struct mail_view *views;
};

/* What messages a log record touches at most. */
struct mail_span {
	uint32_t box; /* 0: of several boxes */
	uint32_t lo, hi; /* UIDs; lo > hi: none */
};

/* A log record since the checkpoint, kept to bring pages up to date that are loaded later. */
struct mail_recent {
	uint64_t id;
	uint8_t *at;
	size_t len;
	struct mail_span span;
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
	struct lock pages_lock; /* within that of an account */
	struct fifo pages; /* bodies of all accounts */
	_Atomic size_t idle_bytes, pages_bytes; /* of the two */
	_Atomic size_t cache_bytes; /* they are to hold no more together */
	_Atomic uint64_t looks; /* accounts opened, walks over messages */
	uint64_t looks_seen; /* this and the next: mail_calm's alone */
	unsigned calm_s;
	uint64_t drops
		[256]; /* counts evictions by account id, so that a load that overlapped one starts again */
};

struct mail_box *mail_box_by_id(struct mail_account *ma, uint32_t id);
struct mail_box *mail_box_by_name(struct mail_account *ma, struct slice name);

/* apply.c: under the lock. RC_LOST: the record is damaged. */
enum rc mail_apply(
	struct mail_account *ma, uint64_t id, struct slice record, struct mail_view *self);
/* Does it touch messages of the box in lo..hi? */
bool mail_span_meets(const struct mail_span *span, uint32_t box, uint32_t lo, uint32_t hi);
/* The record's effect on one box's table alone (replay into pages just loaded). */
enum rc mail_apply_table(struct mail_account *ma, uint32_t box, struct mail_table *t, uint64_t id,
	struct slice record);

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
/* Makes the directory known, for what needs no entries: reads all pages of the box when it was not stored. */
enum rc mail_box_load(struct mail_account *ma, uint32_t box, struct fault *why);
/* Reads log records past ma->change and applies them. Any thread. */
enum rc mail_load_log(struct mail_account *ma, struct fault *why);
enum rc mail_lost(struct mail_account *ma, struct fault *why, const char *what);

/* pages.c: pages of a box that are absent, by their numbers, rising. Reads the store; the log too, when a page or the directory
 * knows of a later change. */
enum { MAIL_PAGES_AT_ONCE = 8 };
struct mail_absent {
	uint32_t no[MAIL_PAGES_AT_ONCE];
	size_t n;
};
enum rc mail_pages_load(
	struct mail_account *ma, uint32_t box, const struct mail_absent *absent, struct fault *why);

/* walk.c: the entries of a box in UID order, as far as they are wanted; pages are loaded as they are needed. */
struct mail_walk {
	uint32_t box;
	uint32_t from; /* UIDs below it are left out; moves on */
	uint32_t below; /* so are those from here on; 0: none */
	uint8_t may; /* only pages that may hold such (MAIL_MAY_...); 0: all */
	const struct ranges *uids; /* NULL: all */
};
/* Neighbours of one page, at most 256, under the account's lock; returns how many it took: fewer end the walk, and the
 * next one goes on there. Between two of them the lock may have been left. */
typedef size_t mail_run_fn(void *ctx, struct mail_box *box, const struct mail_entry *at, size_t n);
/* RC_NONE: there is no such box. Others: a page could not be read. */
enum rc mail_walk(struct mail_account *ma, struct mail_walk *walk, mail_run_fn *fn, void *ctx,
	struct fault *why);

/* cache.c: what is held in memory, and let go. A body that the table has just got, or that has grown: under the lock. */
void mail_body_list(struct mail_account *ma, uint32_t box, struct mail_body *body);
/* Before the body goes: under the lock. */
void mail_body_unlist(struct mail_account *ma, struct mail_body *body);
void mail_bodies_unlist(struct mail_account *ma, struct mail_box *box);
/* Those that hold the room's lock change what lies in `idle`, and say so. */
void mail_idle_counted(struct mail *mail);
/* Lets go what is too much. Without locks. */
void mail_fit(struct mail *mail);
/* mail.c: of an account that is in no list. */
void mail_destroy(struct mail_account *ma);

/* stored.c: pages and checkpoints as bytes. The page has its body, or is empty. */
void mail_page_write(
	const struct mail_account *ma, const struct mail_page *p, uint64_t change, struct buf *out);
/* Into a page that is there and has an empty body. */
enum rc mail_page_read(struct mail_account *ma, struct slice in, uint32_t no, struct mail_table *t);
void mail_heads_write(const struct mail_account *ma, uint64_t claim, struct buf *out);
/* Replaces the boxes. */
enum rc mail_heads_read(struct mail_account *ma, struct slice in, uint64_t *claim);
struct slice mail_key_page(struct arena *a, uint32_t account, uint32_t box, uint32_t page);
/* The page's number at the end of such a key. LOST: it has none that a UID could be in. */
enum rc mail_page_no(struct slice key, uint32_t *out);
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
