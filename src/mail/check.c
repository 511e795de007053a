/* check.c: Proves mailboxes against the log, the records, the contents and the places of their messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/check.h"
#include "base/mem.h"
#include "blob/check.h"
#include "mail/change.h"
#include "mail/mail_int.h"
#include "mail/record.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SOME = 256 };

/* A message of which no place is noted: it lies where it was delivered. */
struct alone {
	uint64_t mid;
	uint32_t box, uid;
};

struct proof {
	struct mail *mail;
	struct check *check;
	struct mail_account *ma;
	uint32_t account;
	uint64_t log_first, log_last; /* ids of the log as it was walked */
	bool log_damaged;
	struct mail_box_info box;
	struct ranges bad; /* UIDs of the box to be taken out */
	struct alone *alone; /* of all boxes of the account; in order of mid once these are read */
	size_t alone_n, alone_cap;
	bool unread; /* a box could not be read: what is in it is not known */
};

/* --- the log --- */

static enum rc prove_log_record(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct mail_op op = { 0 };
	struct slice tail = slice_tail(key, key.len - (key.len < 8 ? key.len : 8));
	uint64_t id = 0;
	int64_t made;
	(void)a;
	(void)why;
	enum rc rc = take_be64(&tail, &id);
	if (rc == RC_OK)
		rc = mail_log_open(&value, &made);
	while (rc == RC_OK)
		rc = mail_op_next(&value, &op);
	mail_op_done(&op);
	if (rc == RC_NONE && (p->log_last == 0 || id == p->log_last + 1)) {
		p->log_first = p->log_first ? p->log_first : id;
		p->log_last = id;
		return RC_OK;
	}
	if (!p->log_damaged)
		check_tell(p->check, CHECK_LOST,
			"account %" PRIu32 ": the change log %s at %" PRIu64
			"; take the account's mail from a backup",
			p->account, rc == RC_NONE ? "has a gap" : "cannot be read", id);
	p->log_damaged = true;
	return RC_OK;
}

static enum rc prove_log(struct proof *p, struct fault *why)
{
	struct arena a;
	struct slice value = { 0 };
	uint64_t counter = 0;
	p->log_first = p->log_last = 0;
	p->log_damaged = false;
	arena_init(&a, 0);
	struct slice log = mail_key(&a, p->account, 'l');
	struct check_range range = { "change logs", log, mail_key_end(&a, log) };
	enum rc rc = check_walk(p->check, &range, prove_log_record, p, why);
	if (rc == RC_OK)
		rc = data_get(
			p->check->data, DATA_MAIN, mail_key(&a, p->account, 'c'), &a, &value, why);
	if (rc == RC_OK && !p->log_damaged &&
		(take_be64(&value, &counter) != RC_OK || counter != p->log_last)) {
		check_tell(p->check, CHECK_LOST,
			"account %" PRIu32 ": the change counter is %" PRIu64
			", and the log ends at %" PRIu64 "; take the account's mail from a backup",
			p->account, counter, p->log_last);
		p->log_damaged = true;
	}
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

/* --- messages of a box --- */

static enum rc park_record(struct proof *p, const struct mail_entry *e, struct slice record,
	const char *sentence, struct arena *a, struct fault *why)
{
	struct slice what = arena_fmt(a, "account %" PRIu32 ": %.*s, UID %" PRIu32 ": %s",
		p->account, FMT(p->box.name), e->uid, sentence);
	TRY(ranges_add(&p->bad, e->uid, e->uid));
	if (record.at)
		return check_park(
			p->check, mail_key_u64(a, p->account, 'r', e->mid), record, what, why);
	check_tell(p->check, CHECK_LOST, "%.*s", FMT(what));
	return RC_OK;
}

static enum rc has_places(
	struct proof *p, uint64_t mid, bool *has, struct arena *a, struct fault *why)
{
	struct slice prefix = mail_key_u64(a, p->account, 'i', mid);
	struct data_range where = {
		.space = DATA_MAIN, .from = prefix, .to = mail_key_end(a, prefix)
	};
	return data_any(p->check->data, &where, has, why);
}

static enum rc note_place(
	struct proof *p, const struct alone *at, struct arena *a, struct fault *why)
{
	struct data_batch b;
	data_batch_init(&b, a);
	data_put(&b, DATA_MAIN, mail_key_where(a, p->account, at->mid, at->box, at->uid), S(""));
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"account %" PRIu32 ": UID %" PRIu32 " of mailbox %" PRIu32 " has its place again",
		p->account, at->uid, at->box);
	return RC_OK;
}

