/* blob.c: Storing, linking, reading and purging content. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/random.h"
#include "blob/blob_int.h"
#include "crypto/hash.h"

enum { FRAMES_A_READ = 8 }; /* of a place, at most: a megabyte */

enum rc blob_open(
	struct data *data, const struct blob_options *o, struct blob **out, struct fault *why)
{
	enum frame_codec codec = FRAME_LZ4;
	if (o->compression && strcmp(o->compression, "zstd") == 0)
		codec = FRAME_ZSTD;
	else if (o->compression && strcmp(o->compression, "none") == 0)
		codec = FRAME_RAW;
	struct blob *blob = mem_new(MEM_STORE, sizeof(*blob));
	*blob = (struct blob){ .data = data, .codec = codec };
	random_bytes(&blob->owner, sizeof(blob->owner));
	lock_init(&blob->lock, LOCK_STORE);
	enum rc rc = o->place ? place_open(o->place, &blob->place, why) : RC_OK;
	if (rc == RC_OK && o->cold)
		rc = place_open(o->cold, &blob->cold, why);
	if (rc != RC_OK) {
		blob_close(&blob);
		return rc;
	}
	blob->spool = mem_str(MEM_STORE, o->spool ? o->spool : "/tmp");
	*out = blob;
	return RC_OK;
}

void blob_close(struct blob **blob)
{
	if (!*blob)
		return;
	place_close(&(*blob)->place);
	place_close(&(*blob)->cold);
	lock_done(&(*blob)->lock);
	mem_free(MEM_STORE, (*blob)->naming);
	mem_free(MEM_STORE, (char *)(*blob)->spool);
	mem_free(MEM_STORE, *blob);
	*blob = NULL;
}

void blob_ref_of(struct slice content, struct blob_ref *out)
{
	out->size = content.len;
	out->upload = 0;
	crypto_sha256(content, out->hash);
}

static struct slice link_key(
	struct arena *a, const struct blob_ref *ref, uint32_t account, uint8_t kind, uint64_t item)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, 'l');
	buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	buf_be32(&key, account);
	buf_byte(&key, kind);
	buf_be64(&key, item);
	return buf_slice(&key);
}

enum rc blob_keep(
	struct blob *blob, struct data_batch *b, const struct blob_ref *ref, struct fault *why)
{
	bool there;
	TRY(meta_add(blob, b, ref, &(struct blob_meta){ 0 }, &there, why));
	return there ? RC_OK : fault_set(why, FAULT_NO_SUCH_MESSAGE, "the content is gone");
}

void blob_link(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item)
{
	data_put(b, DATA_MAIN, link_key(b->arena, ref, account, kind, item), S(""));
}

void blob_unlink(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item)
{
	data_delete(b, DATA_MAIN, link_key(b->arena, ref, account, kind, item));
	/* Each question has a value of its own: a purge that began before this link was lost does not take it for the
	 * one that it saw. */
	struct buf value;
	buf_init(&value, 0, b->arena);
	buf_be32(&value, account);
	buf_byte(&value, kind);
	buf_be64(&value, item);
	data_put(b, DATA_MAIN, meta_key(b->arena, 'u', ref), buf_slice(&value));
}

/* Where the frames of a content are. It is read when it must be: content of the data store lies where the hint of the ref
 * says, or is found by its hash when it fits into one frame: upload 0. */
struct spot {
	struct blob *blob;
	const struct blob_ref *ref;
	struct blob_meta meta;
	struct slice lens; /* of an object, packed: varints, or be32 */
	bool is_table; /* be32 */
	bool known;
	struct arena a; /* of what is known */
};

static enum rc find_spot(struct spot *p, struct fault *why)
{
	struct slice value;
	struct place_name name;
	struct place *place;
	TRY(meta_get(p->blob, p->ref, &p->a, &value, &p->meta, why));
	if (p->meta.size != p->ref->size)
		return fault_set(why, FAULT_DAMAGED, "a content has another size");
	p->known = true;
	p->lens = p->meta.lens;
	p->is_table = p->lens.len == 0;
	if (p->meta.where == META_IN_DATA || !p->is_table)
		return RC_OK;
	meta_name(p->ref, &p->meta, &name);
	TRY(meta_place(p->blob, p->meta.where, &place, why));
	return place_table(place, &name, &p->a, &p->lens, why);
}

/* The part of a frame that is wanted, and where it goes. */
struct part {
	size_t size, from, len; /* of the plain frame */
	uint8_t *at;
	enum rc rc;
};

static struct part part_of(const struct blob_ref *ref, uint64_t offset, size_t len, uint8_t *at)
{
	uint64_t left = ref->size - offset / BLOB_FRAME * BLOB_FRAME;
	struct part part = { .from = (size_t)(offset % BLOB_FRAME), .at = at };
	part.size = left < BLOB_FRAME ? (size_t)left : BLOB_FRAME;
	part.len = part.size - part.from < len ? part.size - part.from : len;
	return part;
}

static void unpack(void *ctx, struct slice packed)
{
	struct part *part = ctx;
	part->rc = frame_unpack(packed, part->size, part->from, part->len, part->at);
}

