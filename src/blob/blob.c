/* blob.c: Storing, linking, reading and purging content. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"
#include "base/mem.h"
#include "base/random.h"
#include "blob/files.h"
#include "blob/frame.h"
#include "crypto/hash.h"
#include <errno.h>
#include <sys/stat.h>

enum { META_VERSION = 1 };

struct blob {
	struct data *data;
	struct files files;
	bool in_files;
	enum frame_codec codec;
};

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
	mem_free(MEM_STORE, (*blob)->files.path);
	mem_free(MEM_STORE, *blob);
	*blob = NULL;
}

void blob_ref_of(struct slice content, struct blob_ref *out)
{
	out->size = content.len;
	crypto_sha256(content, out->hash);
}

static struct slice key_of(struct arena *a, uint8_t what, const struct blob_ref *ref)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, what);
	buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	return buf_slice(&key);
}

static struct slice frame_key(struct arena *a, const struct blob_ref *ref, uint32_t frame)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	buf_be32(&key, frame);
	return buf_slice(&key);
}

static struct slice link_key(
	struct arena *a, const struct blob_ref *ref, uint32_t account, uint8_t kind, uint64_t item)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_add(&key, key_of(a, 'l', ref));
	buf_be32(&key, account);
	buf_byte(&key, kind);
	buf_be64(&key, item);
	return buf_slice(&key);
}

struct meta {
	uint64_t size, touch, upload; /* upload: of the file; 0 in the data store */
};

static struct slice meta_value(struct arena *a, const struct meta *m)
{
	struct buf v;
	buf_init(&v, 0, a);
	buf_byte(&v, META_VERSION);
	buf_varint(&v, m->size);
	buf_varint(&v, m->touch);
	buf_varint(&v, m->upload);
	return buf_slice(&v);
}

static enum rc meta_read(struct slice v, struct meta *m)
{
	uint8_t version;
	TRY(take_byte(&v, &version));
	if (version != META_VERSION)
		return RC_BAD;
	TRY(take_varint(&v, &m->size));
	TRY(take_varint(&v, &m->touch));
	return take_varint(&v, &m->upload);
}

static enum rc add_frames(struct blob *blob, struct data_batch *b, struct slice content,
	const struct blob_ref *ref, uint64_t upload, struct fault *why)
{
	size_t n = (content.len + BLOB_FRAME - 1) / BLOB_FRAME;
	struct slice *frames = arena_try_array(b->arena, n ? n : 1, sizeof(*frames));
	if (!frames)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	for (size_t i = 0; i < n; i++) {
		struct slice plain = slice_head(slice_tail(content, i * BLOB_FRAME), BLOB_FRAME);
		if (frame_pack(blob->codec, plain, b->arena, &frames[i]) != RC_OK)
			return fault_set(why, FAULT_MEMORY, "%s", "");
	}
	if (blob->in_files)
		return files_put(&blob->files, ref, upload, frames, n, why);
	for (size_t i = 0; i < n; i++)
		data_put(b, DATA_BLOB, frame_key(b->arena, ref, (uint32_t)i), frames[i]);
	return RC_OK;
}

enum rc blob_add(struct blob *blob, struct data_batch *b, struct slice content,
	const struct blob_ref *ref, struct fault *why)
{
	struct slice key = key_of(b->arena, 'm', ref), meta;
	struct meta m;
	enum rc rc = data_get(blob->data, DATA_MAIN, key, b->arena, &meta, why);
	if (rc == RC_OK && meta_read(meta, &m) == RC_OK && m.size == content.len) {
		m.touch++;
		data_assert(b, DATA_MAIN, key, meta);
		data_put(b, DATA_MAIN, key, meta_value(b->arena, &m));
		return RC_OK;
	}
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	if (rc == RC_OK) /* damaged: written anew */
		data_assert(b, DATA_MAIN, key, meta);
	else
		data_assert_absent(b, DATA_MAIN, key);
	m = (struct meta){ .size = content.len, .touch = 1 };
	if (blob->in_files)
		random_bytes(&m.upload, sizeof(m.upload));
	data_put(b, DATA_MAIN, key, meta_value(b->arena, &m));
	return add_frames(blob, b, content, ref, m.upload, why);
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
	data_put(b, DATA_MAIN, key_of(b->arena, 'u', ref), S(""));
}

static enum rc get_from_file(struct blob *blob, const struct blob_ref *ref, uint32_t i,
	struct arena *a, struct slice *packed, struct fault *why)
{
	struct slice meta;
	struct meta m;
	TRY(data_get(blob->data, DATA_MAIN, key_of(a, 'm', ref), a, &meta, why));
	if (meta_read(meta, &m) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "%s", "");
	return files_get(&blob->files, ref, m.upload, i, a, packed, why);
}

