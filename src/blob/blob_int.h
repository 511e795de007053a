/* blob_int.h: A store of content, its keys and values, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_BLOB_INT_H
#define BLOB_BLOB_INT_H

#include "base/lock.h"
#include "blob/blob.h"
#include "blob/files.h"
#include "blob/frame.h"

struct blob {
	struct data *data;
	struct files files;
	bool in_files;
	enum frame_codec codec;
	uint64_t owner; /* of uploads: this process */
	struct lock lock; /* guards all below */
	uint64_t *naming; /* uploads whose files have names, and whose commits are not answered */
	size_t naming_n, naming_cap;
};

struct blob_meta {
	uint64_t size, touch;
	uint64_t upload; /* of the file, or of the pieces; 0: frames bear the hash */
};

struct slice blob_key(struct arena *a, uint8_t what, const struct blob_ref *ref);
/* 'p' of an upload. */
struct slice blob_key_upload(struct arena *a, uint64_t upload);
struct slice blob_key_frame(
	struct arena *a, const struct blob_ref *ref, uint64_t upload, uint32_t frame);
/* RC_NONE: no such content. RC_LOST: damaged, `value` is set all the same. */
enum rc blob_meta_get(struct blob *blob, const struct blob_ref *ref, struct arena *a,
	struct slice *value, struct blob_meta *m, struct fault *why);
/* Is it there? Then the batch gets the proof, and `*there` is true. Else the batch asserts what is there instead, and
 * puts the meta of a new one. */
enum rc blob_meta_add(struct blob *blob, struct data_batch *b, const struct blob_ref *ref,
	uint64_t upload, bool *there, struct fault *why);
/* orphans.c: of an upload that names its file from now on, before it does. `was`: one that is over; 0: none. */
void blob_naming(struct blob *blob, uint64_t was, uint64_t now);
/* Removes the pieces of an upload with its reservation, unless that has another value by now. */
enum rc blob_drop_pieces(
	struct blob *blob, struct slice key, struct slice value, struct fault *why);

#endif
