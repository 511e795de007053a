/* frame.c: LZ4 and Zstandard frames. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/frame.h"
#include <lz4.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL_ZSTD = 3 };

/* At least a sixteenth must be won, else reading pays for nothing. */
static size_t squeeze(enum frame_codec codec, struct slice plain, uint8_t *at, size_t room)
{
	size_t n = 0;
	if (codec == FRAME_LZ4) {
		int got = LZ4_compress_default(
			(const char *)plain.at, (char *)at, (int)plain.len, (int)room);
		n = got > 0 ? (size_t)got : 0;
	} else if (codec == FRAME_ZSTD) {
		n = ZSTD_compress(at, room, plain.at, plain.len, LEVEL_ZSTD);
		n = ZSTD_isError(n) ? 0 : n;
	}
	return n && n + plain.len / 16 < plain.len ? n : 0;
}

enum rc frame_pack(enum frame_codec codec, struct slice plain, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, plain.len + 1);
	if (!at)
		return RC_LIMIT;
	size_t n = plain.len > 64 ? squeeze(codec, plain, at + 1, plain.len) : 0;
	at[0] = (uint8_t)(n ? codec : FRAME_RAW);
	if (!n && plain.len)
		memcpy(at + 1, plain.at, plain.len);
	*out = slice_of(at, (n ? n : plain.len) + 1);
	return RC_OK;
}

enum rc frame_unpack(struct slice packed, size_t max, struct arena *a, struct slice *plain)
{
	if (packed.len == 0)
		return RC_LOST;
	struct slice body = slice_tail(packed, 1);
	if (packed.at[0] == FRAME_RAW) {
		*plain = body;
		return body.len <= max ? RC_OK : RC_LOST;
	}
	uint8_t *at = arena_try(a, max ? max : 1);
	if (!at)
		return RC_LIMIT;
	size_t n;
	if (packed.at[0] == FRAME_LZ4) {
		int got = LZ4_decompress_safe(
			(const char *)body.at, (char *)at, (int)body.len, (int)max);
		if (got < 0)
			return RC_LOST;
		n = (size_t)got;
	} else {
		n = packed.at[0] == FRAME_ZSTD ? ZSTD_decompress(at, max, body.at, body.len)
					       : (size_t)-1;
		if (packed.at[0] != FRAME_ZSTD || ZSTD_isError(n))
			return RC_LOST;
	}
	*plain = slice_of(at, n);
	return RC_OK;
}
