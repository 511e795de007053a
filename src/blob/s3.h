/* s3.h: A bucket of an S3-compatible store as a place. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_S3_H
#define BLOB_S3_H

#include "blob/place.h"

/* Nothing is asked of the store yet. BAD: CONFIG. */
enum rc s3_open(const struct place_options *options, struct place **out, struct fault *why);

#endif
