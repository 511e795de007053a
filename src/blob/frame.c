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

/* The first `len` of `size` bytes. */
static enum rc unpack_head(
	enum frame_codec codec, struct slice body, size_t size, size_t len, uint8_t *at)
{
	const char *in = (const char *)body.at;
	if (codec == FRAME_LZ4) {
		int n = (int)len;
		int got = len == size ? LZ4_decompress_safe(in, (char *)at, (int)body.len, n)
				      : LZ4_decompress_safe_partial(
						in, (char *)at, (int)body.len, n, n);
		return got == n ? RC_OK : RC_LOST;
	}
	return codec == FRAME_ZSTD && len == size &&
			       ZSTD_decompress(at, size, body.at, body.len) == size
		       ? RC_OK
		       : RC_LOST;
}

/* What lies before or behind the part is unpacked elsewhere. */
static enum rc unpack_part(enum frame_codec codec, struct slice body, size_t size, size_t from,
	size_t len, uint8_t *at)
{
	struct arena a;
	size_t head = codec == FRAME_LZ4 ? from + len : size;
	arena_init(&a, 0);
	uint8_t *whole = arena_try(&a, head);
	enum rc rc = whole ? unpack_head(codec, body, size, head, whole) : RC_LIMIT;
	if (rc == RC_OK)
		memcpy(at, whole + from, len);
	arena_done(&a);
	return rc;
}

enum rc frame_unpack(struct slice packed, size_t size, size_t from, size_t len, uint8_t *at)
{
	if (packed.len == 0)
		return RC_LOST;
	enum frame_codec codec = packed.at[0];
	struct slice body = slice_tail(packed, 1);
	if (codec == FRAME_RAW) {
		if (body.len != size)
			return RC_LOST;
		if (len)
			memcpy(at, body.at + from, len);
		return RC_OK;
	}
	if (from == 0 && (len == size || codec == FRAME_LZ4))
		return unpack_head(codec, body, size, len, at);
	return unpack_part(codec, body, size, from, len, at);
}
