/* arena.h: Memory that goes back all at once: step, transaction, session and snapshot lifetimes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"
#include <stdarg.h>

struct arena_block;

/* Not thread-safe: one owner at a time. Results are aligned to 16 bytes.
 * [arena 1] `used` never exceeds `limit` but by small allocations (<= ARENA_SMALL), which then set `over`. */
struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out */
	size_t held; /* bytes taken from the heap */
	size_t limit; /* bytes; 0 is no limit */
	bool over; /* something did not fit, small or not: who cannot do with less checks it, and answers RC_LIMIT */
};

enum { ARENA_SMALL = 4096 };

void arena_init(struct arena *a, size_t limit);
/* Gives everything back; the arena can be used again. */
void arena_done(struct arena *a);
/* Forgets all contents but keeps one block (at most 64 KiB), for the next step. */
void arena_reset(struct arena *a);

/* Never fails: for sizes that the program knows (<= ARENA_SMALL is checked). Zeroed. */
void *arena_new(struct arena *a, size_t size);
/* For sizes that come from outside. NULL: over the limit or no memory. Not zeroed. */
void *arena_try(struct arena *a, size_t size);
/* arena_try for `n` items of `size`, with overflow checked; zeroed. */
void *arena_try_array(struct arena *a, size_t n, size_t size);

/* Copies; RC_LIMIT: over the limit. */
enum rc arena_copy(struct arena *a, struct slice s, struct slice *out);
/* A NUL-terminated copy, for the edge to libc; NULL: over the limit. */
char *arena_str(struct arena *a, struct slice s);
/* printf into the arena; the empty slice when over the limit. NUL-terminated behind its end. */
struct slice arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct slice arena_vfmt(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#endif
