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

static enum rc lost(struct mail_account *ma, struct fault *why, const char *what)
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
	return read.rc == RC_OK ? RC_OK : lost(ma, why, "the change log");
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
		rc = lost(ma, why, "the checkpoint");
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

struct page_read {
	struct mail_account *ma;
	struct mail_table table;
	enum rc rc;
};

static bool visit_page(void *ctx, struct slice key, struct slice value)
{
	struct page_read *r = ctx;
	uint32_t no;
	struct slice tail = slice_tail(key, key.len - (key.len < 4 ? key.len : 4));
	lock_enter(&r->ma->lock); /* for the keywords alone */
	r->rc = take_be32(&tail, &no) == RC_OK ? mail_page_read(r->ma, value, no, &r->table)
					       : RC_LOST;
	lock_leave(&r->ma->lock);
	return r->rc == RC_OK;
}

/* Takes the loaded table into the box, brought up to date by the records since the checkpoint. */
static enum rc install(struct mail_account *ma, uint32_t box_id, struct mail_table *t)
{
	struct mail_box *box = mail_box_by_id(ma, box_id);
	if (!box || box->loaded)
		return RC_OK;
	for (size_t i = 0; i < ma->recent_n; i++) {
		const struct mail_recent *r = &ma->recent[i];
		TRY(mail_apply_table(ma, box_id, t, r->id, slice_of(r->at, r->len)));
	}
	box->table = *t;
	box->loaded = true;
	*t = (struct mail_table){ 0 };
	if (box->table.count != box->head.exists) {
		event_log(EVENT_MAIL_COUNTS_MENDED, f_u64("account", account_id(ma->acc)),
			f_u64("box", box_id), f_u64("head", box->head.exists),
			f_u64("table", box->table.count));
		box->head.exists = box->table.count;
	}
	return RC_OK;
}

enum rc mail_box_load(struct mail_account *ma, uint32_t box_id, struct fault *why)
{
	struct arena a;
	struct page_read read = { .ma = ma, .rc = RC_OK };
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_id(ma, box_id);
	bool loaded = box && box->loaded;
	if (box && !loaded)
		ma->loading++;
	lock_leave(&ma->lock);
	if (!box)
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
	if (loaded)
		return RC_OK;
	arena_init(&a, 0);
	struct data_range range = { .space = DATA_MAIN,
		.from = mail_key_page(&a, account_id(ma->acc), box_id, 0),
		.to = mail_key_page(&a, account_id(ma->acc), box_id + 1, 0) };
	enum rc rc = data_scan(ma->mail->deps.data, &range, visit_page, &read, why);
	arena_done(&a);
	lock_enter(&ma->lock);
	if (rc == RC_OK && read.rc == RC_OK)
		read.rc = install(ma, box_id, &read.table);
	ma->loading--;
	lock_leave(&ma->lock);
	mail_table_done(&read.table);
	TRY(rc);
	return read.rc == RC_OK ? RC_OK : lost(ma, why, "a page of the mailbox");
}
