/* blob.c: Storing, linking, reading and purging content. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/random.h"
#include "blob/blob_int.h"
#include "crypto/hash.h"
#include <errno.h>
#include <sys/stat.h>

enum { META_VERSION = 1 };

enum rc blob_open(
	struct data *data, const struct blob_options *o, struct blob **out, struct fault *why)
{
	enum frame_codec codec = FRAME_LZ4;
	if (o->compression && strcmp(o->compression, "zstd") == 0)
		codec = FRAME_ZSTD;
	else if (o->compression && strcmp(o->compression, "none") == 0)
		codec = FRAME_RAW;
	if (o->path && mkdir(o->path, 0700) != 0 && errno != EEXIST)
		return fault_set(why, FAULT_STORE, "%s: %s", o->path, strerror(errno));
	struct blob *blob = mem_new(MEM_STORE, sizeof(*blob));
	*blob = (struct blob){ .data = data, .in_files = o->path != NULL, .codec = codec };
	random_bytes(&blob->owner, sizeof(blob->owner));
	lock_init(&blob->lock, LOCK_STORE);
	if (o->path)
		blob->files =
			(struct files){ mem_str(MEM_STORE, o->path), o->depth > 4 ? 4 : o->depth };
	*out = blob;
	return RC_OK;
}

void blob_close(struct blob **blob)
{
	if (!*blob)
		return;
	lock_done(&(*blob)->lock);
	mem_free(MEM_STORE, (*blob)->naming);
	mem_free(MEM_STORE, (*blob)->files.path);
	mem_free(MEM_STORE, *blob);
	*blob = NULL;
}

void blob_ref_of(struct slice content, struct blob_ref *out)
{
	out->size = content.len;
	crypto_sha256(content, out->hash);
}

struct slice blob_key(struct arena *a, uint8_t what, const struct blob_ref *ref)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, what);
	buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	return buf_slice(&key);
}

struct slice blob_key_upload(struct arena *a, uint64_t upload)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, 'p');
	buf_be64(&key, upload);
	return buf_slice(&key);
}

struct slice blob_key_frame(
	struct arena *a, const struct blob_ref *ref, uint64_t upload, uint32_t frame)
{
	struct buf key;
	buf_init(&key, 0, a);
	if (upload)
		buf_be64(&key, upload);
	else
		buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	buf_be32(&key, frame);
	return buf_slice(&key);
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

static struct slice meta_value(struct arena *a, const struct blob_meta *m)
{
	struct buf v;
	buf_init(&v, 0, a);
	buf_byte(&v, META_VERSION);
	buf_varint(&v, m->size);
	buf_varint(&v, m->touch);
	buf_varint(&v, m->upload);
	return buf_slice(&v);
}

static enum rc meta_read(struct slice v, struct blob_meta *m)
{
	uint8_t version;
	TRY(take_byte(&v, &version));
	if (version != META_VERSION)
		return RC_BAD;
	TRY(take_varint(&v, &m->size));
	TRY(take_varint(&v, &m->touch));
	return take_varint(&v, &m->upload);
}

enum rc blob_meta_get(struct blob *blob, const struct blob_ref *ref, struct arena *a,
	struct slice *value, struct blob_meta *m, struct fault *why)
{
	TRY(data_get(blob->data, DATA_MAIN, blob_key(a, 'm', ref), a, value, why));
	if (meta_read(*value, m) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "the figures of a content are damaged");
	return RC_OK;
}

enum rc blob_meta_add(struct blob *blob, struct data_batch *b, const struct blob_ref *ref,
	uint64_t upload, bool *there, struct fault *why)
{
	struct slice key = blob_key(b->arena, 'm', ref), value;
	struct blob_meta m;
	enum rc rc = blob_meta_get(blob, ref, b->arena, &value, &m, why);
	if (rc != RC_OK && rc != RC_NONE && rc != RC_LOST)
		return rc;
	*there = rc == RC_OK && m.size == ref->size;
	if (*there)
		m.touch++;
	else
		m = (struct blob_meta){ .size = ref->size, .touch = 1, .upload = upload };
	if (rc == RC_NONE)
		data_assert_absent(b, DATA_MAIN, key);
	else
		data_assert(b, DATA_MAIN, key, value); /* a damaged one is written anew */
	data_put(b, DATA_MAIN, key, meta_value(b->arena, &m));
	return RC_OK;
}

