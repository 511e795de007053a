/* cache.c: Digests of passwords that proved right lately, in a table of fixed size. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "base/mem.h"
#include "base/metric.h"

/* A digest has WAYS places to be in; a new one takes the place that runs out first. It covers account, credential
 * generation and password under a key of this process, so a changed password is simply not found. */
enum { WAYS = 8 };

struct place {
	uint8_t digest[AUTH_DIGEST_LEN];
	uint64_t until_ms; /* 0: empty */
};

struct auth_cache {
	struct lock lock;
	size_t sets;
	uint64_t used;
	struct place *places;
};

static size_t sets_in(size_t bytes)
{
	size_t sets = bytes / (WAYS * sizeof(struct place));
	return sets > 0 ? sets : 1;
}

static size_t bytes_of(const struct auth_cache *c)
{
	return sizeof(*c) + c->sets * WAYS * sizeof(struct place);
}

struct auth_cache *auth_cache_new(size_t bytes)
{
	struct auth_cache *c = mem_new(MEM_CACHE, sizeof(*c));
	lock_init(&c->lock, LOCK_AUTH_CACHE);
	c->sets = sets_in(bytes);
	c->places = mem_new(MEM_CACHE, c->sets * WAYS * sizeof(struct place));
	metric_set(METRIC_CACHE_AUTH_BYTES, bytes_of(c));
	return c;
}

void auth_cache_free(struct auth_cache **cache)
{
	if (!*cache)
		return;
	lock_done(&(*cache)->lock);
	mem_free(MEM_CACHE, (*cache)->places);
	mem_free(MEM_CACHE, *cache);
	*cache = NULL;
}

static struct place *set_of(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN])
{
	uint64_t n;
	memcpy(&n, digest, sizeof(n));
	return c->places + n % c->sets * WAYS;
}

bool auth_cache_has(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN], uint64_t now_ms)
{
	bool has = false;
	lock_enter(&c->lock);
	struct place *set = set_of(c, digest);
	for (size_t i = 0; i < WAYS; i++)
		has = has || (set[i].until_ms > now_ms &&
				     mem_eq_const_time(set[i].digest, digest, AUTH_DIGEST_LEN));
	lock_leave(&c->lock);
	metric_add(has ? METRIC_CACHE_AUTH_HITS : METRIC_CACHE_AUTH_MISSES, 1);
	return has;
}

static void add(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN], uint64_t now_ms,
	uint64_t until_ms)
{
	struct place *set = set_of(c, digest), *to = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (mem_eq_const_time(set[i].digest, digest, AUTH_DIGEST_LEN)) {
			to = &set[i];
			break;
		}
		if (set[i].until_ms <= now_ms) {
			c->used -= set[i].until_ms > 0;
			set[i].until_ms = 0;
		}
		if (set[i].until_ms < to->until_ms)
			to = &set[i];
	}
	c->used += to->until_ms == 0;
	metric_add(METRIC_CACHE_AUTH_EVICTIONS,
		to->until_ms > now_ms && memcmp(to->digest, digest, AUTH_DIGEST_LEN) != 0);
	memcpy(to->digest, digest, AUTH_DIGEST_LEN);
	to->until_ms = until_ms;
}

void auth_cache_add(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN], uint64_t now_ms,
	uint64_t until_ms)
{
	lock_enter(&c->lock);
	add(c, digest, now_ms, until_ms);
	lock_leave(&c->lock);
}

void auth_cache_resize(struct auth_cache *c, size_t bytes)
{
	size_t sets = sets_in(bytes);
	if (sets == c->sets)
		return; /* only this function changes it */
	struct place *places = mem_new(MEM_CACHE, sets * WAYS * sizeof(*places));
	lock_enter(&c->lock);
	struct place *old = c->places;
	size_t n = c->sets * WAYS;
	c->places = places;
	c->sets = sets;
	c->used = 0;
	for (size_t i = 0; i < n; i++)
		if (old[i].until_ms)
			add(c, old[i].digest, 0, old[i].until_ms);
	metric_set(METRIC_CACHE_AUTH_BYTES, bytes_of(c));
	lock_leave(&c->lock);
	mem_free(MEM_CACHE, old);
}

void auth_cache_stats(struct auth_cache *c, uint64_t *bytes, uint64_t *entries)
{
	lock_enter(&c->lock);
	*bytes = bytes_of(c);
	*entries = c->used;
	lock_leave(&c->lock);
}
