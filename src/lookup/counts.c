/* counts.c: A table of counters, and the task that writes those that changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup/counts.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/must.h"
#include "data/data.h"
#include "run/run.h"
#include <string.h>

enum { BUCKETS = 16384, AT_ONCE = 128, LOOK_MAX = 64 };

struct counter {
	struct counter *next; /* in its bucket */
	struct lookup_record now; /* COUNT, or NONE */
	struct lookup_record stored; /* as it stood there when it was last read or written */
	struct lookup_window window;
	uint64_t added; /* since then, and not written */
	size_t len;
	uint8_t key[];
};

struct counts {
	struct task task; /* first: writes later */
	struct data *data;
	struct lock lock; /* of all below */
	bool has_task; /* it lives, */
	bool takes_wakes; /* and may be woken */
	bool is_due; /* the task knows that there is something to write */
	size_t n, hand; /* hand: the bucket where the next search for a place begins */
	struct counter *buckets[BUCKETS];
};

struct slice counts_stored_key(struct counts_key *k, struct slice key)
{
	k->at[0] = 'L';
	memcpy(k->at + 1, key.at, key.len);
	return slice_of(k->at, 1 + key.len);
}

/* ---- the table ---- */

static struct counter **place_of(struct counts *c, struct slice key) NEEDS(c->lock)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.at[i]) * 0x100000001b3u;
	struct counter **at = &c->buckets[(h ^ h >> 32) % BUCKETS];
	while (*at && !slice_eq(slice_of((*at)->key, (*at)->len), key))
		at = &(*at)->next;
	return at;
}

static void drop(struct counts *c, struct counter **at) NEEDS(c->lock)
{
	struct counter *gone = *at;
	*at = gone->next;
	c->n--;
	mem_free(MEM_CACHE, gone);
}

/* One that is written already, near the hand; else any. */
static void make_room(struct counts *c) NEEDS(c->lock)
{
	struct counter **any = NULL;
	for (size_t i = 0; i < BUCKETS && (i < LOOK_MAX || !any); i++) {
		struct counter **at = &c->buckets[c->hand++ % BUCKETS];
		for (; *at; at = &(*at)->next) {
			any = at;
			if ((*at)->added == 0) {
				drop(c, at);
				return;
			}
		}
	}
	if (any)
		drop(c, any);
}

static struct counter *insert(
	struct counts *c, struct slice key, const struct lookup_record *stored) NEEDS(c->lock)
{
	struct counter **at = place_of(c, key);
	if (*at)
		return *at;
	if (c->n >= COUNTS_MAX) {
		make_room(c);
		at = place_of(c, key);
	}
	struct counter *n = mem_new(MEM_CACHE, sizeof(*n) + key.len);
	n->now = n->stored = *stored;
	n->now.bytes = n->stored.bytes = S("");
	n->len = key.len;
	memcpy(n->key, key.at, key.len);
	c->n++;
	*at = n;
	return n;
}

/* ---- adding ---- */

/* True: the task is to be woken. */
static bool add_to(struct counts *c, struct counter *n, const struct lookup_add *add,
	struct lookup_count *out) NEEDS(c->lock)
{
	uint64_t now = run_unix_us();
	bool is_new = n->now.kind != LOOKUP_RECORD_COUNT || n->now.until_us <= now;
	n->window = add->window;
	if (!lookup_window_add(&n->now, add, now, out))
		return false;
	n->added = (is_new ? 0 : n->added) + add->n;
	bool wakes = !c->is_due && c->takes_wakes;
	c->is_due = true;
	return wakes;
}

