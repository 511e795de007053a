/* upload.c: Writing content while it comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/upload.h"
#include "base/must.h"
#include "base/random.h"
#include "blob/blob_int.h"
#include "run/run.h"

enum { FRAMES_A_BATCH = 2, TRIES = 3 };

void blob_upload_init(struct blob *blob, struct buf *frame, struct blob_upload *u)
{
	*u = (struct blob_upload){ .blob = blob, .frame = frame, .fd = -1 };
	arena_init(&u->work, 0);
	buf_init(&u->table, 0, NULL);
}

/* The pieces have an owner and a time, so that a sweep knows whether somebody is still at it. Each batch moves it. */
static void reserve(struct blob_upload *u)
{
	struct slice key = blob_key_upload(u->batch.arena, u->id), was;
	struct buf value;
	if (u->reserved.len && arena_copy(&u->work, u->reserved, &was) == RC_OK)
		data_assert(&u->batch, DATA_MAIN, key, was);
	buf_init(&value, 0, &u->work);
	buf_be64(&value, u->blob->owner);
	buf_be64(&value, (uint64_t)run_unix(NULL));
	buf_be64(&value, u->frames); /* each time another one */
	must(value.len == sizeof(u->bytes));
	memcpy(u->bytes, value.at, value.len);
	u->reserved = slice_of(u->bytes, sizeof(u->bytes));
	data_put(&u->batch, DATA_MAIN, key, buf_slice(&value));
}

/* Frames that were packed leave the memory. */
static enum rc flush(struct blob_upload *u, struct fault *why)
{
	if (u->batch.n == 0)
		return RC_OK;
	reserve(u);
	u->batch.lazy = true; /* the batch that says whose they are makes them durable */
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = RC_TAKEN;
	for (unsigned i = 0; rc == RC_TAKEN && i < TRIES; i++)
		rc = data_commit_now(u->blob->data, &u->batch, why);
	run_block_end();
	arena_reset(&u->work);
	data_batch_init(&u->batch, &u->work);
	return rc;
}

static enum rc write_file(struct blob_upload *u, struct slice packed, struct fault *why)
{
	if (u->fd < 0)
		TRY(files_begin(&u->blob->files, &u->fd, why));
	buf_be32(&u->table, (uint32_t)packed.len);
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = files_frame(u->fd, packed, why);
	run_block_end();
	arena_reset(&u->work);
	return rc;
}

