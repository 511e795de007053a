/* purge.c: Removing content that nobody links any more, and pieces of uploads that never ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "blob/blob_int.h"

enum { PIECE = 64, TAIL_MOST = 13, FRAMES_A_BATCH = 256 };

/* A question or a reservation: its key and its value as they were when the look began. */
struct asked {
	struct slice key, value;
};

struct list {
	struct arena *a;
	struct asked at[PIECE];
	size_t n;
	bool over;
};

static bool take(void *ctx, struct slice key, struct slice value)
{
	struct list *l = ctx;
	struct asked *e = &l->at[l->n];
	l->over = arena_copy(l->a, key, &e->key) != RC_OK ||
		  arena_copy(l->a, value, &e->value) != RC_OK;
	l->n += !l->over;
	return !l->over && l->n < PIECE;
}

static enum rc list(
	struct blob *blob, struct slice from, struct slice to, struct list *l, struct fault *why)
{
	struct data_range range = { .space = DATA_MAIN, .from = from, .to = to, .limit = PIECE };
	TRY(data_scan(blob->data, &range, take, l, why));
	return l->over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

static enum rc is_linked(struct blob *blob, const struct blob_ref *ref, struct arena *a,
	bool *linked, struct fault *why)
{
	struct buf to;
	struct data_range range = { .space = DATA_MAIN, .from = meta_key(a, 'l', ref) };
	buf_init(&to, 0, a);
	buf_add(&to, range.from);
	for (int i = 0; i <= TAIL_MOST; i++)
		buf_byte(&to, 0xff);
	range.to = buf_slice(&to);
	return data_any(blob->data, &range, linked, why);
}

enum rc purge_content(struct blob *blob, const struct blob_ref *ref, const struct blob_meta *m,
	struct data_batch *b, struct fault *why)
{
	struct place *place;
	if (m->where == META_IN_DATA) {
		for (uint64_t i = 0; i * BLOB_FRAME < m->size; i++)
			data_delete(b, DATA_BLOB,
				meta_key_frame(b->arena, ref, m->upload, (uint32_t)i));
		return RC_OK;
	}
	TRY(meta_place(blob, m->where, &place, why));
	if (place->is_far || m->where == META_IN_COLD)
		data_put(b, DATA_MAIN, meta_key_upload(b->arena, m->upload),
			leftover_value(b->arena, m, false));
	return RC_OK;
}

/* Whoever stores the same content from here on writes an object of its own name. A far one that cannot be removed now
 * has a reservation, by which it is swept. */
enum rc purge_object(
	struct blob *blob, const struct blob_ref *ref, const struct blob_meta *m, struct fault *why)
{
	struct place *place;
	struct place_name name;
	struct arena a;
	TRY(meta_place(blob, m->where, &place, why));
	meta_name(ref, m, &name);
	if (!place->is_far && m->where != META_IN_COLD)
		return place_remove(place, &name, false, why);
	arena_init(&a, 0);
	enum rc rc = leftover_drop(
		blob, meta_key_upload(&a, m->upload), leftover_value(&a, m, false), NULL);
	arena_done(&a);
	return rc == RC_OK || rc == RC_TEMP || rc == RC_TAKEN ? RC_OK : rc;
}

/* Answers one question, and deletes it. Its value is asserted: a link that was lost while we looked has asked anew. */
static enum rc answer(
	struct blob *blob, const struct asked *q, struct arena *a, bool *removed, struct fault *why)
{
	struct blob_ref ref = { 0 };
	struct data_batch b;
	struct slice meta;
	struct blob_meta m = { 0 };
	bool linked;
	memcpy(ref.hash, q->key.at + 2, sizeof(ref.hash));
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, q->key, q->value);
	data_delete(&b, DATA_MAIN, q->key);
	enum rc rc = meta_get(blob, &ref, a, &meta, &m, why);
	if (rc != RC_OK && rc != RC_NONE && rc != RC_LOST)
		return rc;
	TRY(is_linked(blob, &ref, a, &linked, why));
	*removed = rc != RC_NONE && !linked && m.touch;
	if (*removed) {
		struct slice key = meta_key(a, 'm', &ref);
		data_assert(&b, DATA_MAIN, key, meta);
		data_delete(&b, DATA_MAIN, key);
		TRY(purge_content(blob, &ref, &m, &b, why));
	}
	rc = data_commit_now(blob->data, &b, why);
	*removed &= rc == RC_OK;
	if (rc == RC_TAKEN) /* somebody stored it again: the question stays for the next time */
		return RC_OK;
	TRY(rc);
	return *removed && m.where != META_IN_DATA ? purge_object(blob, &ref, &m, why) : RC_OK;
}