static enum rc read_stored(
	struct counts *c, struct slice key, struct lookup_record *out, struct fault *why)
{
	struct arena a;
	struct counts_key k;
	struct slice value;
	*out = (struct lookup_record){ .kind = LOOKUP_RECORD_NONE };
	arena_init(&a, 0);
	enum rc rc = data_get(c->data, DATA_MAIN, counts_stored_key(&k, key), &a, &value, why);
	if (rc == RC_OK)
		*out = lookup_record_read(value, run_unix_us());
	if (out->kind != LOOKUP_RECORD_COUNT)
		*out = (struct lookup_record){ .kind = LOOKUP_RECORD_NONE };
	out->bytes = S("");
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc counts_add(struct counts *c, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	struct lookup_record stored;
	bool wakes = false;
	lock_enter(&c->lock);
	struct counter *n = *place_of(c, key);
	if (n)
		wakes = add_to(c, n, add, out);
	lock_leave(&c->lock);
	if (!n) {
		TRY(read_stored(c, key, &stored, why));
		lock_enter(&c->lock);
		n = insert(c, key, &stored);
		wakes = add_to(c, n, add, out);
		lock_leave(&c->lock);
	}
	if (wakes)
		task_wake(&c->task, WAKE_EVENT);
	return RC_OK;
}

void counts_forget(struct counts *c, struct slice begins)
{
	lock_enter(&c->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		struct counter **at = &c->buckets[i];
		while (*at) {
			if (slice_starts(slice_of((*at)->key, (*at)->len), begins))
				drop(c, at);
			else
				at = &(*at)->next;
		}
	}
	lock_leave(&c->lock);
}

/* ---- writing ---- */

/* A copy of one that changed. */
struct change {
	struct slice key;
	struct lookup_record now, stored;
	struct lookup_window window;
	uint64_t added;
	uint64_t until_us; /* of `now` before it was merged */
	struct lookup_record read; /* what stands in the store */
	bool is_merged;
};

/* Up to AT_ONCE of those that changed, from bucket `*from` on; expired ones leave. */
static size_t collect(struct counts *c, size_t *from, struct change *out, struct arena *a)
{
	size_t n = 0;
	uint64_t now = run_unix_us();
	lock_enter(&c->lock);
	for (; *from < BUCKETS && n < AT_ONCE; ++*from) {
		struct counter **at = &c->buckets[*from];
		while (*at && n < AT_ONCE) {
			struct counter *k = *at;
			if (k->now.until_us <= now) {
				drop(c, at);
				continue;
			}
			if (k->added)
				out[n++] = (struct change){ .now = k->now,
					.until_us = k->now.until_us,
					.stored = k->stored,
					.window = k->window,
					.added = k->added };
			if (k->added &&
				arena_copy(a, slice_of(k->key, k->len), &out[n - 1].key) != RC_OK)
				n--;
			at = &k->next;
		}
		if (n == AT_ONCE)
			break; /* this bucket again: what was written is not found twice */
	}
	lock_leave(&c->lock);
	return n;
}

static bool is_same(const struct lookup_record *a, const struct lookup_record *b)
{
	return a->kind == b->kind && a->until_us == b->until_us && a->n == b->n;
}

/* What is to stand in the store: ours, or when another node has added there, what it says and what we added. */
static struct lookup_record merge(struct change *x, uint64_t now_us)
{
	struct lookup_record sum = x->read;
	struct lookup_count unused;
	if (is_same(&x->read, &x->stored) || x->read.kind != LOOKUP_RECORD_COUNT)
		return x->now;
	x->is_merged = true;
	if (x->window.kind == LOOKUP_FIXED) {
		lookup_window_add(
			&sum, &(struct lookup_add){ x->window, x->added }, now_us, &unused);
		return sum;
	}
	/* what was let in stays in, full or not */
	sum.until_us += x->added * (x->window.period_ms * 1000) / x->window.most;
	return sum;
}

/* One batch that asserts what was read. */
static enum rc write_some(struct counts *c, struct change *all, size_t n, struct fault *why)
{
	struct arena a;
	struct data_batch b;
	uint64_t now = run_unix_us();
	enum rc rc = RC_OK;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct counts_key *k = arena_new(&a, sizeof(*k));
		struct slice key = counts_stored_key(k, all[i].key), old;
		struct buf value;
		all[i].is_merged = false;
		all[i].read = (struct lookup_record){ .kind = LOOKUP_RECORD_NONE };
		rc = data_get(c->data, DATA_MAIN, key, &a, &old, why);
		if (rc == RC_OK)
			all[i].read = lookup_record_read(old, now);
		if (rc == RC_OK)
			data_assert(&b, DATA_MAIN, key, old);
		else if (rc == RC_NONE)
			data_assert_absent(&b, DATA_MAIN, key);
		else
			break;
		rc = RC_OK;
		all[i].now = merge(&all[i], now);
		buf_init(&value, 0, &a);
		lookup_record_write(&value, &all[i].now);
		data_put(&b, DATA_MAIN, key, buf_slice(&value));
	}
	b.lazy = true;
	if (rc == RC_OK)
		rc = data_commit_now(c->data, &b, why);
	arena_done(&a);
	return rc;
}

