/* archive.c: Moving old content to the cold place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "blob/upload_int.h"
#include "run/run.h"
#include <string.h>

enum { LOOKED_AT = 256, PIECE = 4 * BLOB_FRAME };

struct found {
	struct blob_cursor *cursor;
	struct blob_ref ref;
	size_t looked;
	int64_t before;
	struct blob *blob;
	bool is_old;
};

static bool look(void *ctx, struct slice key, struct slice value)
{
	struct found *f = ctx;
	struct blob_meta m;
	f->looked++;
	if (key.len != 2 + sizeof(f->ref.hash))
		return true;
	memcpy(f->cursor->hash, key.at + 2, sizeof(f->cursor->hash));
	f->cursor->begun = true;
	if (meta_read(f->blob, value, &m) != RC_OK || m.where == META_IN_COLD ||
		m.born >= f->before)
		return true;
	memcpy(f->ref.hash, f->cursor->hash, sizeof(f->ref.hash));
	f->ref.size = m.size;
	f->is_old = true;
	return false;
}

/* The plain content goes through an upload as if it came anew: its hash proves what was read. */
static enum rc copy(struct blob *blob, const struct blob_ref *ref, struct blob_upload *u,
	struct arena *a, struct fault *why)
{
	for (uint64_t at = 0; at < ref->size; at += PIECE) {
		struct arena piece;
		struct slice bytes;
		arena_init(&piece, 0);
		enum rc rc = blob_read(blob, ref, at, PIECE, &piece, &bytes, why);
		if (rc == RC_OK)
			rc = blob_upload_add(u, bytes, why);
		arena_done(&piece);
		TRY(rc);
	}
	TRY(blob_upload_end(u, true, a, why));
	if (u->ref.size != ref->size || memcmp(u->ref.hash, ref->hash, sizeof(ref->hash)) != 0)
		return fault_set(why, FAULT_DAMAGED, "a content does not bear its hash");
	return RC_OK;
}

/* The figures are those that were seen: a purge or another link in between wins. */
static enum rc commit(struct blob *blob, const struct blob_ref *ref, struct blob_upload *u,
	struct arena *a, struct fault *why)
{
	struct data_batch b;
	struct slice value;
	struct blob_meta was, now;
	TRY(meta_get(blob, ref, a, &value, &was, why));
	if (was.where == META_IN_COLD)
		return RC_TAKEN;
	TRY(upload_object_meta(u, a, &now, why));
	now.size = was.size;
	now.touch = was.touch + 1;
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, meta_key(a, 'm', ref), value);
	data_put(&b, DATA_MAIN, meta_key(a, 'm', ref), meta_write(a, &now));
	upload_end_reservation(u, &b);
	TRY(purge_content(blob, ref, &was, &b, why));
	TRY(data_commit_now(blob->data, &b, why));
	return was.where == META_IN_DATA ? RC_OK : purge_object(blob, ref, &was, why);
}

static enum rc move(struct blob *blob, const struct blob_ref *ref, struct fault *why)
{
	struct arena a;
	struct buf frame;
	struct blob_upload u;
	arena_init(&a, 0);
	buf_init(&frame, 0, NULL);
	blob_upload_init(blob, &frame, &u);
	u.place = blob->cold;
	u.moves = true;
	enum rc rc = copy(blob, ref, &u, &a, why);
	if (rc == RC_OK)
		rc = commit(blob, ref, &u, &a, why);
	blob_upload_done(&u, rc == RC_OK);
	buf_done(&frame);
	arena_done(&a);
	return rc;
}

static enum rc find(struct found *f, struct fault *why)
{
	struct arena a;
	struct buf from;
	arena_init(&a, 0);
	buf_init(&from, 0, &a);
	buf_str(&from, "Bm");
	if (f->cursor->begun) {
		buf_add(&from, slice_of(f->cursor->hash, sizeof(f->cursor->hash)));
		buf_byte(&from, 0);
	}
	struct data_range range = {
		.space = DATA_MAIN, .from = buf_slice(&from), .to = S("Bn"), .limit = LOOKED_AT
	};
	enum rc rc = data_scan(f->blob->data, &range, look, f, why);
	arena_done(&a);
	return rc;
}

enum rc blob_archive(
	struct blob *blob, struct blob_cursor *cursor, int64_t before, size_t *n, struct fault *why)
{
	struct found f = { .cursor = cursor, .before = before, .blob = blob };
	if (!blob->cold)
		return RC_OK;
	TRY(find(&f, why));
	if (!f.is_old)
		return f.looked == LOOKED_AT ? RC_MORE : RC_OK;
	enum rc rc = move(blob, &f.ref, why);
	if (rc == RC_OK) {
		(*n)++;
		metric_add(METRIC_BLOBS_ARCHIVED, 1);
	}
	/* gone, touched or damaged: its turn comes again the next time */
	if (rc == RC_LOST)
		event_log(EVENT_STORE_FAILED, f_str("why", why ? fault_text(why) : "damaged"));
	return rc == RC_OK || rc == RC_NONE || rc == RC_TAKEN || rc == RC_LOST ? RC_MORE : rc;
}