static enum rc add_alone(struct proof *p, const struct alone *at, struct fault *why)
{
	if (p->alone_n == p->alone_cap) {
		size_t cap = p->alone_cap ? p->alone_cap * 2 : SOME;
		struct alone *more = mem_grow(MEM_OTHER, p->alone, cap * sizeof(*more));
		if (!more)
			return fault_set(why, FAULT_MEMORY, "%s", "");
		p->alone = more;
		p->alone_cap = cap;
	}
	p->alone[p->alone_n++] = *at;
	return RC_OK;
}

/* Of a message in more than one place all places are noted (mail_change_where). */
static enum rc prove_place(
	struct proof *p, const struct mail_entry *e, struct arena *a, struct fault *why)
{
	const struct alone at = { e->mid, p->box.id, e->uid };
	struct slice value;
	struct slice key = mail_key_where(a, p->account, at.mid, at.box, at.uid);
	bool others;
	enum rc rc = data_get(p->check->data, DATA_MAIN, key, a, &value, why);
	if (rc != RC_NONE)
		return rc;
	TRY(has_places(p, e->mid, &others, a, why));
	return others ? note_place(p, &at, a, why) : add_alone(p, &at, why);
}

static int by_mid(const void *x, const void *y)
{
	const struct alone *a = x, *b = y;
	return a->mid < b->mid ? -1 : a->mid > b->mid;
}

/* All boxes are read: whoever is in two of them is not alone. */
static enum rc prove_alone(struct proof *p, struct fault *why)
{
	enum rc rc = RC_OK;
	if (p->alone_n)
		qsort(p->alone, p->alone_n, sizeof(*p->alone), by_mid);
	for (size_t i = 0; rc == RC_OK && i < p->alone_n; i++) {
		const struct alone *at = &p->alone[i];
		bool twice = (i > 0 && at[-1].mid == at->mid) ||
			     (i + 1 < p->alone_n && at[1].mid == at->mid);
		struct arena a;
		arena_init(&a, 0);
		rc = twice ? note_place(p, at, &a, why) : RC_OK;
		arena_done(&a);
	}
	return rc;
}

static bool is_alone(const struct proof *p, uint64_t mid)
{
	const struct alone wanted = { .mid = mid };
	return p->alone_n && bsearch(&wanted, p->alone, p->alone_n, sizeof(wanted), by_mid);
}

static enum rc prove_entry(
	struct proof *p, const struct mail_entry *e, struct arena *a, struct fault *why)
{
	struct slice bytes = { 0 };
	struct mail_record rec;
	p->check->looked++;
	enum rc rc = data_get(p->check->data, DATA_MAIN, mail_key_u64(a, p->account, 'r', e->mid),
		a, &bytes, why);
	if (rc == RC_NONE)
		return park_record(p, e, (struct slice){ 0 }, "its record is missing", a, why);
	TRY(rc);
	if (mail_record_read(bytes, &rec) != RC_OK)
		return park_record(p, e, bytes, "its record cannot be read", a, why);
	rc = blob_has(p->mail->deps.blob, &rec.blob, why);
	if (rc == RC_NONE || rc == RC_LOST)
		return park_record(p, e, bytes,
			(const char *)arena_fmt(a, "\"%.*s\" has lost its content",
				FMT(slice_head(rec.subject, 80)))
				.at,
			a, why);
	TRY(rc);
	return prove_place(p, e, a, why);
}

struct some {
	struct mail_entry at[SOME];
	size_t n;
};

static size_t take_some(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct some *some = ctx;
	n = n < SOME - some->n ? n : SOME - some->n;
	memcpy(some->at + some->n, at, n * sizeof(*at));
	some->n += n;
	return n;
}

static enum rc prove_entries(struct proof *p, struct fault *why)
{
	struct mail_walk walk = { .box = p->box.id };
	struct some some;
	enum rc rc = RC_OK;
	do {
		some.n = 0;
		rc = mail_walk(p->ma, &walk, take_some, &some, why);
		for (size_t i = 0; rc == RC_OK && i < some.n; i++) {
			struct arena a;
			arena_init(&a, 0);
			rc = prove_entry(p, &some.at[i], &a, why);
			arena_done(&a);
		}
	} while (rc == RC_OK && some.n == SOME);
	return rc;
}