static void written(struct counts *c, const struct change *all, size_t n)
{
	lock_enter(&c->lock);
	for (size_t i = 0; i < n; i++) {
		struct counter *k = *place_of(c, all[i].key);
		if (!k || k->added < all[i].added ||
			(k->window.kind == LOOKUP_FIXED && k->now.until_us != all[i].until_us))
			continue; /* forgotten, or begun anew */
		uint64_t later = k->added - all[i].added;
		k->added = later;
		k->stored = all[i].now;
		if (!all[i].is_merged)
			continue;
		k->now = all[i].now;
		if (k->window.kind == LOOKUP_FIXED)
			k->now.n += later;
		else
			k->now.until_us += later * (k->window.period_ms * 1000) / k->window.most;
	}
	lock_leave(&c->lock);
}

/* All at once; when somebody else was first, one by one, and those that lose again the next time. */
static enum rc write_changes(struct counts *c, struct change *all, size_t n, struct fault *why)
{
	enum rc rc = n ? write_some(c, all, n, why) : RC_OK;
	if (rc == RC_OK)
		written(c, all, n);
	for (size_t i = 0; rc == RC_TAKEN && i < n; i++) {
		enum rc one = write_some(c, &all[i], 1, why);
		if (one == RC_OK)
			written(c, &all[i], 1);
		else if (one != RC_TAKEN)
			rc = one;
	}
	return rc;
}

enum rc counts_write(struct counts *c, struct fault *why)
{
	size_t from = 0;
	enum rc rc = RC_OK;
	lock_enter(&c->lock);
	c->is_due = false;
	lock_leave(&c->lock);
	while (from < BUCKETS && rc == RC_OK) {
		struct arena a;
		arena_init(&a, 0);
		struct change *all = arena_try_array(&a, AT_ONCE, sizeof(*all));
		size_t n = all ? collect(c, &from, all, &a) : 0;
		rc = all ? write_changes(c, all, n, why) : RC_LIMIT;
		arena_done(&a);
	}
	if (rc != RC_OK) {
		lock_enter(&c->lock);
		c->is_due = true;
		lock_leave(&c->lock);
	}
	return rc;
}

/* ---- the task ---- */

static step_fn later;
static void dropped(struct task *t);
static const struct step_row steps[] = { { later, "waiting" } };
static const struct task_kind kind = { "lookup-counts", steps, 1, dropped };

static enum step later(struct task *t)
{
	struct counts *c = (struct counts *)t;
	bool is_over = run_draining(t->run);
	lock_enter(&c->lock);
	bool is_due = c->is_due;
	c->takes_wakes = !is_over;
	lock_leave(&c->lock);
	if (is_due && (is_over || (t->woken & WAKE_TIMER))) {
		run_block_begin(RUN_STORE_LOOKUP);
		enum rc rc = counts_write(c, NULL);
		run_block_end();
		is_due = rc != RC_OK; /* the store has told it; again later */
	}
	if (is_over)
		return STEP_CLOSE;
	if (is_due)
		task_timer(t, run_now_ms(t->run) + COUNTS_LATER_MS);
	return STEP_PARK;
}

static void dropped(struct task *t)
{
	struct counts *c = (struct counts *)t;
	lock_enter(&c->lock);
	c->has_task = false;
	lock_leave(&c->lock);
}

struct counts *counts_new(struct data *data, struct run *run)
{
	struct counts *c = mem_new(MEM_CACHE, sizeof(*c));
	c->data = data;
	lock_init(&c->lock, LOCK_LOOKUP);
	if (run) {
		c->has_task = c->takes_wakes = true;
		task_init(&c->task, run, &kind, later);
		task_start(&c->task);
	}
	return c;
}

void counts_free(struct counts **ref)
{
	struct counts *c = *ref;
	enum rc rc = counts_write(c, NULL);
	(void)rc; /* it may be lost */
	lock_enter(&c->lock);
	must(!c->has_task);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (c->buckets[i])
			drop(c, &c->buckets[i]);
	}
	lock_leave(&c->lock);
	lock_done(&c->lock);
	mem_free(MEM_CACHE, c);
	*ref = NULL;
}
