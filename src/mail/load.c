/* load.c: From the store into memory: heads, recent log, tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "base/event.h"
#include "mail/mail_int.h"
#include <inttypes.h>

struct log_read {
	struct mail_account *ma;
	enum rc rc;
};

enum rc mail_lost(struct mail_account *ma, struct fault *why, const char *what)
{
	return fault_set(why, FAULT_DAMAGED,
		"account %" PRIu32 ": %s is damaged; run `veredus store check`",
		account_id(ma->acc), what);
}

static bool visit_log(void *ctx, struct slice key, struct slice record)
{
	struct log_read *r = ctx;
	uint64_t id;
	struct slice tail = slice_tail(key, key.len - (key.len < 8 ? key.len : 8));
	lock_enter(&r->ma->lock);
	if (take_be64(&tail, &id) != RC_OK || id > r->ma->change + 1)
		r->rc = RC_LOST; /* a gap in the log */
	else if (id == r->ma->change + 1)
		r->rc = mail_apply(r->ma, id, record, NULL);
	lock_leave(&r->ma->lock);
	return r->rc == RC_OK;
}

enum rc mail_load_log(struct mail_account *ma, struct fault *why)
{
	struct arena a;
	struct log_read read = { .ma = ma, .rc = RC_OK };
	uint32_t id = account_id(ma->acc);
	arena_init(&a, 0);
	lock_enter(&ma->lock);
	uint64_t from = ma->change + 1;
	lock_leave(&ma->lock);
	struct data_range range = { .space = DATA_MAIN,
		.from = mail_key_u64(&a, id, 'l', from),
		.to = mail_key_end(&a, mail_key(&a, id, 'l')) };
	enum rc rc = data_scan(ma->mail->deps.data, &range, visit_log, &read, why);
	arena_done(&a);
	TRY(rc);
	return read.rc == RC_OK ? RC_OK : mail_lost(ma, why, "the change log");
}

enum rc mail_refresh(struct mail_account *ma, struct fault *why)
{
	return mail_load_log(ma, why);
}

static enum rc load(
	struct mail_account *ma, struct arena *a, struct slice *heads, struct fault *why)
{
	uint64_t claim;
	*heads = S("");
	enum rc rc = data_get(ma->mail->deps.data, DATA_MAIN, mail_key(a, account_id(ma->acc), 'k'),
		a, heads, why);
	if (rc == RC_OK && mail_heads_read(ma, *heads, &claim) != RC_OK)
		rc = mail_lost(ma, why, "the checkpoint");
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	return mail_load_log(ma, why);
}

/* Since it was read there was another checkpoint, and the log up to that may have gone. */
static bool moved_on(struct mail_account *ma, struct slice heads, struct arena *a)
{
	struct slice now;
	return data_get(ma->mail->deps.data, DATA_MAIN, mail_key(a, account_id(ma->acc), 'k'), a,
		       &now, NULL) == RC_OK &&
	       !slice_eq(heads, now);
}

enum rc mail_load(struct mail_account *ma, struct fault *why)
{
	struct arena a;
	struct slice heads;
	arena_init(&a, 0);
	enum rc rc = load(ma, &a, &heads, why);
	if (rc == RC_LOST && moved_on(ma, heads, &a))
		rc = RC_TAKEN;
	arena_done(&a);
	return rc;
}

/* --- directories that a checkpoint of version 1 did not have --- */

struct listing {
	struct mail_account *ma;
	struct mail_table table;
	enum rc rc;
};

/* One page read, and only its place in the directory kept. */
static bool list_page(void *ctx, struct slice key, struct slice value)
{
	struct listing *l = ctx;
	uint32_t no;
	l->rc = mail_page_no(key, &no);
	if (l->rc != RC_OK)
		return false;
	struct mail_page *p = mail_table_page(&l->table, no << MAIL_PAGE_BITS, true);
	p->body = mail_body_new(no, 0);
	lock_enter(&l->ma->lock); /* for the keywords alone */
	l->rc = mail_page_read(l->ma, value, no, &l->table);
	lock_leave(&l->ma->lock);
	mail_body_free(p->body);
	p->body = NULL;
	p->touched = 0;
	return l->rc == RC_OK;
}

/* A page without its body does not say from which change on it is true; the directory comes out the same when records that it
 * knows of are applied once more. */
static enum rc take_listing(struct mail_account *ma, struct mail_box *box, struct mail_table *t)
{
	for (size_t i = 0; i < ma->recent_n; i++) {
		const struct mail_recent *r = &ma->recent[i];
		TRY(mail_apply_table(ma, box->head.id, t, r->id, slice_of(r->at, r->len)));
	}
	box->table = *t;
	box->table.watched = box->views != NULL;
	box->listed = true;
	*t = (struct mail_table){ 0 };
	return RC_OK;
}

/* RC_MORE: a checkpoint came in between; again. */
static enum rc list_box(struct mail_account *ma, uint32_t box_id, struct fault *why)
{
	struct arena a;
	struct listing l = { .ma = ma, .rc = RC_OK };
	lock_enter(&ma->lock);
	uint64_t checkpoint = ma->checkpoint;
	lock_leave(&ma->lock);
	arena_init(&a, 0);
	struct data_range range = { .space = DATA_MAIN,
		.from = mail_key_page(&a, account_id(ma->acc), box_id, 0),
		.to = mail_key_page(&a, account_id(ma->acc), box_id + 1, 0) };
	enum rc rc = data_scan(ma->mail->deps.data, &range, list_page, &l, why);
	arena_done(&a);
	rc = rc == RC_OK ? l.rc : rc;
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_id(ma, box_id);
	if (rc == RC_OK && ma->checkpoint != checkpoint)
		rc = RC_MORE;
	else if (rc == RC_OK && box && !box->listed)
		rc = take_listing(ma, box, &l.table);
	lock_leave(&ma->lock);
	mail_table_done(&l.table);
	return rc;
}

/* Under the lock. */
static void mend_count(struct mail_account *ma, struct mail_box *box)
{
	if (box->table.count == box->head.exists)
		return;
	event_log(EVENT_MAIL_COUNTS_MENDED, f_u64("account", account_id(ma->acc)),
		f_u64("box", box->head.id), f_u64("head", box->head.exists),
		f_u64("table", box->table.count));
	box->head.exists = box->table.count;
}

enum rc mail_box_load(struct mail_account *ma, uint32_t box_id, struct fault *why)
{
	enum rc rc = RC_MORE;
	while (rc == RC_MORE) {
		lock_enter(&ma->lock);
		struct mail_box *box = mail_box_by_id(ma, box_id);
		bool listed = box && box->listed;
		if (listed)
			mend_count(ma, box);
		lock_leave(&ma->lock);
		if (!box)
			return fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
		rc = listed ? RC_OK : list_box(ma, box_id, why);
	}
	return rc == RC_LOST ? mail_lost(ma, why, "a page of the mailbox") : rc;
}