/* The frame that is full (or the last one) is packed and written. */
static enum rc write_frame(struct blob_upload *u, struct fault *why)
{
	struct slice packed;
	while (u->id == 0)
		random_bytes(&u->id, sizeof(u->id));
	if (u->batch.n == 0)
		data_batch_init(&u->batch, &u->work);
	if (frame_pack(u->blob->codec, buf_slice(u->frame), &u->work, &packed) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	buf_reset(u->frame);
	u->frames++;
	if (u->blob->in_files)
		return write_file(u, packed, why);
	data_put(
		&u->batch, DATA_BLOB, blob_key_frame(&u->work, NULL, u->id, u->frames - 1), packed);
	return u->batch.n < FRAMES_A_BATCH ? RC_OK : flush(u, why);
}

static void add_hash(struct blob_upload *u)
{
	if (!u->hash.ctx)
		crypto_sha256_init(&u->hash);
	crypto_sha256_add(&u->hash, buf_slice(u->frame));
}

enum rc blob_upload_add(struct blob_upload *u, struct slice bytes, struct fault *why)
{
	must(!u->ended);
	while (bytes.len) {
		if (u->frame->len == BLOB_FRAME) {
			add_hash(u);
			TRY(write_frame(u, why));
		}
		size_t room = BLOB_FRAME - u->frame->len;
		buf_add(u->frame, slice_head(bytes, room));
		if (u->frame->over)
			return fault_set(why, FAULT_MEMORY, "%s", "");
		u->ref.size += bytes.len < room ? bytes.len : room;
		bytes = slice_tail(bytes, room);
	}
	return RC_OK;
}

static enum rc pack_last(struct blob_upload *u, struct arena *a, struct fault *why)
{
	struct slice packed;
	bool ok = frame_pack(u->blob->codec, buf_slice(u->frame), &u->work, &packed) == RC_OK &&
		  arena_copy(a, packed, &u->packed) == RC_OK;
	buf_reset(u->frame);
	arena_done(&u->work);
	return ok ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

static enum rc write_last(struct blob_upload *u, struct fault *why)
{
	if (u->frame->len)
		TRY(write_frame(u, why));
	TRY(flush(u, why));
	arena_done(&u->work);
	if (!u->blob->in_files)
		return RC_OK;
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = files_end(u->fd, &u->table, why);
	run_block_end();
	buf_done(&u->table);
	return rc;
}

enum rc blob_upload_end(struct blob_upload *u, bool spill, struct arena *a, struct fault *why)
{
	must(!u->ended);
	u->ended = true;
	if (u->hash.ctx) {
		add_hash(u);
		crypto_sha256_final(&u->hash, u->ref.hash);
	} else {
		crypto_sha256(buf_slice(u->frame), u->ref.hash);
	}
	bool stays = u->id == 0 && !spill;
	return stays ? pack_last(u, a, why) : write_last(u, why);
}

/* The content is there, or another upload of it was faster: the pieces go with the batch that links the other. */
static void end_pieces(struct blob_upload *u, struct data_batch *b)
{
	for (uint32_t i = 0; !u->blob->in_files && i < u->frames; i++)
		data_delete(b, DATA_BLOB, blob_key_frame(b->arena, NULL, u->id, i));
}

/* From here on the file may be found, and no content refers to it yet. */
static void note_name(struct blob_upload *u)
{
	if (u->naming != u->id)
		blob_naming(u->blob, u->naming, u->id);
	u->naming = u->id;
}

static enum rc name_file(struct blob_upload *u, struct fault *why)
{
	if (u->is_named)
		return RC_OK;
	note_name(u);
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = files_name(&u->blob->files, u->fd, &u->ref, u->id, why);
	run_block_end();
	u->is_named = rc == RC_OK;
	return rc;
}

/* Content that fitted into one frame: it is in the batch, or a file of its own. */
static enum rc put_packed(struct blob_upload *u, struct data_batch *b, struct fault *why)
{
	if (u->blob->in_files) {
		note_name(u);
		return files_put(&u->blob->files, &u->ref, u->id, &u->packed, u->ref.size > 0, why);
	}
	if (u->ref.size)
		data_put(b, DATA_BLOB, blob_key_frame(b->arena, &u->ref, 0, 0), u->packed);
	return RC_OK;
}

enum rc blob_upload_store(struct blob_upload *u, struct data_batch *b, struct fault *why)
{
	bool there, whole = u->frames == 0;
	must(u->ended);
	if (whole && u->blob->in_files) /* each try writes a file of its own */
		random_bytes(&u->id, sizeof(u->id));
	TRY(blob_meta_add(u->blob, b, &u->ref, u->id, &there, why));
	if (whole)
		return there ? RC_OK : put_packed(u, b, why);
	if (u->reserved.len) {
		struct slice key = blob_key_upload(b->arena, u->id);
		data_assert(b, DATA_MAIN, key, u->reserved);
		data_delete(b, DATA_MAIN, key);
	}
	if (there)
		end_pieces(u, b);
	return !there && u->blob->in_files ? name_file(u, why) : RC_OK;
}

/* The reservation's value is asserted: pieces whose commit was taken for lost, and was not, stay. */
static void remove_pieces(struct blob_upload *u)
{
	struct arena a;
	arena_init(&a, 0);
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = blob_drop_pieces(u->blob, blob_key_upload(&a, u->id), u->reserved, NULL);
	run_block_end();
	(void)rc; /* what could not be removed is swept later */
	arena_done(&a);
}

void blob_upload_done(struct blob_upload *u, bool stored)
{
	if (!u->blob)
		return;
	if (!stored && u->reserved.len)
		remove_pieces(u);
	if (u->naming)
		blob_naming(u->blob, u->naming, 0);
	files_close(&u->fd);
	buf_reset(u->frame);
	crypto_sha256_done(&u->hash);
	buf_done(&u->table);
	arena_done(&u->work);
	*u = (struct blob_upload){ .fd = -1 };
}
