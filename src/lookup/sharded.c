/* sharded.c: One lookup store over several: each key has its place in one of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "lookup/engine.h"

struct shard {
	struct lookup *lookup;
	uint64_t salt; /* of its name: the order of the stores does not matter */
};

struct sharded {
	bool is_modulo;
	size_t n;
	size_t cleaning; /* the one that the clean-up is at */
	struct shard shards[];
};

/* FNV-1a, then the finaliser of SplitMix64: where a key is must never change with a version. */
static uint64_t digest(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.at[i]) * 0x100000001b3u;
	return h;
}

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

static struct lookup *shard_of(const struct sharded *s, struct slice key)
{
	uint64_t h = digest(key), most = 0;
	size_t at = 0;
	if (s->is_modulo)
		return s->shards[mix(h) % s->n].lookup;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t weight = mix(h ^ s->shards[i].salt);
		if (i == 0 || weight > most) {
			most = weight;
			at = i;
		}
	}
	return s->shards[at].lookup;
}

static enum rc sharded_get(
	void *e, struct slice key, struct arena *a, struct slice *value, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->get(l->e, key, a, value, why);
}

static enum rc sharded_set(
	void *e, struct slice key, struct slice value, uint64_t ttl_ms, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->set(l->e, key, value, ttl_ms, why);
}

static enum rc sharded_delete(void *e, struct slice key, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->delete (l->e, key, why);
}

/* From all, also when one of them fails. */
static enum rc sharded_delete_prefix(void *e, struct slice begins, struct fault *why)
{
	struct sharded *s = e;
	enum rc worst = RC_OK;
	for (size_t i = 0; i < s->n; i++) {
		struct lookup *l = s->shards[i].lookup;
		enum rc rc = l->engine->delete_prefix(l->e, begins, why);
		worst = rc != RC_OK ? rc : worst;
	}
	return worst;
}

static enum rc sharded_add(void *e, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->add(l->e, key, add, out, why);
}

static enum rc sharded_lock(void *e, struct slice key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->lock(l->e, key, lock, fence, why);
}

static enum rc sharded_unlock(void *e, struct slice key, struct slice owner, struct fault *why)
{
	struct lookup *l = shard_of(e, key);
	return l->engine->unlock(l->e, key, owner, why);
}

static enum rc sharded_cleanup(void *e, size_t *removed, struct fault *why)
{
	struct sharded *s = e;
	struct lookup *l = s->shards[s->cleaning].lookup;
	enum rc rc = l->engine->cleanup ? l->engine->cleanup(l->e, removed, why) : RC_OK;
	if (rc == RC_MORE)
		return rc;
	s->cleaning = (s->cleaning + 1) % s->n; /* also when that one failed */
	return rc == RC_OK && s->cleaning > 0 ? RC_MORE : rc;
}

static enum rc sharded_ready(void *e, struct fault *why)
{
	struct sharded *s = e;
	for (size_t i = 0; i < s->n; i++)
		TRY(lookup_ready(s->shards[i].lookup, why));
	return RC_OK;
}

static void sharded_close(void *e)
{
	struct sharded *s = e;
	for (size_t i = 0; i < s->n; i++)
		lookup_close(&s->shards[i].lookup);
	mem_free(MEM_STORE, s);
}

struct lookup *lookup_open_sharded(const struct lookup_shard *shards, size_t n, bool is_modulo)
{
	static const struct lookup_engine engine = { "sharded", sharded_get, sharded_set,
		sharded_delete, sharded_delete_prefix, sharded_add, sharded_lock, sharded_unlock,
		sharded_cleanup, sharded_ready, sharded_close };
	must(n > 0);
	struct sharded *s = mem_new(MEM_STORE, sizeof(*s) + n * sizeof(s->shards[0]));
	s->is_modulo = is_modulo;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->shards[i] =
			(struct shard){ shards[i].lookup, mix(digest(slice_str(shards[i].name))) };
	return lookup_new(&engine, s);
}
