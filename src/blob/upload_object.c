/* upload_object.c: An upload into a place: parts are gathered in a file and written while the content comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/must.h"
#include "base/random.h"
#include "blob/upload_int.h"
#include "run/run.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PART_NEAR = 8 * 1024 * 1024 };

void upload_name(struct blob_upload *u)
{
	while (u->id == 0)
		random_bytes(&u->id, sizeof(u->id));
	if (u->born == 0)
		u->born = run_unix(NULL);
}

static struct place_name name_of(const struct blob_upload *u)
{
	struct place_name name = { .upload = u->id, .born = u->born, .is_cold = u->moves };
	memcpy(name.hash, u->ref.hash, sizeof(name.hash));
	return name;
}

/* Near files that are never linked are found otherwise (orphans.c), but not cold ones. */
static bool is_reserved(const struct blob_upload *u)
{
	return u->place->is_far || u->moves;
}

/* Before anything of it is in the place; moved with each part. */
static enum rc reserve(struct blob_upload *u, struct fault *why)
{
	if (!is_reserved(u))
		return RC_OK;
	data_batch_init(&u->batch, &u->work);
	return upload_reserve(u, u->reserved.len > 0, why);
}

/* --- the part that is gathered --- */

static enum rc failed(const char *path, struct fault *why)
{
	bool full = fault_is_full(errno);
	event_log(full ? EVENT_STORE_FULL : EVENT_STORE_FAILED, f_str("path", path),
		f_str("why", strerror(errno)));
	return fault_set(why, full ? FAULT_STORE_FULL : FAULT_STORE, "%s", "");
}

