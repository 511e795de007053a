/* upload.c: Writing content while it comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/upload.h"
#include "base/must.h"
#include "base/random.h"
#include "blob/upload_int.h"
#include "run/run.h"

enum { FRAMES_A_BATCH = 2, TRIES = 3 };

void blob_upload_init(struct blob *blob, struct buf *frame, struct blob_upload *u)
{
	*u = (struct blob_upload){
		.blob = blob, .place = blob->place, .frame = frame, .spool = -1
	};
	arena_init(&u->work, 0);
	buf_init(&u->table, 0, NULL);
}

/* The pieces have an owner and a time, so that a sweep knows whether somebody is still at it. Each batch moves it. */
static void reserve(struct blob_upload *u)
{
	struct slice key = meta_key_upload(u->batch.arena, u->id), was;
	struct buf value;
	if (u->reserved.len && arena_copy(&u->work, u->reserved, &was) == RC_OK)
		data_assert(&u->batch, DATA_MAIN, key, was);
	buf_init(&value, 0, &u->work);
	buf_be64(&value, u->blob->owner);
	buf_be64(&value, (uint64_t)run_unix(NULL));
	buf_be64(&value, u->frames); /* each time another one */
	if (u->place) {
		buf_be64(&value, (uint64_t)u->born);
		buf_byte(&value, u->moves ? META_IN_COLD : META_IN_PLACE);
	}
	must(value.len <= sizeof(u->bytes));
	memcpy(u->bytes, value.at, value.len);
	u->reserved = slice_of(u->bytes, value.len);
	data_put(&u->batch, DATA_MAIN, key, buf_slice(&value));
}

enum rc upload_reserve(struct blob_upload *u, bool lazy, struct fault *why)
{
	reserve(u);
	u->batch.lazy = lazy;
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = RC_TAKEN;
	for (unsigned i = 0; rc == RC_TAKEN && i < TRIES; i++)
		rc = data_commit_now(u->blob->data, &u->batch, why);
	run_block_end();
	arena_reset(&u->work);
	data_batch_init(&u->batch, &u->work);
	return rc;
}

/* Frames that were packed leave the memory; the batch that says whose they are makes them durable. */
static enum rc flush(struct blob_upload *u, struct fault *why)
{
	return u->batch.n ? upload_reserve(u, true, why) : RC_OK;
}

/* The frame that is full (or the last one) is packed and written. */
static enum rc write_frame(struct blob_upload *u, struct fault *why)
{
	struct slice packed;
	upload_name(u);
	if (u->batch.n == 0)
		data_batch_init(&u->batch, &u->work);
	if (frame_pack(u->blob->codec, buf_slice(u->frame), &u->work, &packed) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	buf_reset(u->frame);
	u->frames++;
	if (u->place)
		return upload_object_frame(u, packed, why);
	data_put(
		&u->batch, DATA_BLOB, meta_key_frame(&u->work, NULL, u->id, u->frames - 1), packed);
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
	return RC_OK;
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
	bool stays = u->id == 0 && (u->place || !spill);
	TRY(stays ? pack_last(u, a, why) : write_last(u, why));
	if (u->place)
		return upload_object_end(u, a, why);
	u->ref.upload = u->id;
	return RC_OK;
}

/* The content is there, or another upload of it was faster: the pieces go with the batch that links the other. */
static void end_pieces(struct blob_upload *u, struct data_batch *b)
{
	for (uint32_t i = 0; i < u->frames; i++)
		data_delete(b, DATA_BLOB, meta_key_frame(b->arena, NULL, u->id, i));
}

/* The pieces, or the object, are not left behind any more. */
void upload_end_reservation(struct blob_upload *u, struct data_batch *b)
{
	struct slice key = meta_key_upload(b->arena, u->id), value;
	if (u->reserved.len == 0)
		return;
	if (arena_copy(b->arena, u->reserved, &value) != RC_OK)
		b->over = true;
	else /* the batch may live longer than the upload */
		data_assert(b, DATA_MAIN, key, value);
	data_delete(b, DATA_MAIN, key);
}

static enum rc store_object(struct blob_upload *u, struct data_batch *b, struct fault *why)
{
	struct blob_meta fresh;
	bool there;
	upload_name(u);
	TRY(upload_object_meta(u, b->arena, &fresh, why));
	TRY(meta_add(u->blob, b, &u->ref, &fresh, &there, why));
	u->was_there |= there;
	if (there)
		return RC_OK;
	TRY(upload_object_put(u, why)); /* it was there at the end, and has gone since */
	u->is_tried = true;
	upload_end_reservation(u, b);
	return RC_OK;
}

enum rc blob_upload_store(struct blob_upload *u, struct data_batch *b, struct fault *why)
{
	bool there;
	must(u->ended);
	if (u->born == 0)
		u->born = run_unix(NULL);
	struct blob_meta fresh = { .upload = u->id, .where = META_IN_DATA, .born = u->born };
	if (u->place)
		return store_object(u, b, why);
	TRY(meta_add(u->blob, b, &u->ref, &fresh, &there, why));
	if (u->frames == 0) { /* content that fitted into one frame is in the batch */
		if (!there && u->ref.size)
			data_put(b, DATA_BLOB, meta_key_frame(b->arena, &u->ref, 0, 0), u->packed);
		return RC_OK;
	}
	upload_end_reservation(u, b);
	if (there)
		end_pieces(u, b);
	return RC_OK;
}

/* The reservation's value is asserted: pieces whose commit was taken for lost, and was not, stay. */
static void remove_pieces(struct blob_upload *u)
{
	struct arena a;
	arena_init(&a, 0);
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = blob_drop_pieces(u->blob, meta_key_upload(&a, u->id), u->reserved, NULL);
	run_block_end();
	(void)rc; /* what could not be removed is swept later */
	arena_done(&a);
}

void blob_upload_done(struct blob_upload *u, bool stored)
{
	if (!u->blob)
		return;
	if (u->place)
		upload_object_done(u, stored);
	else if (!stored && u->reserved.len)
		remove_pieces(u);
	buf_reset(u->frame);
	crypto_sha256_done(&u->hash);
	buf_done(&u->table);
	arena_done(&u->work);
	*u = (struct blob_upload){ .spool = -1 };
}
