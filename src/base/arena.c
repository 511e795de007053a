/* arena.c: Blocks in a list, bump allocation, all back at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/chaos.h"
#include "base/mem.h"
#include "base/must.h"
#include <stdio.h>
#include <string.h>

enum { BLOCK_FIRST = 2048, BLOCK_MOST = 64 * 1024, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes behind this head */
	size_t used;
	_Alignas(ALIGN) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

void arena_done(struct arena *a)
{
	size_t limit = a->limit;
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		mem_free(MEM_ARENA, b);
	}
	arena_init(a, limit);
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = NULL;
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		if (!keep && b->size <= BLOCK_MOST)
			keep = b;
		else
			mem_free(MEM_ARENA, b);
	}
	a->head = keep;
	a->used = 0;
	a->over = false;
	a->held = 0;
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
		a->held = keep->size;
	}
}

/* `sure`: there is memory, or the process ends. */
static void *take(struct arena *a, size_t size, bool sure)
{
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_block *b = a->head;
	if (!b || b->size - b->used < size) {
		size_t want = b ? b->size * 2 : BLOCK_FIRST;
		want = want > BLOCK_MOST ? BLOCK_MOST : want;
		want = want < size ? size : want;
		b = sure ? mem_new(MEM_ARENA, sizeof(*b) + want)
			 : mem_try(MEM_ARENA, sizeof(*b) + want);
		if (!b)
			return NULL;
		b->next = a->head;
		b->size = want;
		b->used = 0;
		a->head = b;
		a->held += want;
	}
	void *p = b->bytes + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *arena_new(struct arena *a, size_t size)
{
	must(size <= ARENA_SMALL);
	void *p = take(a, size, true);
	must(p != NULL);
	if (a->limit && a->used > a->limit)
		a->over = true;
	return memset(p, 0, size);
}

void *arena_try(struct arena *a, size_t size)
{
	bool fits = size <= SIZE_MAX / 4 &&
		    (!a->limit || (size <= a->limit && a->used <= a->limit - size));
	void *p = fits && !chaos_refuses() ? take(a, size, false) : NULL;
	a->over |= p == NULL;
	return p;
}

void *arena_try_array(struct arena *a, size_t n, size_t size)
{
	size_t all;
	if (__builtin_mul_overflow(n, size, &all))
		return NULL;
	void *p = arena_try(a, all);
	return p ? memset(p, 0, all) : NULL;
}

enum rc arena_copy(struct arena *a, struct slice s, struct slice *out)
{
	uint8_t *p = arena_try(a, s.len);
	if (!p)
		return RC_LIMIT;
	if (s.len)
		memcpy(p, s.at, s.len);
	*out = slice_of(p, s.len);
	return RC_OK;
}

char *arena_str(struct arena *a, struct slice s)
{
	char *p = s.len < SIZE_MAX ? arena_try(a, s.len + 1) : NULL;
	if (!p)
		return NULL;
	if (s.len)
		memcpy(p, s.at, s.len);
	p[s.len] = '\0';
	return p;
}

struct slice arena_vfmt(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *p = n >= 0 ? arena_try(a, (size_t)n + 1) : NULL;
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p ? slice_of(p, (size_t)n) : slice_of(NULL, 0);
}

struct slice arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct slice s = arena_vfmt(a, fmt, ap);
	va_end(ap);
	return s;
}
