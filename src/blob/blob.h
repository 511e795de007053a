/* blob.h: Immutable content, addressed by the SHA-256 of its plain bytes, stored once for all who link it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "data/data.h"

/* Keys in DATA_MAIN, subspace 'B':
 *   'B' 'm' hash                              meta: version, codec of the whole, size, touch number
 *   'B' 'l' hash be32(account) kind be64(item)  a link: who needs it
 *   'B' 'u' hash                              perhaps nobody needs it any more: purge looks
 * and in DATA_BLOB:  hash be32(frame)         a frame: codec byte, bytes
 *
 * [blob 1] Meta, frames and the first link are one batch with what refers to them.
 * [blob 2] Storing content that is there asserts its meta and moves the touch number; purge asserts the meta it saw: of
 *          a purge and a new link one loses, and the loser looks again. So a linked blob is never purged. */

struct blob_ref {
	uint8_t hash[32];
	uint64_t size;
};

enum { BLOB_FRAME = 128 * 1024 };

struct blob;
struct blob_options {
	const char *path; /* a folder: frames are files there; NULL: they lie in the data store */
	unsigned depth; /* levels of folders: 0..4 */
	const char *compression; /* "lz4" (default), "zstd", "none" */
};
enum rc blob_open(struct data *data, const struct blob_options *options, struct blob **out,
	struct fault *why);
void blob_close(struct blob **blob);

/* Hash and size of content. */
void blob_ref_of(struct slice content, struct blob_ref *out);
/* Adds the content to the batch, or the proof that it is there. Frames are made in the batch's arena; with files they
 * are written and flushed before this returns. RC_TAKEN at commit: build the batch again. Reads one key. */
enum rc blob_add(struct blob *blob, struct data_batch *b, struct slice content,
	const struct blob_ref *ref, struct fault *why);
void blob_link(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item);
void blob_unlink(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item);
/* Bytes offset..offset+len, cut at the end, in `a`; reads only the frames that hold them. RC_NONE: no such blob.
 * RC_LOST: damaged. */
enum rc blob_read(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct arena *a, struct slice *out, struct fault *why);
/* Removes what nobody links any more; for a background job. `n` counts. */
enum rc blob_purge(struct blob *blob, size_t *n, struct fault *why);

#endif
