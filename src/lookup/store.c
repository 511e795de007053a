/* store.c: The lookup store in the data store: records with expiry, and counters that are written later. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "data/data.h"
#include "lookup/counts.h"
#include "run/run.h"

/* Keys: 'L', the encoded key. */
enum { TRIES = 16, SWEEP_AT_ONCE = 500 };

struct store {
	struct data *data;
	struct counts *counts;
	struct buf from; /* where the clean-up goes on; empty: at the beginning */
};

/* One change of one key. */
struct edit {
	struct arena a;
	struct data_batch b;
	struct counts_key k;
	struct slice key, old;
	struct lookup_record now; /* as it stands; NONE: nothing does */
};

static void edit_begin(struct edit *x, struct slice key)
{
	arena_init(&x->a, 0);
	data_batch_init(&x->b, &x->a);
	x->key = counts_stored_key(&x->k, key);
	x->now = (struct lookup_record){ .kind = LOOKUP_RECORD_NONE };
}

/* Reads it, and asserts in the batch that it is so still. */
static enum rc edit_read(struct store *s, struct edit *x, struct fault *why)
{
	enum rc rc = data_get(s->data, DATA_MAIN, x->key, &x->a, &x->old, why);
	if (rc == RC_NONE) {
		data_assert_absent(&x->b, DATA_MAIN, x->key);
		return RC_OK;
	}
	TRY(rc);
	x->now = lookup_record_read(x->old, run_unix_us());
	data_assert(&x->b, DATA_MAIN, x->key, x->old);
	return RC_OK;
}

