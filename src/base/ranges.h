/* ranges.h: Sorted sets of 32-bit numbers as ranges: UIDs, sequence numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include "base/buf.h"

struct range {
	uint32_t lo, hi; /* both inclusive, lo <= hi */
};

/* [ranges 1] sorted, disjoint and never adjacent. On the heap; an empty set holds nothing. */
struct ranges {
	struct range *at;
	size_t n, cap;
};

void ranges_done(struct ranges *r);
void ranges_clear(struct ranges *r);
/* Adds lo..hi. Amortised O(1) when added in rising order, else O(n). RC_LIMIT: no memory, set unchanged. */
enum rc ranges_add(struct ranges *r, uint32_t lo, uint32_t hi);
/* As ranges_add, for what may not be refused any more: it never fails. */
void ranges_keep(struct ranges *r, uint32_t lo, uint32_t hi);
void ranges_remove(struct ranges *r, uint32_t lo, uint32_t hi);
bool ranges_has(const struct ranges *r, uint32_t x);
/* How many numbers are in the set; how many are below x. */
uint64_t ranges_count(const struct ranges *r);
uint64_t ranges_below(const struct ranges *r, uint32_t x);
/* Encodes as count and varint deltas; the reverse checks order. RC_BAD: not such bytes. */
void ranges_write(const struct ranges *r, struct buf *out);
enum rc ranges_read(struct slice *in, struct ranges *r);
/* "1:3,7" as in RFC 9051 sequence-set; nothing for the empty set. */
void ranges_text(const struct ranges *r, struct buf *out);

#endif