static enum rc get_frame(struct blob *blob, const struct blob_ref *ref, uint32_t i, struct arena *a,
	struct slice *plain, struct fault *why)
{
	struct slice packed;
	enum rc rc = blob->in_files ? get_from_file(blob, ref, i, a, &packed, why)
				    : data_get(blob->data, DATA_BLOB, frame_key(a, ref, i), a,
					      &packed, why);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NO_SUCH_MESSAGE, "the content is gone");
	TRY(rc);
	uint64_t left = ref->size - (uint64_t)i * BLOB_FRAME;
	size_t want = left < BLOB_FRAME ? (size_t)left : BLOB_FRAME;
	rc = frame_unpack(packed, want, a, plain);
	if (rc == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (rc != RC_OK || plain->len != want)
		return fault_set(why, FAULT_DAMAGED, "a frame of a message is damaged");
	return RC_OK;
}

enum rc blob_read(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct arena *a, struct slice *out, struct fault *why)
{
	if (offset > ref->size)
		offset = ref->size;
	if (len > ref->size - offset)
		len = ref->size - offset;
	if (len == 0) {
		*out = S("");
		return RC_OK;
	}
	uint32_t first = (uint32_t)(offset / BLOB_FRAME),
		 last = (uint32_t)((offset + len - 1) / BLOB_FRAME);
	struct slice plain;
	if (first == last) { /* no copy */
		TRY(get_frame(blob, ref, first, a, &plain, why));
		*out = slice_head(slice_tail(plain, (size_t)(offset % BLOB_FRAME)), (size_t)len);
		return RC_OK;
	}
	uint8_t *at = arena_try(a, (size_t)len);
	size_t n = 0;
	if (!at)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	for (uint32_t i = first; i <= last; i++) {
		struct arena frame;
		arena_init(&frame, 0);
		enum rc rc = get_frame(blob, ref, i, &frame, &plain, why);
		if (rc == RC_OK) {
			if (i == first)
				plain = slice_tail(plain, (size_t)(offset % BLOB_FRAME));
			plain = slice_head(plain, (size_t)len - n);
			memcpy(at + n, plain.at, plain.len);
			n += plain.len;
		}
		arena_done(&frame);
		TRY(rc);
	}
	*out = slice_of(at, n);
	return RC_OK;
}

/* --- purge --- */

struct first {
	struct blob_ref ref;
	bool found;
};

static bool take_first(void *ctx, struct slice key, struct slice value)
{
	struct first *f = ctx;
	(void)value;
	if (key.len >= 2 + sizeof(f->ref.hash)) {
		memcpy(f->ref.hash, key.at + 2, sizeof(f->ref.hash));
		f->found = true;
	}
	return false;
}

static enum rc first_in(
	struct blob *blob, struct slice from, struct slice to, struct first *f, struct fault *why)
{
	struct data_range range = { .space = DATA_MAIN, .from = from, .to = to, .limit = 1 };
	*f = (struct first){ 0 };
	return data_scan(blob->data, &range, take_first, f, why);
}

/* Deletes what was asked about once, with its question. */
static enum rc purge_one(
	struct blob *blob, struct blob_ref *ref, struct arena *a, bool *removed, struct fault *why)
{
	struct data_batch b;
	struct first linked;
	struct slice meta, key = key_of(a, 'm', ref), links = key_of(a, 'l', ref);
	struct meta m;
	struct buf to;
	buf_init(&to, 0, a);
	buf_add(&to, links);
	for (int i = 0; i < 14; i++)
		buf_byte(&to, 0xff);
	data_batch_init(&b, a);
	data_delete(&b, DATA_MAIN, key_of(a, 'u', ref));
	enum rc rc = data_get(blob->data, DATA_MAIN, key, a, &meta, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	bool there = rc == RC_OK && meta_read(meta, &m) == RC_OK;
	TRY(first_in(blob, links, buf_slice(&to), &linked, why));
	*removed = there && !linked.found;
	if (*removed) {
		data_assert(&b, DATA_MAIN, key, meta);
		data_delete(&b, DATA_MAIN, key);
		for (uint64_t i = 0; !blob->in_files && i * BLOB_FRAME < m.size; i++)
			data_delete(&b, DATA_BLOB, frame_key(a, ref, (uint32_t)i));
	}
	rc = data_commit_now(blob->data, &b, why);
	if (rc == RC_TAKEN) { /* somebody stored it again: the question stays for the next time */
		*removed = false;
		return RC_OK;
	}
	TRY(rc);
	/* Whoever stores the same content from here on writes a file of its own name. */
	if (*removed && blob->in_files)
		return files_remove(&blob->files, ref, m.upload, why);
	return RC_OK;
}

enum rc blob_purge(struct blob *blob, size_t *n, struct fault *why)
{
	*n = 0;
	for (size_t i = 0; i < 100000; i++) {
		struct arena a;
		struct first f;
		bool removed = false;
		arena_init(&a, 0);
		enum rc rc = first_in(blob, S("Bu"), S("Bv"), &f, why);
		if (rc == RC_OK && f.found)
			rc = purge_one(blob, &f.ref, &a, &removed, why);
		arena_done(&a);
		TRY(rc);
		if (!f.found)
			return RC_OK;
		*n += removed;
	}
	return RC_OK;
}
