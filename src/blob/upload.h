/* upload.h: Content that comes in pieces: written frame by frame, known by its hash in the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_UPLOAD_H
#define BLOB_UPLOAD_H

#include "blob/blob.h"
#include "crypto/hash.h"

/* Up to BLOB_FRAME octets stay in memory. What is longer is written while it comes, two frames at a time, so
 * that an upload of any length holds four frames of memory at most. One thread at a time.
 *
 *	blob_upload_init → blob_upload_add ... → blob_upload_end → (blob_upload_store → commit) ... → blob_upload_done */
struct blob_upload {
	struct blob *blob;
	struct buf *frame; /* the frame that fills; the caller's */
	struct blob_ref ref; /* whole after the end */
	struct crypto_sha256 hash; /* from the first full frame on */
	struct slice
		packed; /* content of one frame that was not written: in the arena of the end */
	uint64_t id; /* of its pieces; 0: none were written */
	uint32_t frames; /* written, or in `batch` */
	struct slice reserved; /* the value of its 'p', in `bytes` */
	uint8_t bytes[33];
	struct arena work; /* of `batch` */
	struct data_batch batch; /* frames that are not written yet */
	bool ended;
	struct place *place; /* NULL: the data store */
	/* in a place: */
	bool moves; /* to the cold one, of content that is there */
	struct buf table; /* be32 packed length of each frame */
	struct place_write *write; /* an object whose parts are written; or NULL */
	int spool; /* a file without a name: the part that is gathered; -1: none */
	uint64_t spooled; /* bytes in it */
	int64_t born; /* unix seconds */
	bool is_placed; /* the object is there */
	uint64_t naming; /* noted as one whose file has its name; 0: not */
	bool is_broken; /* a part of it failed */
	bool is_tried; /* a batch was made that links it */
	bool was_there; /* a batch was made that links another object of the same content */
};

/* `frame` is empty, on the heap; uploads one after the other may share it. */
void blob_upload_init(struct blob *blob, struct buf *frame, struct blob_upload *u);
/* Faults: STORE, STORE_FULL, MEMORY; the upload is of no use then. */
enum rc blob_upload_add(struct blob_upload *u, struct slice bytes, struct fault *why);
/* All is there: u->ref is known, `frame` is empty again. Content of one frame is kept packed in `a`, or with `spill`
 * written as a piece too. In a place the object is made here, unless the content is there already. */
enum rc blob_upload_end(struct blob_upload *u, bool spill, struct arena *a, struct fault *why);
/* Any number of times: adds to the batch what makes the content this upload, or the proof that it is there and the end
 * of the pieces. With files they have their name, and are flushed, before this returns. Reads one key. RC_TAKEN at
 * commit: build the batch again. */
enum rc blob_upload_store(struct blob_upload *u, struct data_batch *b, struct fault *why);
/* At any time after init. `stored`: a batch of blob_upload_store was committed; else pieces are removed. */
void blob_upload_done(struct blob_upload *u, bool stored);

#endif
