/* view.c: A session's picture of a mailbox: numbers, news and reading. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_int.h"
#include <string.h>

/* Messages from recent_uid on have been shown to nobody: a read-write view takes them for itself. */
static void claim_recent(struct mail_view *v)
{
	struct mail_box *box = v->box;
	if (box->recent_uid >= box->head.uid_next)
		return;
	if (ranges_add(&v->recent, box->recent_uid, box->head.uid_next - 1) == RC_OK &&
		!v->read_only)
		box->recent_uid = box->head.uid_next;
}

enum rc mail_view_open(struct mail_account *ma, uint32_t box_id, bool read_only, struct task *task,
	struct mail_view *v, struct fault *why)
{
	TRY(mail_box_load(ma, box_id, why));
	struct mail_account *held = mail_ref(ma);
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_id(ma, box_id);
	if (!box) {
		lock_leave(&ma->lock);
		mail_close(&held);
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "the mailbox was deleted just now");
	}
	*v = (struct mail_view){
		.ma = held, .box = box, .id = box_id, .task = task, .read_only = read_only
	};
	box->table.watched = true;
	v->uid_next = box->head.uid_next;
	v->exists = box->table.count;
	v->next = box->views;
	box->views = v;
	claim_recent(v);
	lock_leave(&ma->lock);
	return RC_OK;
}

void mail_view_close(struct mail_view *v)
{
	if (!v->ma)
		return;
	lock_enter(&v->ma->lock);
	if (v->box) {
		struct mail_view **at = &v->box->views;
		while (*at != v)
			at = &(*at)->next;
		*at = v->next;
		v->box->table.watched = v->box->views != NULL;
	}
	lock_leave(&v->ma->lock);
	ranges_done(&v->gone);
	ranges_done(&v->changed);
	ranges_done(&v->recent);
	mail_close(&v->ma);
	*v = (struct mail_view){ 0 };
}

static uint32_t count_recent(struct mail_view *v)
{
	uint32_t n = 0;
	for (size_t i = 0; i < v->recent.n; i++) {
		struct range r = v->recent.at[i];
		n += mail_table_rank(&v->box->table, r.hi + 1) -
		     mail_table_rank(&v->box->table, r.lo);
	}
	return n;
}

/* Ascending, each number is one more than the messages that still stand before it. */
static enum rc expunge_numbers(struct mail_view *v, struct arena *a, struct mail_news *news)
{
	uint64_t n = ranges_count(&v->gone);
	uint32_t *seqs = arena_try_array(a, n ? n : 1, sizeof(*seqs));
	if (!seqs)
		return RC_LIMIT;
	size_t k = 0;
	for (size_t i = 0; i < v->gone.n; i++) {
		uint32_t seq = mail_table_rank(&v->box->table, v->gone.at[i].lo) + 1;
		for (uint32_t j = 0; j <= v->gone.at[i].hi - v->gone.at[i].lo; j++)
			seqs[k++] = seq;
	}
	news->expunged = seqs;
	news->expunged_n = k;
	return RC_OK;
}

static enum rc sync_locked(
	struct mail_view *v, bool may_expunge, struct arena *a, struct mail_news *news)
{
	if (!v->box) {
		news->deleted = true;
		return RC_OK;
	}
	if (may_expunge && v->gone.n) {
		TRY(expunge_numbers(v, a, news));
		ranges_clear(&v->gone);
	}
	news->flags = v->changed;
	v->changed = (struct ranges){ 0 };
	uint32_t before = v->exists - (uint32_t)news->expunged_n;
	v->uid_next = v->box->head.uid_next;
	v->exists = v->box->table.count + (uint32_t)ranges_count(&v->gone);
	claim_recent(v);
	news->more = v->exists > before;
	news->exists = v->exists;
	news->recent = count_recent(v);
	v->dirty = v->gone.n > 0;
	return RC_OK;
}

enum rc mail_view_sync(
	struct mail_view *v, bool may_expunge, struct arena *a, struct mail_news *news)
{
	*news = (struct mail_news){ 0 };
	lock_enter(&v->ma->lock);
	enum rc rc = sync_locked(v, may_expunge, a, news);
	lock_leave(&v->ma->lock);
	return rc;
}

void mail_view_untold(struct mail_view *v, const struct ranges *flags, uint32_t from)
{
	lock_enter(&v->ma->lock);
	for (size_t i = 0; i < flags->n; i++)
		if (flags->at[i].hi >= from)
			ranges_keep(&v->changed, flags->at[i].lo > from ? flags->at[i].lo : from,
				flags->at[i].hi);
	v->dirty = true;
	lock_leave(&v->ma->lock);
}

void mail_news_done(struct mail_news *news)
{
	ranges_done(&news->flags);
}

/* [mail 3] 0-based position of `uid` in the view, whether it is there or not. */
static uint32_t position(struct mail_view *v, uint32_t uid)
{
	return mail_table_rank(&v->box->table, uid) + (uint32_t)ranges_below(&v->gone, uid);
}

