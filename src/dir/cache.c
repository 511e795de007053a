/* cache.c: Directory records in memory: a hash table with a byte cap, second chance for what is used. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/metric.h"

/* One queue, oldest first. What was hit since it came to the head goes round once more; the rest is dropped. Known absence
 * is cached too: strangers ask for addresses that nobody has. */

struct entry {
	struct entry *chain; /* same bucket */
	struct entry *next; /* queue */
	uint64_t hash;
	size_t key_len, value_len;
	bool is_absent, is_hit, is_dead; /* dead: forgotten, out of its bucket, still queued */
	uint8_t bytes[];
};

struct dir_cache {
	struct lock lock;
	struct entry **buckets;
	size_t mask;
	struct entry *oldest, **last;
	size_t most;
	uint64_t epoch; /* moved by each forgetting */
	struct dir_stats stats;
};

enum { ENTRY_USUAL = 256, BUCKETS_LEAST = 64, BUCKETS_MOST = 1 << 20 };

struct dir_cache *dir_cache_new(size_t bytes)
{
	struct dir_cache *c = mem_new(MEM_CACHE, sizeof(*c));
	size_t n = BUCKETS_LEAST;
	while (n < BUCKETS_MOST && n * ENTRY_USUAL < bytes)
		n *= 2;
	c->buckets = mem_new(MEM_CACHE, n * sizeof(*c->buckets));
	c->mask = n - 1;
	c->most = bytes;
	c->last = &c->oldest;
	lock_init(&c->lock, LOCK_DIR);
	return c;
}

static size_t size_of(const struct entry *e)
{
	return sizeof(*e) + e->key_len + e->value_len;
}

static uint64_t hash_of(struct slice key)
{
	uint64_t h = 14695981039346656037ULL;
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.at[i]) * 1099511628211ULL;
	return h ^ h >> 29;
}

static struct entry **find(struct dir_cache *c, struct slice key, uint64_t hash)
{
	struct entry **at = &c->buckets[hash & c->mask];
	for (; *at; at = &(*at)->chain) {
		if ((*at)->hash == hash && slice_eq(slice_of((*at)->bytes, (*at)->key_len), key))
			return at;
	}
	return at;
}

static void unchain(struct dir_cache *c, struct entry *e)
{
	struct entry **at = &c->buckets[e->hash & c->mask];
	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	e->is_dead = true;
	c->stats.entries--;
}

/* Takes the oldest off the queue: back to its end, or away. */
static void turn(struct dir_cache *c, bool may_stay)
{
	struct entry *e = c->oldest;
	c->oldest = e->next;
	if (!c->oldest)
		c->last = &c->oldest;
	e->next = NULL;
	if (may_stay && e->is_hit && !e->is_dead) {
		e->is_hit = false;
		*c->last = e;
		c->last = &e->next;
		return;
	}
	if (!e->is_dead) {
		unchain(c, e);
		c->stats.evictions++;
	}
	c->stats.bytes -= size_of(e);
	mem_free(MEM_CACHE, e);
}

void dir_cache_evict(struct dir_cache *c, size_t bytes)
{
	lock_enter(&c->lock);
	size_t keep = c->stats.bytes > bytes ? c->stats.bytes - bytes : 0;
	while (c->stats.bytes > keep)
		turn(c, false);
	lock_leave(&c->lock);
}

void dir_cache_free(struct dir_cache **cache)
{
	struct dir_cache *c = *cache;
	if (!c)
		return;
	while (c->oldest)
		turn(c, false);
	lock_done(&c->lock);
	mem_free(MEM_CACHE, c->buckets);
	mem_free(MEM_CACHE, c);
	*cache = NULL;
}

enum rc dir_cache_get(struct dir_cache *c, struct slice key, struct arena *a, struct slice *value,
	uint64_t *epoch)
{
	enum rc rc = RC_MORE;
	lock_enter(&c->lock);
	*epoch = c->epoch;
	struct entry *e = *find(c, key, hash_of(key));
	if (e) {
		e->is_hit = true;
		rc = e->is_absent
			     ? RC_NONE
			     : arena_copy(a, slice_of(e->bytes + e->key_len, e->value_len), value);
		c->stats.hits++;
		metric_add(METRIC_CACHE_DIRECTORY_HITS, 1);
	} else {
		c->stats.misses++;
		metric_add(METRIC_CACHE_DIRECTORY_MISSES, 1);
	}
	lock_leave(&c->lock);
	return rc;
}

void dir_cache_put(struct dir_cache *c, struct slice key, const struct slice *value, uint64_t epoch)
{
	size_t value_len = value ? value->len : 0,
	       size = sizeof(struct entry) + key.len + value_len;
	if (size > c->most / 8)
		return;
	struct entry *e = mem_try(MEM_CACHE, size);
	if (!e)
		return;
	*e = (struct entry){ .hash = hash_of(key),
		.key_len = key.len,
		.value_len = value_len,
		.is_absent = !value };
	memcpy(e->bytes, key.at, key.len);
	if (value_len > 0)
		memcpy(e->bytes + key.len, value->at, value_len);
	lock_enter(&c->lock);
	struct entry **at = find(c, key, e->hash);
	if (c->epoch != epoch || *at) {
		lock_leave(&c->lock);
		mem_free(MEM_CACHE, e);
		return;
	}
	*at = e;
	*c->last = e;
	c->last = &e->next;
	c->stats.entries++;
	c->stats.bytes += size;
	while (c->stats.bytes > c->most)
		turn(c, true);
	lock_leave(&c->lock);
}

void dir_cache_forget(struct dir_cache *c, struct slice key)
{
	lock_enter(&c->lock);
	c->epoch++;
	struct entry *e = *find(c, key, hash_of(key));
	if (e)
		unchain(c, e);
	lock_leave(&c->lock);
}

void dir_cache_clear(struct dir_cache *c)
{
	lock_enter(&c->lock);
	c->epoch++;
	while (c->oldest)
		turn(c, false);
	lock_leave(&c->lock);
}

void dir_cache_stats(struct dir_cache *c, struct dir_stats *out)
{
	lock_enter(&c->lock);
	*out = c->stats;
	out->generation = c->epoch;
	lock_leave(&c->lock);
}