static enum rc answer(enum rc rc, struct fault *why)
{
	if (rc == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	return rc == RC_OK ? RC_OK
			   : fault_set(why, FAULT_DAMAGED, "a frame of a message is damaged");
}

/* --- from a place --- */

/* Packed lengths of frames, one after the other; RC_BAD: there is none, or one that no frame has. */
static enum rc take_len(struct slice *lens, bool is_table, size_t *len)
{
	uint64_t n = 0;
	uint32_t fixed = 0;
	TRY(is_table ? take_be32(lens, &fixed) : take_varint(lens, &n));
	*len = is_table ? fixed : (size_t)n;
	return *len <= BLOB_FRAME + 1 ? RC_OK : RC_BAD;
}

/* Some frames of an object, by one read. */
struct frames {
	uint32_t first, n;
	size_t len[FRAMES_A_READ];
	struct slice packed; /* all of them */
};

static enum rc get_frames(
	const struct spot *p, struct frames *f, struct arena *a, struct fault *why)
{
	struct place *place;
	struct place_name name;
	struct place_range range = { 0 };
	struct slice lens = p->lens;
	size_t len;
	for (uint32_t i = 0; i < f->first + f->n; i++) {
		if (take_len(&lens, p->is_table, &len) != RC_OK)
			return fault_set(why, FAULT_DAMAGED, "the table of a content is damaged");
		if (i < f->first)
			range.from += len;
		else
			range.len += f->len[i - f->first] = len;
	}
	meta_name(p->ref, &p->meta, &name);
	TRY(meta_place(p->blob, p->meta.where, &place, why));
	return place_get(place, &name, &range, a, &f->packed, why);
}

static enum rc read_some(const struct spot *p, uint64_t offset, size_t len, uint8_t *at,
	size_t *done, struct fault *why)
{
	struct arena a;
	struct frames f = { .first = (uint32_t)(offset / BLOB_FRAME) };
	uint64_t n = (offset + len - 1) / BLOB_FRAME - f.first + 1;
	f.n = n < FRAMES_A_READ ? (uint32_t)n : FRAMES_A_READ;
	arena_init(&a, 0);
	enum rc rc = get_frames(p, &f, &a, why);
	*done = 0;
	for (uint32_t i = 0; rc == RC_OK && i < f.n; i++) {
		struct part part = part_of(p->ref, offset + *done, len - *done, at + *done);
		unpack(&part, slice_head(f.packed, f.len[i]));
		rc = answer(part.rc, why);
		f.packed = slice_tail(f.packed, f.len[i]);
		*done += part.len;
	}
	arena_done(&a);
	return rc;
}

/* --- from the data store --- */

static enum rc look_at(const struct spot *p, uint32_t i, struct part *part, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	struct slice key = meta_key_frame(&a, p->ref, p->meta.upload, i);
	enum rc rc = data_look(p->blob->data, DATA_BLOB, key, unpack, part, why);
	arena_done(&a);
	TRY(rc);
	return answer(part->rc, why);
}

static enum rc read_one(
	struct spot *p, uint64_t offset, size_t len, uint8_t *at, size_t *done, struct fault *why)
{
	struct part part = part_of(p->ref, offset, len, at);
	uint32_t i = (uint32_t)(offset / BLOB_FRAME);
	*done = part.len;
	enum rc rc = look_at(p, i, &part, why);
	if (rc != RC_NONE || p->known)
		return rc;
	TRY(find_spot(p, why));
	return p->meta.where == META_IN_DATA ? look_at(p, i, &part, why)
					     : read_some(p, offset, len, at, done, why);
}

/* All of it is within the content. */
static enum rc read_frames(
	struct spot *p, uint64_t offset, size_t len, uint8_t *at, struct fault *why)
{
	bool hinted = p->meta.upload || p->ref->size <= BLOB_FRAME;
	if (len && (p->blob->place || !hinted))
		TRY(find_spot(p, why));
	while (len) {
		size_t done;
		enum rc rc = p->meta.where == META_IN_DATA
				     ? read_one(p, offset, len, at, &done, why)
				     : read_some(p, offset, len, at, &done, why);
		TRY(rc);
		offset += done;
		at += done;
		len -= done;
	}
	return RC_OK;
}

static enum rc read_into(struct blob *blob, const struct blob_ref *ref, uint64_t offset, size_t len,
	uint8_t *at, struct fault *why)
{
	enum rc rc = RC_NONE;
	for (int i = 0; rc == RC_NONE && i < 2; i++) { /* it may be moved meanwhile */
		struct spot spot = { .blob = blob, .ref = ref, .meta.upload = ref->upload };
		arena_init(&spot.a, 0);
		rc = read_frames(&spot, offset, len, at, why);
		arena_done(&spot.a);
	}
	return rc == RC_NONE ? fault_set(why, FAULT_NO_SUCH_MESSAGE, "the content is gone") : rc;
}

static size_t cut(const struct blob_ref *ref, uint64_t offset, uint64_t len)
{
	uint64_t left = offset < ref->size ? ref->size - offset : 0;
	return (size_t)(len < left ? len : left);
}

enum rc blob_read(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct arena *a, struct slice *out, struct fault *why)
{
	size_t n = cut(ref, offset, len);
	uint8_t *at = n ? arena_try(a, n) : NULL;
	if (n && !at)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(read_into(blob, ref, offset, n, at, why));
	*out = n ? slice_of(at, n) : S("");
	return RC_OK;
}

enum rc blob_append(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct buf *out, struct fault *why)
{
	size_t n = cut(ref, offset, len);
	uint8_t *at = n ? buf_room(out, n) : NULL;
	if (n && !at)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(read_into(blob, ref, offset, n, at, why));
	buf_added(out, n);
	return RC_OK;
}
