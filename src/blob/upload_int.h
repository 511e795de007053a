/* upload_int.h: The part of an upload that makes an object in a place. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_UPLOAD_INT_H
#define BLOB_UPLOAD_INT_H

#include "blob/blob_int.h"
#include "blob/upload.h"

/* Commits u->batch with the reservation, made or moved; u->work is empty afterwards. `lazy`: data/data.h. */
enum rc upload_reserve(struct blob_upload *u, bool lazy, struct fault *why);

/* The pieces, or the object, are not left behind any more: in the batch that says whose they are. */
void upload_end_reservation(struct blob_upload *u, struct data_batch *b);

/* --- upload_object.c --- */

/* Gives it id and time once. */
void upload_name(struct blob_upload *u);
/* One more packed frame, in u->work, which is empty afterwards. */
enum rc upload_object_frame(struct blob_upload *u, struct slice packed, struct fault *why);
/* All frames are there: the object is made, unless there is one of this content. */
enum rc upload_object_end(struct blob_upload *u, struct arena *a, struct fault *why);
/* It is made, if it was not yet. */
enum rc upload_object_put(struct blob_upload *u, struct fault *why);
enum rc upload_object_meta(
	struct blob_upload *u, struct arena *a, struct blob_meta *out, struct fault *why);
void upload_object_done(struct blob_upload *u, bool stored);

#endif
