/* cache.c: Directory records in memory: a hash table with a byte cap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include "base/fifo.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/metric.h"

/* Known absence is cached too: strangers ask for addresses that nobody has. */
struct entry {
	struct fifo_node node;
	struct entry *chain; /* same bucket */
	size_t key_len, value_len;
	bool is_absent;
	uint8_t bytes[];
};

struct dir_cache {
	struct lock lock;
	struct entry **buckets;
	size_t mask;
	struct fifo fifo;
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
	fifo_init(&c->fifo, bytes);
	lock_init(&c->lock, LOCK_DIR);
	return c;
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
		if ((*at)->node.hash == hash &&
			slice_eq(slice_of((*at)->bytes, (*at)->key_len), key))
			return at;
	}
	return at;
}

/* Out of the queue it is already. */
static void drop(struct dir_cache *c, struct entry *e)
{
	struct entry **at = &c->buckets[e->node.hash & c->mask];
	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	mem_free(MEM_CACHE, e);
}

/* False: there was nothing. */
static bool drop_next(struct dir_cache *c)
{
	struct fifo_node *node = fifo_evict(&c->fifo);
	if (node)
		drop(c, (struct entry *)node);
	return node != NULL;
}

/* Until no more than `keep` bytes are held; under the lock. */
static void shrink(struct dir_cache *c, size_t keep)
{
	while (fifo_bytes(&c->fifo) > keep && drop_next(c)) {
		c->stats.evictions++;
		metric_add(METRIC_CACHE_DIRECTORY_EVICTIONS, 1);
	}
	metric_set(METRIC_CACHE_DIRECTORY_BYTES, fifo_bytes(&c->fifo));
}

void dir_cache_evict(struct dir_cache *c, size_t bytes)
{
	lock_enter(&c->lock);
	size_t held = fifo_bytes(&c->fifo);
	shrink(c, held > bytes ? held - bytes : 0);
	lock_leave(&c->lock);
}

void dir_cache_shrink(struct dir_cache *c, size_t most)
{
	lock_enter(&c->lock);
	c->fifo.max = most;
	shrink(c, most);
	lock_leave(&c->lock);
}

void dir_cache_free(struct dir_cache **cache)
{
	struct dir_cache *c = *cache;
	if (!c)
		return;
	while (drop_next(c))
		;
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
		fifo_hit(&e->node);
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
	if (size > c->fifo.max / 8)
		return;
	struct entry *e = mem_try(MEM_CACHE, size);
	if (!e)
		return;
	*e = (struct entry){ .key_len = key.len, .value_len = value_len, .is_absent = !value };
	memcpy(e->bytes, key.at, key.len);
	if (value_len > 0)
		memcpy(e->bytes + key.len, value->at, value_len);
	uint64_t hash = hash_of(key);
	lock_enter(&c->lock);
	struct entry **at = find(c, key, hash);
	if (c->epoch != epoch || *at) {
		lock_leave(&c->lock);
		mem_free(MEM_CACHE, e);
		return;
	}
	*at = e;
	fifo_add(&c->fifo, &e->node, hash, size);
	shrink(c, c->fifo.max);
	lock_leave(&c->lock);
}

void dir_cache_forget(struct dir_cache *c, struct slice key)
{
	lock_enter(&c->lock);
	c->epoch++;
	struct entry *e = *find(c, key, hash_of(key));
	if (e) {
		fifo_remove(&c->fifo, &e->node);
		drop(c, e);
	}
	lock_leave(&c->lock);
}

void dir_cache_clear(struct dir_cache *c)
{
	lock_enter(&c->lock);
	c->epoch++;
	while (drop_next(c))
		;
	lock_leave(&c->lock);
}

void dir_cache_stats(struct dir_cache *c, struct dir_stats *out)
{
	lock_enter(&c->lock);
	*out = c->stats;
	out->bytes = fifo_bytes(&c->fifo);
	out->entries = fifo_count(&c->fifo);
	out->generation = c->epoch;
	lock_leave(&c->lock);
}
