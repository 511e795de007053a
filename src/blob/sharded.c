/* sharded.c: Objects spread over several places. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/sharded.h"
#include "base/mem.h"
#include "base/must.h"
#include "crypto/hash.h"
#include <string.h>

enum { PART_MIN = 8 * 1024 * 1024 };

struct shard {
	struct place *place;
	uint64_t seed;
};

struct sharded {
	struct place place;
	bool modulo;
	size_t n;
	struct shard shards[SHARDED_MOST];
};

/* A bijection that spreads: two inputs never have one weight, and neighbours none alike. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t weight_of(const struct sharded *s, size_t i, uint64_t upload)
{
	if (s->modulo) /* the one that is meant, then the next ones */
		return s->n - (i + s->n - upload % s->n) % s->n;
	return mix(upload ^ s->shards[i].seed);
}

/* The shard that comes after `n` others. */
static struct place *nth(const struct sharded *s, uint64_t upload, size_t n)
{
	bool taken[SHARDED_MOST] = { false };
	size_t best = 0;
	for (size_t k = 0; k <= n; k++) {
		best = s->n;
		for (size_t i = 0; i < s->n; i++)
			if (!taken[i] && (best == s->n || weight_of(s, i, upload) >
								  weight_of(s, best, upload)))
				best = i;
		must(best < s->n);
		taken[best] = true;
	}
	return s->shards[best].place;
}

static enum rc sharded_put(struct place *p, const struct place_name *name,
	const struct place_bytes *b, struct fault *why)
{
	return place_put(nth((struct sharded *)p, name->upload, 0), name, b, why);
}

/* From here on the shard itself is asked. */
static enum rc sharded_begin(
	struct place *p, const struct place_name *name, struct place_write **out, struct fault *why)
{
	return place_begin(nth((struct sharded *)p, name->upload, 0), name, out, why);
}

static enum rc sharded_get(struct place *p, const struct place_name *name,
	const struct place_range *range, struct arena *a, struct slice *out, struct fault *why)
{
	const struct sharded *s = (const struct sharded *)p;
	enum rc rc = RC_NONE;
	for (size_t i = 0; rc == RC_NONE && i < s->n; i++)
		rc = place_get(nth(s, name->upload, i), name, range, a, out, why);
	return rc;
}

static enum rc sharded_table(struct place *p, const struct place_name *name, struct arena *a,
	struct slice *out, struct fault *why)
{
	const struct sharded *s = (const struct sharded *)p;
	enum rc rc = RC_NONE;
	for (size_t i = 0; rc == RC_NONE && i < s->n; i++)
		rc = place_table(nth(s, name->upload, i), name, a, out, why);
	return rc;
}

static enum rc sharded_remove(
	struct place *p, const struct place_name *name, bool parts, struct fault *why)
{
	const struct sharded *s = (const struct sharded *)p;
	for (size_t i = 0; i < s->n; i++)
		TRY(place_remove(s->shards[i].place, name, parts, why));
	return RC_OK;
}

static void sharded_close(struct place *p)
{
	struct sharded *s = (struct sharded *)p;
	for (size_t i = 0; i < s->n; i++)
		place_close(&s->shards[i].place);
	mem_free(MEM_STORE, s);
}

static const struct place_engine sharded_engine = { .close = sharded_close,
	.put = sharded_put,
	.begin = sharded_begin,
	.get = sharded_get,
	.table = sharded_table,
	.remove = sharded_remove };

enum rc sharded_open(const struct place_options *o, struct place **out, struct fault *why)
{
	if (o->shards_n == 0 || o->shards_n > SHARDED_MOST)
		return fault_set(why, FAULT_CONFIG, "store \"%s\": 1 to %d shards", o->name,
			(int)SHARDED_MOST);
	struct sharded *s = mem_new(MEM_STORE, sizeof(*s));
	s->place =
		(struct place){ .engine = &sharded_engine, .part_min = PART_MIN, .is_far = true };
	s->modulo = o->modulo;
	*out = &s->place;
	for (size_t i = 0; i < o->shards_n; i++) {
		uint8_t hash[CRYPTO_SHA256_LEN];
		crypto_sha256(slice_str(o->shards[i]->name), hash);
		memcpy(&s->shards[i].seed, hash, sizeof(s->shards[i].seed));
		struct place_options shard = *o->shards[i];
		shard.by_id = true;
		enum rc rc = place_open(&shard, &s->shards[i].place, why);
		if (rc != RC_OK) {
			place_close(out);
			return rc;
		}
		s->n++;
	}
	return RC_OK;
}