static enum rc spool_add(struct blob_upload *u, struct slice s, struct fault *why)
{
	const char *path = u->blob->spool;
	if (u->spool < 0)
		u->spool = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (u->spool < 0)
		return failed(path, why);
	while (s.len) {
		ssize_t n = pwrite(u->spool, s.at, s.len, (off_t)u->spooled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(path, why);
		u->spooled += (uint64_t)n;
		s = slice_tail(s, (size_t)n);
	}
	return RC_OK;
}

static enum rc add_part(struct blob_upload *u, const struct place_bytes *bytes, struct fault *why)
{
	struct place_name name = name_of(u);
	TRY(reserve(u, why));
	if (!u->write)
		TRY(place_begin(u->place, &name, &u->write, why));
	return place_add(u->write, bytes, why);
}

static enum rc add_spooled(struct blob_upload *u, struct fault *why)
{
	struct place_bytes bytes = { .fd = u->spool, .len = u->spooled };
	TRY(add_part(u, &bytes, why));
	u->spooled = 0;
	return ftruncate(u->spool, 0) == 0 ? RC_OK : failed(u->blob->spool, why);
}

/* Bytes of a part; 0: a near place takes what there is. */
static size_t gathers(const struct blob_upload *u)
{
	return u->place->part_min || !is_reserved(u) ? u->place->part_min : PART_NEAR;
}

static enum rc add(struct blob_upload *u, struct slice s, struct fault *why)
{
	size_t least = gathers(u);
	struct place_bytes bytes = { .at = s.at, .fd = -1, .len = s.len };
	if (least == 0)
		return add_part(u, &bytes, why);
	TRY(spool_add(u, s, why));
	return u->spooled < least ? RC_OK : add_spooled(u, why);
}

/* An object that failed in the middle stays so. */
static enum rc whole(struct blob_upload *u, enum rc rc)
{
	u->is_broken |= rc != RC_OK;
	return rc;
}

enum rc upload_object_frame(struct blob_upload *u, struct slice packed, struct fault *why)
{
	buf_be32(&u->table, (uint32_t)packed.len);
	enum rc rc = u->table.over ? fault_set(why, FAULT_MEMORY, "%s", "") : add(u, packed, why);
	arena_reset(&u->work);
	return whole(u, rc);
}

/* --- the whole --- */

static enum rc is_there(struct blob_upload *u, bool *there, struct fault *why)
{
	struct arena a;
	struct slice value;
	struct blob_meta m;
	arena_init(&a, 0);
	enum rc rc = meta_get(u->blob, &u->ref, &a, &value, &m, why);
	arena_done(&a);
	*there = rc == RC_OK && m.size == u->ref.size;
	return rc == RC_NONE || rc == RC_LOST ? RC_OK : rc;
}

enum rc upload_object_end(struct blob_upload *u, struct arena *a, struct fault *why)
{
	bool there, one = u->frames == 0;
	struct buf tail;
	if (one)
		buf_be32(&u->table, (uint32_t)u->packed.len);
	buf_init(&tail, 0, a);
	if (one)
		buf_add(&tail, u->packed);
	buf_add(&tail, buf_slice(&u->table));
	buf_be32(&tail, (uint32_t)(u->table.len / 4));
	if (tail.over || u->table.over)
		return whole(u, fault_set(why, FAULT_MEMORY, "%s", ""));
	if (one)
		u->packed = buf_slice(&tail);
	else if (gathers(u))
		TRY(whole(u, spool_add(u, buf_slice(&tail), why)));
	else
		TRY(whole(u, add(u, buf_slice(&tail), why)));
	if (u->moves)
		return upload_object_put(u, why);
	TRY(is_there(u, &there, why));
	return there ? RC_OK : upload_object_put(u, why);
}

static enum rc put(struct blob_upload *u, struct fault *why)
{
	struct place_name name = name_of(u);
	struct place_bytes bytes = { .at = u->packed.at, .fd = -1, .len = u->packed.len };
	if (u->write && u->spooled)
		TRY(add_spooled(u, why));
	TRY(reserve(u, why));
	if (u->write)
		return place_end(u->write, &name, why);
	if (u->frames)
		bytes = (struct place_bytes){ .fd = u->spool, .len = u->spooled };
	return place_put(u->place, &name, &bytes, why);
}

enum rc upload_object_put(struct blob_upload *u, struct fault *why)
{
	if (u->is_placed)
		return RC_OK;
	if (u->is_broken)
		return fault_set(why, FAULT_STORE, "%s", "");
	upload_name(u);
	if (!is_reserved(u) && u->naming == 0) {
		blob_naming(u->blob, 0, u->id);
		u->naming = u->id;
	}
	TRY(whole(u, put(u, why)));
	u->is_placed = true;
	return RC_OK;
}

enum rc upload_object_meta(
	struct blob_upload *u, struct arena *a, struct blob_meta *out, struct fault *why)
{
	struct slice table = buf_slice(&u->table);
	struct buf lens;
	uint32_t len;
	buf_init(&lens, 0, a);
	while (take_be32(&table, &len) == RC_OK)
		buf_varint(&lens, len);
	*out = (struct blob_meta){
		.upload = u->id, .where = u->moves ? META_IN_COLD : META_IN_PLACE, .born = u->born
	};
	out->lens = buf_slice(&lens);
	return lens.over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

/* --- the end --- */

/* Is it this object that the content has? */
static enum rc is_linked(struct blob_upload *u, bool *linked)
{
	struct arena a;
	struct slice value;
	struct blob_meta m;
	arena_init(&a, 0);
	enum rc rc = meta_get(u->blob, &u->ref, &a, &value, &m, NULL);
	*linked = rc == RC_OK && m.upload == u->id;
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

/* Nobody says any more that it is needed: a batch of ours that would link it asserts a reservation that is gone. */
static void remove_far(struct blob_upload *u)
{
	struct arena a;
	bool linked;
	struct place_name name = name_of(u);
	arena_init(&a, 0);
	enum rc rc = leftover_drop(u->blob, meta_key_upload(&a, u->id), u->reserved, NULL);
	if (rc == RC_TAKEN && u->is_placed && is_linked(u, &linked) == RC_OK && !linked)
		rc = place_remove(u->place, &name, false, NULL);
	(void)rc; /* what could not be removed is swept later */
	arena_done(&a);
}

/* Without a reservation: a batch whose answer was lost may count after all, and then needs it. */
static void remove_near(struct blob_upload *u, bool stored)
{
	bool linked = false;
	struct place_name name = name_of(u);
	if (!u->is_placed || (u->is_tried && !stored) || (stored && !u->was_there))
		return;
	if (is_linked(u, &linked) == RC_OK && !linked)
		(void)!place_remove(u->place, &name, false, NULL);
}

void upload_object_done(struct blob_upload *u, bool stored)
{
	place_drop(&u->write);
	if (u->spool >= 0)
		close(u->spool);
	u->spool = -1;
	if (!is_reserved(u))
		remove_near(u, stored);
	else if (u->reserved.len && (!stored || u->was_there))
		remove_far(u);
	if (u->naming)
		blob_naming(u->blob, u->naming, 0);
}