static uint32_t seq_locked(struct mail_view *v, uint32_t uid)
{
	if (!v->box || uid >= v->uid_next)
		return 0;
	if (!mail_table_has(&v->box->table, uid) && !ranges_has(&v->gone, uid))
		return 0;
	return position(v, uid) + 1;
}

uint32_t mail_view_seq(struct mail_view *v, uint32_t uid)
{
	lock_enter(&v->ma->lock);
	uint32_t seq = seq_locked(v, uid);
	lock_leave(&v->ma->lock);
	return seq;
}

static uint32_t uid_locked(struct mail_view *v, uint32_t seq)
{
	if (!v->box || seq == 0 || seq > v->exists)
		return 0;
	uint32_t at = seq - 1, gone = 0;
	for (size_t i = 0; i < v->gone.n; i++) {
		uint32_t len = v->gone.at[i].hi - v->gone.at[i].lo + 1;
		uint32_t first = mail_table_rank(&v->box->table, v->gone.at[i].lo) + gone;
		if (at < first)
			break;
		if (at - first < len)
			return v->gone.at[i].lo + (at - first);
		gone += len;
	}
	return mail_table_select(&v->box->table, at - gone);
}

uint32_t mail_view_uid(struct mail_view *v, uint32_t seq)
{
	lock_enter(&v->ma->lock);
	uint32_t uid = uid_locked(v, seq);
	lock_leave(&v->ma->lock);
	return uid;
}

uint32_t mail_view_uid_last(struct mail_view *v)
{
	return mail_view_uid(v, v->exists);
}

/* UIDs from the table and `gone` between the uids of seqs lo and hi. Since no message stands between neighbours, the
 * whole span of UIDs can be taken. */
static enum rc uids_locked(struct mail_view *v, const struct ranges *seqs, struct ranges *uids)
{
	for (size_t i = 0; i < seqs->n && seqs->at[i].lo <= v->exists; i++) {
		uint32_t lo = uid_locked(v, seqs->at[i].lo ? seqs->at[i].lo : 1);
		uint32_t hi =
			uid_locked(v, seqs->at[i].hi < v->exists ? seqs->at[i].hi : v->exists);
		if (lo && hi && lo <= hi)
			TRY(ranges_add(uids, lo, hi));
	}
	return RC_OK;
}

enum rc mail_view_uids(struct mail_view *v, const struct ranges *seqs, struct ranges *uids)
{
	lock_enter(&v->ma->lock);
	enum rc rc = uids_locked(v, seqs, uids);
	lock_leave(&v->ma->lock);
	return rc;
}

struct reading {
	struct mail_view *v;
	struct mail_reading *r;
};

static size_t read_run(void *ctx, struct mail_box *box, const struct mail_entry *at, size_t n)
{
	struct mail_view *v = ((struct reading *)ctx)->v;
	struct mail_reading *r = ((struct reading *)ctx)->r;
	size_t room = r->max - r->n;
	if (room == 0)
		return 0;
	n = n < room ? n : room;
	uint32_t rank = mail_table_rank(&box->table, at[0].uid) + 1;
	struct mail_entry *out = r->entries + r->n;
	uint32_t *seqs = r->seqs + r->n;
	memcpy(out, at, n * sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		seqs[i] = rank + (uint32_t)i +
			  (v->gone.n ? (uint32_t)ranges_below(&v->gone, out[i].uid) : 0);
		if (v->recent.n && ranges_has(&v->recent, out[i].uid))
			out[i].flags |= MAIL_RECENT;
	}
	r->n += n;
	return n;
}

enum rc mail_view_read(struct mail_view *v, struct mail_reading *r, struct fault *why)
{
	struct mail_walk walk = {
		.box = v->id, .from = r->from, .below = v->uid_next, .uids = r->uids
	};
	struct reading reading = { v, r };
	r->n = 0;
	if (r->max == 0)
		return RC_OK;
	enum rc rc = mail_walk(v->ma, &walk, read_run, &reading, why);
	if (r->n)
		r->from = r->entries[r->n - 1].uid + 1;
	return rc == RC_NONE ? RC_OK : rc;
}

static size_t find_unseen(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i].flags & MAIL_SEEN)
			continue;
		*(uint32_t *)ctx = at[i].uid;
		return i;
	}
	return n;
}

enum rc mail_view_first_unseen(struct mail_view *v, uint32_t *seq, struct fault *why)
{
	struct mail_walk walk = { .box = v->id, .below = v->uid_next, .may = MAIL_MAY_UNSEEN };
	uint32_t uid = 0;
	enum rc rc = mail_walk(v->ma, &walk, find_unseen, &uid, why);
	*seq = uid ? mail_view_seq(v, uid) : 0;
	return rc == RC_NONE ? RC_OK : rc;
}