static enum rc edit_put(struct edit *x, const struct lookup_record *r, struct fault *why)
{
	struct buf value;
	buf_init(&value, 0, &x->a);
	lookup_record_write(&value, r);
	if (value.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	data_put(&x->b, DATA_MAIN, x->key, buf_slice(&value));
	return RC_OK;
}

static enum rc commit(struct store *s, struct data_batch *b, struct fault *why)
{
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = data_commit_now(s->data, b, why);
	run_block_end();
	return rc;
}

/* ---- values ---- */

static enum rc store_get(
	void *e, struct slice key, struct arena *a, struct slice *value, struct fault *why)
{
	struct store *s = e;
	struct counts_key k;
	struct slice stored;
	TRY(data_get(s->data, DATA_MAIN, counts_stored_key(&k, key), a, &stored, why));
	struct lookup_record r = lookup_record_read(stored, run_unix_us());
	*value = r.bytes;
	return r.kind == LOOKUP_RECORD_VALUE ? RC_OK : RC_NONE;
}

static enum rc store_set(
	void *e, struct slice key, struct slice value, uint64_t ttl_ms, struct fault *why)
{
	struct store *s = e;
	struct edit x;
	edit_begin(&x, key);
	const struct lookup_record r = { .kind = LOOKUP_RECORD_VALUE,
		.until_us = ttl_ms ? run_unix_us() + ttl_ms * 1000 : 0,
		.bytes = value };
	enum rc rc = edit_put(&x, &r, why);
	if (rc == RC_OK)
		rc = commit(s, &x.b, why);
	arena_done(&x.a);
	return rc;
}

static enum rc store_delete(void *e, struct slice key, struct fault *why)
{
	struct store *s = e;
	struct edit x;
	edit_begin(&x, key);
	counts_forget(s->counts, key);
	data_delete(&x.b, DATA_MAIN, x.key);
	enum rc rc = commit(s, &x.b, why);
	arena_done(&x.a);
	return rc;
}

static enum rc store_add(void *e, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	return counts_add(((struct store *)e)->counts, key, add, out, why);
}

/* ---- locks ---- */

/* Another one may be first again and again: TRIES times, then it is as if the lock were taken. */
static enum rc store_lock(void *e, struct slice key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why)
{
	struct store *s = e;
	enum rc rc = RC_TAKEN;
	for (unsigned i = 0; i < TRIES; i++) {
		struct edit x;
		edit_begin(&x, key);
		rc = edit_read(s, &x, why);
		bool is_held = false;
		if (rc == RC_OK) {
			rc = lookup_lock_take(&x.now, lock, run_unix_us(), fence);
			is_held = rc == RC_TAKEN;
		}
		if (rc == RC_OK)
			rc = edit_put(&x, &x.now, why);
		x.b.lazy = true; /* [lookup 1] */
		if (rc == RC_OK)
			rc = commit(s, &x.b, why);
		arena_done(&x.a);
		if (rc != RC_TAKEN || is_held)
			break;
	}
	return rc;
}

static enum rc store_unlock(void *e, struct slice key, struct slice owner, struct fault *why)
{
	struct store *s = e;
	enum rc rc = RC_TAKEN;
	for (unsigned i = 0; rc == RC_TAKEN && i < TRIES; i++) {
		struct edit x;
		edit_begin(&x, key);
		rc = edit_read(s, &x, why);
		if (rc == RC_OK &&
			(x.now.kind != LOOKUP_RECORD_LOCK || !slice_eq(x.now.bytes, owner)))
			rc = RC_NONE;
		data_delete(&x.b, DATA_MAIN, x.key);
		x.b.lazy = true;
		if (rc == RC_OK)
			rc = commit(s, &x.b, why);
		arena_done(&x.a);
	}
	return rc == RC_TAKEN ? fault_set(why, FAULT_STORE, "the lock changes too often") : rc;
}

/* ---- many keys ---- */

/* Some keys of a range, to be deleted. */
struct sweep {
	struct arena a;
	struct data_batch b;
	bool only_expired;
	uint64_t now_us;
	size_t seen, n;
	struct slice last; /* the last one that was seen */
	bool is_over; /* no memory */
};

static bool see(void *ctx, struct slice key, struct slice value)
{
	struct sweep *w = ctx;
	struct slice k, v;
	w->seen++;
	bool goes =
		!w->only_expired || lookup_record_read(value, w->now_us).kind == LOOKUP_RECORD_NONE;
	w->is_over = arena_copy(&w->a, key, &k) != RC_OK;
	if (w->is_over)
		return false;
	w->last = k;
	if (!goes)
		return true;
	/* it may be renewed meanwhile: then it stays */
	if (w->only_expired) {
		w->is_over = arena_copy(&w->a, value, &v) != RC_OK;
		if (w->is_over)
			return false;
		data_assert(&w->b, DATA_MAIN, k, v);
	}
	data_delete(&w->b, DATA_MAIN, k);
	w->n++;
	return true;
}

/* From `*from` on, which moves. RC_NONE: that was the last piece. */
static enum rc sweep_some(struct store *s, struct sweep *w, const struct data_range *range,
	struct buf *from, struct fault *why)
{
	*w = (struct sweep){ .only_expired = w->only_expired, .now_us = run_unix_us() };
	arena_init(&w->a, 0);
	data_batch_init(&w->b, &w->a);
	enum rc rc = data_scan(s->data, range, see, w, why);
	if (rc == RC_OK && w->is_over)
		rc = fault_set(why, FAULT_MEMORY, "%s", "");
	if (rc == RC_OK && w->n)
		rc = commit(s, &w->b, why);
	if (rc == RC_TAKEN) { /* one was renewed: these wait until the next clean-up */
		w->n = 0;
		rc = RC_OK;
	}
	if (rc == RC_OK && w->seen < SWEEP_AT_ONCE)
		rc = RC_NONE;
	if (rc == RC_OK) {
		buf_reset(from); /* `range` looked at it: it is of no use any more */
		buf_add(from, w->last);
		buf_byte(from, 0);
	}
	arena_done(&w->a);
	return rc;
}

static struct slice past(struct counts_key *k, struct slice begins)
{
	struct slice to = counts_stored_key(k, begins);
	while (k->at[to.len - 1] == 0xff) /* the first octet is 'L', so it ends */
		to.len--;
	k->at[to.len - 1]++;
	return to;
}

static enum rc store_delete_prefix(void *e, struct slice begins, struct fault *why)
{
	struct store *s = e;
	struct sweep w = { .only_expired = false };
	struct counts_key first, end;
	struct data_range range = {
		.space = DATA_MAIN, .to = past(&end, begins), .limit = SWEEP_AT_ONCE
	};
	struct buf from;
	enum rc rc;
	counts_forget(s->counts, begins);
	buf_init(&from, 0, NULL);
	buf_add(&from, counts_stored_key(&first, begins));
	do {
		range.from = buf_slice(&from);
		rc = sweep_some(s, &w, &range, &from, why);
	} while (rc == RC_OK);
	buf_done(&from);
	return rc == RC_NONE ? RC_OK : rc;
}

static enum rc store_cleanup(void *e, size_t *removed, struct fault *why)
{
	struct store *s = e;
	struct sweep w = { .only_expired = true };
	struct counts_key end;
	struct data_range range = {
		.space = DATA_MAIN, .to = past(&end, S("")), .limit = SWEEP_AT_ONCE
	};
	if (s->from.len == 0) {
		TRY(counts_write(s->counts, why));
		buf_byte(&s->from, 'L');
	}
	range.from = buf_slice(&s->from);
	enum rc rc = sweep_some(s, &w, &range, &s->from, why);
	*removed += rc == RC_OK || rc == RC_NONE ? w.n : 0;
	if (rc == RC_OK)
		return RC_MORE;
	buf_reset(&s->from);
	return rc == RC_NONE ? RC_OK : rc;
}

static enum rc store_ready(void *e, struct fault *why)
{
	struct store *s = e;
	struct arena a;
	struct slice value;
	arena_init(&a, 0);
	enum rc rc = data_get(s->data, DATA_MAIN, S("L"), &a, &value, why);
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

static void store_close(void *e)
{
	struct store *s = e;
	counts_free(&s->counts);
	buf_done(&s->from);
	mem_free(MEM_STORE, s);
}

struct lookup *lookup_open_data(struct data *data, struct run *run)
{
	static const struct lookup_engine engine = { "data", store_get, store_set, store_delete,
		store_delete_prefix, store_add, store_lock, store_unlock, store_cleanup,
		store_ready, store_close };
	struct store *s = mem_new(MEM_STORE, sizeof(*s));
	s->data = data;
	s->counts = counts_new(data, run);
	buf_init(&s->from, 0, NULL);
	return lookup_new(&engine, s);
}