enum rc blob_keep(
	struct blob *blob, struct data_batch *b, const struct blob_ref *ref, struct fault *why)
{
	bool there;
	TRY(blob_meta_add(blob, b, ref, 0, &there, why));
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
	data_put(b, DATA_MAIN, blob_key(b->arena, 'u', ref), buf_slice(&value));
}

/* Where the frames of a content are. `upload` is read when it must be: content of one frame mostly came whole. */
struct place {
	struct blob *blob;
	const struct blob_ref *ref;
	uint64_t upload;
	bool known;
};

static enum rc find_place(struct place *p, struct fault *why)
{
	struct arena a;
	struct slice value;
	struct blob_meta m;
	arena_init(&a, 0);
	enum rc rc = blob_meta_get(p->blob, p->ref, &a, &value, &m, why);
	arena_done(&a);
	TRY(rc);
	if (m.size != p->ref->size)
		return fault_set(why, FAULT_DAMAGED, "a content has another size");
	p->upload = m.upload;
	p->known = true;
	return RC_OK;
}

/* The part of a frame that is wanted, and where it goes. */
struct part {
	size_t size, from, len; /* of the plain frame */
	uint8_t *at;
	enum rc rc;
};

static void unpack(void *ctx, struct slice packed)
{
	struct part *part = ctx;
	part->rc = frame_unpack(packed, part->size, part->from, part->len, part->at);
}

static enum rc look_at_file(const struct place *p, uint32_t i, struct part *part, struct fault *why)
{
	struct arena a;
	struct slice packed;
	arena_init(&a, 0);
	enum rc rc = files_get(&p->blob->files, p->ref, p->upload, i, &a, &packed, why);
	if (rc == RC_OK)
		unpack(part, packed);
	arena_done(&a);
	return rc;
}

static enum rc look_at(const struct place *p, uint32_t i, struct part *part, struct fault *why)
{
	struct arena a;
	if (p->blob->in_files)
		return look_at_file(p, i, part, why);
	arena_init(&a, 0);
	struct slice key = blob_key_frame(&a, p->ref, p->upload, i);
	enum rc rc = data_look(p->blob->data, DATA_BLOB, key, unpack, part, why);
	arena_done(&a);
	return rc;
}

static enum rc read_frame(struct place *p, uint32_t i, struct part *part, struct fault *why)
{
	if (!p->known && (p->blob->in_files || p->ref->size > BLOB_FRAME))
		TRY(find_place(p, why));
	enum rc rc = look_at(p, i, part, why);
	if (rc == RC_NONE && !p->known) {
		TRY(find_place(p, why));
		rc = look_at(p, i, part, why);
	}
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NO_SUCH_MESSAGE, "the content is gone");
	TRY(rc);
	if (part->rc == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (part->rc != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "a frame of a message is damaged");
	return RC_OK;
}

/* All of it is within the content. */
static enum rc read_frames(struct blob *blob, const struct blob_ref *ref, uint64_t offset,
	size_t len, uint8_t *at, struct fault *why)
{
	struct place place = { .blob = blob, .ref = ref };
	while (len) {
		uint64_t frame = offset / BLOB_FRAME, left = ref->size - frame * BLOB_FRAME;
		struct part part = { .from = (size_t)(offset % BLOB_FRAME), .at = at };
		part.size = left < BLOB_FRAME ? (size_t)left : BLOB_FRAME;
		part.len = part.size - part.from < len ? part.size - part.from : len;
		TRY(read_frame(&place, (uint32_t)frame, &part, why));
		offset += part.len;
		at += part.len;
		len -= part.len;
	}
	return RC_OK;
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
	TRY(read_frames(blob, ref, offset, n, at, why));
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
	TRY(read_frames(blob, ref, offset, n, at, why));
	buf_added(out, n);
	return RC_OK;
}
