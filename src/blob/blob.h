/* blob.h: Immutable content, addressed by the SHA-256 of its plain bytes, stored once for all who link it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "data/data.h"

/* Keys in DATA_MAIN, subspace 'B':
 *   'B' 'm' hash                              meta: version, size, touch number, upload id (0: frames bear the hash),
 *                                             where it lies, when its upload began, lengths of packed frames in a place
 *   'B' 'l' hash be32(account) kind be64(item)  a link: who needs it
 *   'B' 'u' hash                              perhaps nobody needs it any more: purge looks
 *   'B' 'i'                                   the mark of this store's folder of files
 *   'B' 'p' be64(upload)                      pieces of content that still arrives: be64 owner, unix seconds, pieces;
 *                                             and of an object in a far place: when its upload began
 * and in DATA_BLOB, a frame (codec byte, bytes) each:
 *   hash be32(frame)                          of content that fits into one frame
 *   be64(upload) be32(frame)                  of content that came in pieces
 *
 * [blob 1] Meta and the first link are one batch with what refers to them. Frames are in it too, or were written before
 *          as pieces of an upload whose 'p' this batch asserts and deletes: a sweep deletes pieces only with their 'p'.
 *          Objects in a place (blob/place.h) are there before; in a far one they have a 'p' from before they begin.
 * [blob 2] Storing content that is there asserts its meta and moves the touch number; purge asserts the meta it saw: of
 *          a purge and a new link one loses, and the loser looks again. So a linked blob is never purged. */

struct blob_ref {
	uint8_t hash[32];
	uint64_t size;
	uint64_t
		upload; /* where its frames were put in the data store, a hint that may be wrong by now; 0: not known */
};

enum { BLOB_FRAME = 128 * 1024 };

struct blob;
struct place_options; /* blob/place.h */
struct blob_options {
	const struct place_options *place; /* NULL: content lies in the data store */
	const struct place_options *cold; /* where blob_archive moves old content; or NULL */
	const char *
		spool; /* a folder where parts of far objects are gathered; NULL: the temporary one of the system */
	const char *compression; /* "lz4" (default), "zstd", "none" */
};
/* [blob 3] Any thread; a call may block on the store. */
enum rc blob_open(struct data *data, const struct blob_options *options, struct blob **out,
	struct fault *why);
void blob_close(struct blob **blob);

/* Hash and size of content. */
void blob_ref_of(struct slice content, struct blob_ref *out);
/* Adds the proof that the content is there, for a further link to it. RC_NONE: it is not. */
enum rc blob_keep(
	struct blob *blob, struct data_batch *b, const struct blob_ref *ref, struct fault *why);
void blob_link(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item);
void blob_unlink(struct data_batch *b, const struct blob_ref *ref, uint32_t account, uint8_t kind,
	uint64_t item);
/* Bytes offset..offset+len, cut at the end, in `a`; reads only the frames that hold them. RC_NONE: no such blob.
 * RC_LOST: damaged. */
enum rc blob_read(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct arena *a, struct slice *out, struct fault *why);
/* The same at the end of `out`, unpacked in place. `out` is over when there is no room for it. */
enum rc blob_append(struct blob *blob, const struct blob_ref *ref, uint64_t offset, uint64_t len,
	struct buf *out, struct fault *why);
/* Removes some of what nobody links any more, from the cursor on (zeroed: the first); for a background job. `n` counts
 * up. RC_MORE: go on with the cursor. */
struct blob_cursor {
	uint8_t hash[32];
	bool begun;
};
enum rc blob_purge(struct blob *blob, struct blob_cursor *cursor, size_t *n, struct fault *why);
/* Removes the pieces of uploads that never ended: those of an earlier process, and those untouched since `before` (unix
 * seconds); and, unless that is 0, objects in far places that have been untouched so long. `n` counts uploads. */
enum rc blob_sweep(struct blob *blob, int64_t before, size_t *n, struct fault *why);
/* Moves some of the content that was stored before `before` (unix seconds) to the cold place, from the cursor on (zeroed:
 * the first); for a background job. It is read as before from there on. `n` counts up. RC_MORE: go on with the cursor. */
enum rc blob_archive(struct blob *blob, struct blob_cursor *cursor, int64_t before, size_t *n,
	struct fault *why);
/* Removes some of the files that got their name before `before` (unix seconds) and that no content refers to: a commit
 * that never came leaves one, after a power cut and when another was faster. Those of uploads under way here stay, however
 * old. `*walk` is NULL at first. RC_MORE: go on with it; else it is NULL again. `n` counts up. A folder that another store
 * has marked as its own is left alone, with an event. */
struct blob_walk;
enum rc blob_orphans(
	struct blob *blob, struct blob_walk **walk, int64_t before, size_t *n, struct fault *why);
/* Gives a walk up. */
void blob_walk_end(struct blob_walk **walk);

#endif
