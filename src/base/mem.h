/* mem.h: The heap, counted by what it is for. Only base/ may say malloc. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

enum mem_kind {
	MEM_OTHER,
	MEM_ARENA,
	MEM_BUFFER,
	MEM_SESSION,
	MEM_CACHE,
	MEM_STORE,
	MEM_INDEX,
	MEM_QUEUE,
	MEM_TLS, /* all that OpenSSL holds */
	MEM_KINDS
};

/* Zeroed; never NULL: a small fixed size that cannot be had aborts (the parent restarts us). Any thread. */
void *mem_new(enum mem_kind kind, size_t size);
/* For sizes from outside: NULL when there is no memory, or a chaos build refuses. Not zeroed. */
void *mem_try(enum mem_kind kind, size_t size);
/* realloc; NULL leaves the old block as it was. `old` NULL is mem_try. */
void *mem_grow(enum mem_kind kind, void *old, size_t size);
/* As mem_grow for what the program itself needs and is small, but as mem_new never NULL. What is new is not zeroed. */
void *mem_more(enum mem_kind kind, void *old, size_t size);
void mem_free(enum mem_kind kind, void *p);
/* malloc and realloc as a library calls them, counted; no chaos build refuses them. NULL: no memory. */
void *mem_lend(enum mem_kind kind, size_t size);
void *mem_lend_more(enum mem_kind kind, void *old, size_t size);
/* A NUL-terminated copy. */
char *mem_str(enum mem_kind kind, const char *str);

/* Bytes now in use of one kind, and its name ("arena"). */
size_t mem_used(enum mem_kind kind);
const char *mem_kind_name(enum mem_kind kind);

/* Overwrites secrets; not optimised away. */
void mem_wipe(void *p, size_t len);
/* Equal, in a time that depends on the length alone. */
bool mem_eq_const_time(const void *a, const void *b, size_t len);

#endif