enum rc blob_purge(struct blob *blob, struct blob_cursor *cursor, size_t *n, struct fault *why)
{
	struct arena a;
	struct list l = { .a = &a };
	struct buf from;
	arena_init(&a, 0);
	buf_init(&from, 0, &a);
	buf_str(&from, "Bu");
	if (cursor->begun)
		buf_add(&from, slice_of(cursor->hash, sizeof(cursor->hash)));
	if (cursor->begun)
		buf_byte(&from, 0);
	enum rc rc = list(blob, buf_slice(&from), S("Bv"), &l, why);
	for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
		struct arena one;
		bool removed = false;
		if (l.at[i].key.len != 2 + sizeof(cursor->hash))
			continue;
		arena_init(&one, 0);
		rc = answer(blob, &l.at[i], &one, &removed, why);
		arena_done(&one);
		*n += removed;
		metric_add(METRIC_BLOBS_PURGED, removed);
		memcpy(cursor->hash, l.at[i].key.at + 2, sizeof(cursor->hash));
		cursor->begun = true;
	}
	arena_done(&a);
	return rc == RC_OK && l.n == PIECE ? RC_MORE : rc;
}

/* --- uploads --- */

struct pieces {
	struct data_batch *b;
	bool over;
};

static bool delete_piece(void *ctx, struct slice key, struct slice value)
{
	struct pieces *p = ctx;
	struct slice copy;
	(void)value;
	if (key.len != 12) /* a frame that bears a hash, which begins like this upload's id */
		return true;
	p->over = arena_copy(p->b->arena, key, &copy) != RC_OK;
	if (!p->over)
		data_delete(p->b, DATA_BLOB, copy);
	return !p->over;
}

/* Up to FRAMES_A_BATCH pieces; the reservation goes with the last ones. RC_MORE: there are more. */
static enum rc drop_some(
	struct blob *blob, const struct asked *q, struct arena *a, struct fault *why)
{
	struct data_batch b;
	struct pieces p = { .b = &b };
	struct slice id = slice_tail(q->key, 2);
	struct buf to;
	buf_init(&to, 0, a);
	buf_add(&to, id);
	buf_be32(&to, UINT32_MAX);
	struct data_range range = {
		.space = DATA_BLOB, .from = id, .to = buf_slice(&to), .limit = FRAMES_A_BATCH
	};
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, q->key, q->value);
	TRY(data_scan(blob->data, &range, delete_piece, &p, why));
	if (p.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	bool last = b.n <= FRAMES_A_BATCH;
	if (last)
		data_delete(&b, DATA_MAIN, q->key);
	TRY(data_commit_now(blob->data, &b, why));
	return last ? RC_OK : RC_MORE;
}

enum rc blob_drop_pieces(struct blob *blob, struct slice key, struct slice value, struct fault *why)
{
	struct asked q = { key, value };
	if (leftover_is(value)) {
		enum rc gone = leftover_drop(blob, key, value, why);
		return gone == RC_TAKEN ? RC_OK : gone;
	}
	enum rc rc = RC_MORE;
	while (rc == RC_MORE) {
		struct arena a;
		arena_init(&a, 0);
		rc = drop_some(blob, &q, &a, why);
		arena_done(&a);
	}
	return rc == RC_TAKEN ? RC_OK : rc; /* it was stored, goes on, or somebody else swept */
}

/* Is nobody at it any more? */
static bool is_left(const struct blob *blob, struct slice value, int64_t before)
{
	uint64_t owner, since;
	if (leftover_is(value))
		return leftover_expired(value, before);
	return take_be64(&value, &owner) != RC_OK || take_be64(&value, &since) != RC_OK ||
	       owner != blob->owner || (int64_t)since < before;
}

/* `far_fails`: the far place did not answer; the rest of it waits for the next sweep. */
static enum rc sweep_some(struct blob *blob, int64_t before, struct buf *from, size_t *n,
	bool *far_fails, struct fault *why)
{
	struct arena a;
	struct list l = { .a = &a };
	arena_init(&a, 0);
	enum rc rc = list(blob, buf_slice(from), S("Bq"), &l, why);
	for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
		buf_reset(from);
		buf_add(from, l.at[i].key);
		buf_byte(from, 0);
		bool is_far = leftover_is(l.at[i].value);
		if (!is_left(blob, l.at[i].value, before) || (is_far && *far_fails))
			continue;
		rc = blob_drop_pieces(blob, l.at[i].key, l.at[i].value, why);
		*far_fails |= is_far && rc == RC_TEMP;
		if (is_far && rc == RC_TEMP) {
			rc = RC_OK;
			continue;
		}
		*n += rc == RC_OK;
		metric_add(METRIC_UPLOADS_SWEPT, rc == RC_OK);
	}
	arena_done(&a);
	return rc == RC_OK && l.n == PIECE ? RC_MORE : rc;
}

enum rc blob_sweep(struct blob *blob, int64_t before, size_t *n, struct fault *why)
{
	struct buf from;
	enum rc rc = RC_MORE;
	bool far_fails = false;
	buf_init(&from, 0, NULL);
	buf_str(&from, "Bp");
	*n = 0;
	while (rc == RC_MORE)
		rc = sweep_some(blob, before, &from, n, &far_fails, why);
	buf_done(&from);
	return rc;
}
