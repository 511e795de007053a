/* mail_int.h: An account's mail in memory, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_MAIL_INT_H
#define MAIL_MAIL_INT_H

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

struct mail_account {
	struct mail *mail;
	struct account *acc;
	unsigned refs; /* under mail->lock */
	struct mail_account *newer, *older; /* list of those nobody uses, under mail->lock */
	bool idle_listed;

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
};

struct mail {
	struct mail_deps deps;
	struct lock lock; /* guards refs and the list of idle accounts */
	struct mail_account *idle_newest, *idle_oldest;
	size_t idle_n;
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

/* first.c: the default mailboxes of a new account, stored before this returns. */
enum rc mail_first(struct mail_account *ma, struct fault *why);

/* load.c */
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
enum { MAIL_LOG_KEEP = 20000, MAIL_CHECKPOINT_RECORDS = 2048, MAIL_CHECKPOINT_BYTES = 512 * 1024 };

struct mail_account *mail_ref(struct mail_account *ma);

#endif
