/* mem.c: The heap, counted by kind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/chaos.h"
#include "base/must.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t used[MEM_KINDS];

static void count(enum mem_kind kind, void *p, bool up)
{
	size_t n = malloc_usable_size(p);
	if (up)
		atomic_fetch_add_explicit(&used[kind], n, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&used[kind], n, memory_order_relaxed);
}

void *mem_new(enum mem_kind kind, size_t size)
{
	void *p = calloc(1, size ? size : 1);
	must(p != NULL);
	count(kind, p, true);
	return p;
}

void *mem_try(enum mem_kind kind, size_t size)
{
	void *p = chaos_refuses() ? NULL : malloc(size ? size : 1);
	if (p)
		count(kind, p, true);
	return p;
}

static void *grow(enum mem_kind kind, void *old, size_t size)
{
	size_t before = malloc_usable_size(old);
	void *p = realloc(old, size ? size : 1);
	if (!p)
		return NULL;
	atomic_fetch_sub_explicit(&used[kind], before, memory_order_relaxed);
	count(kind, p, true);
	return p;
}

void *mem_lend(enum mem_kind kind, size_t size)
{
	void *p = malloc(size ? size : 1);
	if (p)
		count(kind, p, true);
	return p;
}

void *mem_lend_more(enum mem_kind kind, void *old, size_t size)
{
	return old ? grow(kind, old, size) : mem_lend(kind, size);
}

void *mem_grow(enum mem_kind kind, void *old, size_t size)
{
	if (!old)
		return mem_try(kind, size);
	return chaos_refuses() ? NULL : grow(kind, old, size);
}

void *mem_more(enum mem_kind kind, void *old, size_t size)
{
	void *p = old ? grow(kind, old, size) : mem_new(kind, size);
	must(p != NULL);
	return p;
}

void mem_free(enum mem_kind kind, void *p)
{
	if (!p)
		return;
	count(kind, p, false);
	free(p);
}

char *mem_str(enum mem_kind kind, const char *str)
{
	size_t n = strlen(str) + 1;
	char *p = mem_new(kind, n);
	memcpy(p, str, n);
	return p;
}

size_t mem_used(enum mem_kind kind)
{
	return atomic_load_explicit(&used[kind], memory_order_relaxed);
}

const char *mem_kind_name(enum mem_kind kind)
{
	static const char *const names[MEM_KINDS] = { "other", "arena", "buffer", "session",
		"cache", "store", "index", "queue", "tls" };
	return kind < MEM_KINDS ? names[kind] : "?";
}

void mem_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

bool mem_eq_const_time(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t d = 0;
	for (size_t i = 0; i < len; i++)
		d |= (uint8_t)(x[i] ^ y[i]);
	return d == 0;
}
