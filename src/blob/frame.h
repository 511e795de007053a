/* frame.h: One frame of a blob: compressed when that helps. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_FRAME_H
#define BLOB_FRAME_H

#include "base/arena.h"

enum frame_codec { FRAME_RAW = 0, FRAME_LZ4 = 1, FRAME_ZSTD = 2 };

/* Codec byte and bytes, in `a`. RC_LIMIT: no memory. */
enum rc frame_pack(enum frame_codec codec, struct slice plain, struct arena *a, struct slice *out);
/* Bytes from..from+len of a frame of `size` plain bytes, at `at`; from + len <= size. RC_LOST: not such a frame, or, when all of
 * it is asked for, damaged. RC_LIMIT: no memory. */
enum rc frame_unpack(struct slice packed, size_t size, size_t from, size_t len, uint8_t *at);

#endif
