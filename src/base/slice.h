/* slice.h: A view of bytes that somebody else owns. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

/* Never owns, never NUL-terminated by promise, passed by value. `at` may be NULL only when `len` is 0. */
struct slice {
	const uint8_t *at;
	size_t len;
};

/* A slice of a string literal. */
#define S(lit) ((struct slice){ (const uint8_t *)("" lit), sizeof(lit) - 1 })
/* printf("%.*s", FMT(s)): lengths over INT_MAX are cut. */
#define FMT(s) slice_int((s).len), (const char *)(s).at

int slice_int(size_t len);
struct slice slice_of(const void *at, size_t len);
/* The bytes of a NUL-terminated string, without the NUL; NULL gives the empty slice. */
struct slice slice_str(const char *str);

bool slice_eq(struct slice a, struct slice b);
/* Equal when ASCII letters are folded. */
bool slice_eq_nocase(struct slice a, struct slice b);
/* memcmp order, the shorter first when one is a prefix of the other. */
int slice_cmp(struct slice a, struct slice b);
int slice_cmp_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);

/* Index of the first `c`, or s.len. */
size_t slice_find(struct slice s, uint8_t c);
/* Index of the last `c`, or s.len. */
size_t slice_rfind(struct slice s, uint8_t c);
/* Index of the first occurrence of `what`, or s.len. */
size_t slice_search(struct slice s, struct slice what);

/* The first n bytes / all but the first n; n over len is cut to len. */
struct slice slice_head(struct slice s, size_t n);
struct slice slice_tail(struct slice s, size_t n);
/* Takes what stands before the first `c` from the head of `*s`, and the `c` too; all of it when there is none. */
struct slice slice_split(struct slice *s, uint8_t c);
/* Without SP, HTAB, CR and LF at both ends. */
struct slice slice_trim(struct slice s);

/* A decimal number that is the whole slice, without sign. RC_BAD: not digits, empty, or over `max`. */
enum rc slice_u64(struct slice s, uint64_t max, uint64_t *out);

#endif