/* Takes what is bad out of the box, as a client would. */
static enum rc take_out(struct proof *p, struct fault *why)
{
	struct arena a;
	struct data_batch b;
	struct mail_change *ch;
	if (p->check->look || p->bad.n == 0)
		return RC_OK;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	enum rc rc = mail_change_begin(p->ma, &b, &a, &ch, why);
	if (rc == RC_OK)
		rc = mail_change_expunge(ch, p->box.id, &p->bad, false, NULL);
	if (rc == RC_OK)
		rc = mail_change_end(ch, why);
	if (rc == RC_OK)
		rc = data_commit_now(p->check->data, &b, why);
	if (rc == RC_OK)
		mail_change_apply(ch, NULL);
	arena_done(&a);
	return rc;
}

/* --- figures of a box --- */

struct figures {
	uint32_t exists, unseen, deleted;
	uint64_t bytes;
};

static size_t count_run(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct figures *f = ctx;
	for (size_t i = 0; i < n; i++) {
		f->exists++;
		f->unseen += !(at[i].flags & MAIL_SEEN);
		f->deleted += !!(at[i].flags & MAIL_DELETED);
		f->bytes += at[i].size;
	}
	return n;
}

/* Sets the head right; *mended: it was not. */
static enum rc prove_figures(struct proof *p, bool *mended, struct fault *why)
{
	struct figures f = { 0 };
	const struct mail_box_info *stored = &p->box;
	struct mail_walk walk = { .box = stored->id };
	TRY(mail_walk(p->ma, &walk, count_run, &f, why));
	lock_enter(&p->ma->lock);
	struct mail_box *box = mail_box_by_id(p->ma, stored->id);
	box->head.exists = f.exists;
	box->head.unseen = f.unseen;
	box->head.deleted = f.deleted;
	box->head.bytes = f.bytes;
	lock_leave(&p->ma->lock);
	if (stored->exists == f.exists && stored->unseen == f.unseen &&
		stored->deleted == f.deleted && stored->bytes == f.bytes)
		return RC_OK;
	*mended = true;
	check_tell(p->check, CHECK_MENDED,
		"account %" PRIu32 ": %.*s holds %" PRIu32 " messages (%" PRIu32 " unseen, %" PRIu32
		" deleted, %" PRIu64 " octets); its figures said %" PRIu32 ", %" PRIu32 ", %" PRIu32
		", %" PRIu64,
		p->account, FMT(stored->name), f.exists, f.unseen, f.deleted, f.bytes,
		stored->exists, stored->unseen, stored->deleted, stored->bytes);
	return RC_OK;
}

static enum rc prove_box(
	struct proof *p, const struct mail_box_info *info, bool *mended, struct fault *why)
{
	p->box = *info;
	enum rc rc = prove_figures(p, mended, why);
	if (rc == RC_LOST) {
		check_tell(p->check, CHECK_LOST,
			"account %" PRIu32
			": a page of %.*s cannot be read; take the mailbox from a backup",
			p->account, FMT(info->name));
		p->unread = true;
		return RC_OK;
	}
	TRY(rc);
	rc = prove_entries(p, why);
	if (rc == RC_OK)
		rc = take_out(p, why);
	ranges_clear(&p->bad);
	return rc;
}

/* --- the other way: from places and records to boxes --- */

struct sought {
	uint64_t mid;
	bool found;
};

static size_t seek_run(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct sought *sought = ctx;
	for (size_t i = 0; i < n; i++)
		sought->found |= at[i].mid == sought->mid;
	return n;
}

/* *is: the mailbox holds it there, or cannot be read. */
static enum rc is_there(
	struct proof *p, uint64_t mid, uint32_t box, uint32_t uid, bool *is, struct fault *why)
{
	const struct ranges one = { .at = &(struct range){ uid, uid }, .n = 1 };
	struct mail_walk walk = { .box = box, .uids = &one };
	struct sought sought = { .mid = mid };
	enum rc rc = mail_walk(p->ma, &walk, seek_run, &sought, why);
	*is = rc == RC_LOST || (rc == RC_OK && sought.found);
	return rc == RC_LOST || rc == RC_NONE ? RC_OK : rc;
}

static enum rc prove_where(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct slice tail = slice_tail(key, key.len - (key.len < 16 ? key.len : 16));
	struct data_batch b;
	uint64_t mid = 0;
	uint32_t box = 0, uid = 0;
	bool is = take_be64(&tail, &mid) == RC_OK && take_be32(&tail, &box) == RC_OK &&
		  take_be32(&tail, &uid) == RC_OK;
	(void)value;
	if (is)
		TRY(is_there(p, mid, box, uid, &is, why));
	if (is)
		return RC_OK;
	data_batch_init(&b, a);
	data_delete(&b, DATA_MAIN, key);
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"account %" PRIu32 ": a place of a message that is not there was taken away",
		p->account);
	return RC_OK;
}

