/* chaos.h: What a chaos build puts in the way; in every other build there is nothing of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHAOS_H
#define BASE_CHAOS_H

#include "base/slice.h"

/* With -DVEREDUS_CHAOS waits and conflicts happen from the start. Memory is refused only when a test says so: the
 * environment's VEREDUS_CHAOS_PAGE names a file of CHAOS_PAGE octets that is mapped, and that the test writes while the
 * server runs. Its 64-bit words, in the machine's order: */
enum chaos_word {
	CHAOS_SEED, /* of all that is by chance */
	CHAOS_REFUSE_EVERY, /* one request for memory in so many is refused, by chance; 0: none */
	CHAOS_REFUSE_AT, /* the so many-th request from now on is refused, once; 0: none */
	CHAOS_ASKED, /* requests so far: the server counts */
	CHAOS_REFUSED, /* and those that were refused */
	CHAOS_WORDS
};
enum { CHAOS_PAGE = 4096 };

#ifdef VEREDUS_CHAOS
/* True, by even chance: wait although nothing is in the way. Who asks wakes itself. Any thread. */
bool chaos_waits(void);
/* True: this request for memory (or for a place in a queue) fails. Any thread. */
bool chaos_refuses(void);
/* True: the assert of this key and value fails, though it holds. It does so the first time; the second time it holds. One
 * thread. */
bool chaos_conflicts(struct slice key, struct slice value);
/* How many of `n` octets one call may read or write. */
size_t chaos_read(size_t n);
size_t chaos_write(size_t n);
#else
static inline bool chaos_waits(void)
{
	return false;
}
static inline bool chaos_refuses(void)
{
	return false;
}
static inline bool chaos_conflicts(struct slice key, struct slice value)
{
	(void)key, (void)value;
	return false;
}
static inline size_t chaos_read(size_t n)
{
	return n;
}
static inline size_t chaos_write(size_t n)
{
	return n;
}
#endif

#endif
