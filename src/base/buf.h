/* buf.h: A growing byte buffer with a limit, from the heap or an arena. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

/* Up to ARENA_SMALL octets there is memory always. Appending past `limit` or without memory sets `over` and drops the bytes: check `over` once at the end.
 * With an arena the bytes live as long as it does, and buf_done does nothing. */
struct buf {
	uint8_t *at;
	size_t len;
	size_t cap;
	size_t limit; /* bytes; 0 is no limit */
	struct arena *arena;
	bool over;
	bool full; /* over for its limit, not for want of memory */
};

/* `arena` NULL: heap, given back by buf_done. */
void buf_init(struct buf *b, size_t limit, struct arena *arena);
void buf_done(struct buf *b);
/* Empties, keeps the memory, clears `over`. */
void buf_reset(struct buf *b);
struct slice buf_slice(const struct buf *b);

void buf_add(struct buf *b, struct slice s);
void buf_byte(struct buf *b, uint8_t c);
void buf_str(struct buf *b, const char *str);
void buf_u64(struct buf *b, uint64_t n);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at the end, to be filled and then counted in with buf_added; NULL: over. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* Binary: big-endian fixed integers (their order is memcmp's), LEB128 varints, length-prefixed slices. */
void buf_be16(struct buf *b, uint16_t n);
void buf_be32(struct buf *b, uint32_t n);
void buf_be64(struct buf *b, uint64_t n);
void buf_varint(struct buf *b, uint64_t n);
void buf_vslice(struct buf *b, struct slice s);

/* The reverse, from the head of `*in`. RC_BAD: too short, or a varint over 64 bits; `*in` untouched. */
enum rc take_byte(struct slice *in, uint8_t *out);
enum rc take_be16(struct slice *in, uint16_t *out);
enum rc take_be32(struct slice *in, uint32_t *out);
enum rc take_be64(struct slice *in, uint64_t *out);
enum rc take_varint(struct slice *in, uint64_t *out);
enum rc take_bytes(struct slice *in, size_t n, struct slice *out);
enum rc take_vslice(struct slice *in, struct slice *out);

#endif