/* A record that no mailbox holds, and that no expunge will remove, keeps content for nobody. */
static enum rc prove_record(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct slice tail = slice_tail(key, key.len - (key.len < 8 ? key.len : 8));
	struct mail_record rec;
	struct data_batch b;
	uint64_t mid = 0;
	bool held = false;
	if (take_be64(&tail, &mid) != RC_OK)
		return RC_OK;
	TRY(has_places(p, mid, &held, a, why));
	if (held || is_alone(p, mid))
		return RC_OK;
	data_batch_init(&b, a);
	if (mail_record_read(value, &rec) == RC_OK)
		blob_unlink(&b, &rec.blob, p->account, ACCOUNT_MAIL, mid);
	data_delete(&b, DATA_MAIN, key);
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"account %" PRIu32 ": the record of a message that no mailbox holds was taken away",
		p->account);
	return RC_OK;
}

static enum rc walk_tail(
	struct proof *p, const char *part, uint8_t what, check_visit_fn *visit, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	struct slice from = mail_key(&a, p->account, what);
	struct check_range range = { part, from, mail_key_end(&a, from) };
	enum rc rc = check_walk(p->check, &range, visit, p, why);
	arena_done(&a);
	return rc;
}

/* Expunges that were not cleaned up behind yet would look like records of nobody. */
static enum rc has_reap(struct proof *p, bool *has, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	struct slice from = mail_key(&a, p->account, 'x');
	struct data_range range = {
		.space = DATA_MAIN, .from = from, .to = mail_key_end(&a, from)
	};
	enum rc rc = data_any(p->check->data, &range, has, why);
	arena_done(&a);
	return rc;
}

/* --- an account --- */

static enum rc prove_boxes(struct proof *p, struct fault *why)
{
	struct arena a;
	struct mail_box_info *boxes;
	size_t n;
	bool mended = false, reap;
	p->alone_n = 0;
	p->unread = false;
	arena_init(&a, 0);
	enum rc rc = mail_box_list(p->ma, &a, &boxes, &n);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = prove_box(p, &boxes[i], &mended, why);
	arena_done(&a);
	TRY(rc);
	TRY(prove_alone(p, why));
	TRY(walk_tail(p, "places", 'i', prove_where, why));
	TRY(has_reap(p, &reap, why));
	if (!reap && !p->unread)
		TRY(walk_tail(p, "records", 'r', prove_record, why));
	return mended && !p->check->look ? mail_checkpoint_now(p->ma, why) : RC_OK;
}

static enum rc prove_account(struct proof *p, struct fault *why)
{
	TRY(prove_log(p, why));
	if (p->log_damaged || p->log_last == 0)
		return RC_OK;
	enum rc rc = mail_open(p->mail, p->account, &p->ma, why);
	if (rc == RC_LOST) {
		check_tell(p->check, CHECK_LOST, "%s", fault_text(why));
		return RC_OK;
	}
	TRY(rc);
	rc = prove_boxes(p, why);
	mail_close(&p->ma);
	return rc;
}

static bool visit_account(void *ctx, struct slice key, struct slice value)
{
	struct slice tail = slice_tail(key, 1);
	(void)value;
	enum rc rc = take_be32(&tail, ctx);
	(void)rc; /* a key without one leaves the last one: the walk ends */
	return false;
}

enum rc mail_check(struct mail *mail, struct check *check, struct fault *why)
{
	struct proof p = { .mail = mail, .check = check };
	enum rc rc = RC_OK;
	for (uint64_t from = 1; rc == RC_OK && from <= UINT32_MAX; from = (uint64_t)p.account + 1) {
		struct arena a;
		struct buf key;
		arena_init(&a, 0);
		buf_init(&key, 0, &a);
		buf_byte(&key, 'A');
		buf_be32(&key, (uint32_t)from);
		struct data_range next = {
			.space = DATA_MAIN, .from = buf_slice(&key), .to = S("B"), .limit = 1
		};
		p.account = 0;
		rc = data_scan(check->data, &next, visit_account, &p.account, why);
		arena_done(&a);
		if (rc == RC_OK && p.account < from)
			break;
		if (rc == RC_OK)
			rc = prove_account(&p, why);
	}
	ranges_done(&p.bad);
	mem_free(MEM_OTHER, p.alone);
	return rc;
}

enum rc mail_check_holds(struct check *check, uint32_t account, uint64_t mid, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	enum rc rc = check_holds(check, mail_key_u64(&a, account, 'r', mid), why);
	arena_done(&a);
	return rc;
}
