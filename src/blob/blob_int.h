/* blob_int.h: A store of content, its keys and values, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_BLOB_INT_H
#define BLOB_BLOB_INT_H

#include "base/lock.h"
#include "blob/blob.h"
#include "blob/frame.h"
#include "blob/place.h"

struct blob {
	struct data *data;
	struct place *place; /* of new content; NULL: the data store */
	struct place *cold; /* of content that is old; NULL: none */
	const char *spool;
	enum frame_codec codec;
	uint64_t owner; /* of uploads: this process */
	struct lock lock; /* guards all below */
	uint64_t *naming; /* uploads whose files have names, and whose commits are not answered */
	size_t naming_n, naming_cap;
};

enum meta_where { META_IN_DATA, META_IN_PLACE, META_IN_COLD };

struct blob_meta {
	uint64_t size, touch;
	uint64_t upload; /* of the object, or of the pieces; 0: frames bear the hash */
	enum meta_where where;
	int64_t born; /* unix seconds when the upload began; 0: version 1 */
	struct slice
		lens; /* of an object: varints, the packed length of each frame; empty: version 1 */
};

/* --- meta.c --- */

struct slice meta_key(struct arena *a, uint8_t what, const struct blob_ref *ref);
/* 'p' of an upload. */
struct slice meta_key_upload(struct arena *a, uint64_t upload);
struct slice meta_key_frame(
	struct arena *a, const struct blob_ref *ref, uint64_t upload, uint32_t frame);
/* RC_NONE: no such content. RC_LOST: damaged, `value` is set all the same. */
enum rc meta_get(struct blob *blob, const struct blob_ref *ref, struct arena *a,
	struct slice *value, struct blob_meta *m, struct fault *why);
/* Is it there? Then the batch gets the proof, and `*there` is true. Else the batch asserts what is there instead, and
 * puts `fresh`, whose touch is set. */
enum rc meta_add(struct blob *blob, struct data_batch *b, const struct blob_ref *ref,
	const struct blob_meta *fresh, bool *there, struct fault *why);
struct slice meta_write(struct arena *a, const struct blob_meta *m);
/* `m` borrows from `v`. RC_BAD: damaged. */
enum rc meta_read(const struct blob *blob, struct slice v, struct blob_meta *m);
void meta_name(const struct blob_ref *ref, const struct blob_meta *m, struct place_name *out);
/* The place of an object. STORE: none is configured. */
enum rc meta_place(struct blob *blob, enum meta_where where, struct place **out, struct fault *why);

/* --- leftover.c: objects in far places that nobody links --- */

/* The value of a 'p' whose object is to be removed, whoever sees it first; with `parts` perhaps never ended. */
struct slice leftover_value(struct arena *a, const struct blob_meta *m, bool parts);
/* Is it of an object? */
bool leftover_is(struct slice value);
/* Untouched since `before`, or nobody's. With 0, at a start, none is: the store may be away, and other nodes at work. */
bool leftover_expired(struct slice value, int64_t before);
/* Removes the object and then its reservation. RC_TAKEN: that has another value by now. */
enum rc leftover_drop(struct blob *blob, struct slice key, struct slice value, struct fault *why);

/* --- orphans.c --- */

/* Of an upload that names its file from now on, before it does. `was`: one that is over; 0: none. */
void blob_naming(struct blob *blob, uint64_t was, uint64_t now);

/* --- purge.c --- */

/* Adds to a batch what removes a content from where it lies, and after the commit what a batch cannot. */
enum rc purge_content(struct blob *blob, const struct blob_ref *ref, const struct blob_meta *m,
	struct data_batch *b, struct fault *why);
enum rc purge_object(struct blob *blob, const struct blob_ref *ref, const struct blob_meta *m,
	struct fault *why);

/* Removes the pieces of an upload with its reservation, unless that has another value by now. */
enum rc blob_drop_pieces(
	struct blob *blob, struct slice key, struct slice value, struct fault *why);

#endif
