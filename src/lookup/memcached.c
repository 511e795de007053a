/* memcached.c: The lookup store in Memcached: records with expiry, changed by compare and swap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/memcached.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "lookup/engine.h"
#include "run/run.h"
#include <string.h>

/* Memcached cannot name the keys that begin so; but a key contains the generations of its prefix and group, which stand under
 * keys of their own: to delete them all is to change a generation. What was there is not found any more and leaves by its
 * expiry, or for want of room. A generation that left so takes its keys with it: they are absent, never stale. */
enum { TRIES = 200, KEY_LEN = 1 + CRYPTO_SHA256_LEN };

struct key {
	uint8_t at[KEY_LEN];
};

struct cache {
	struct memcached *memcached;
};

/* One exchange; the reply lives in `a`. */
struct talk {
	struct memcached *m;
	struct arena *a;
	struct memcached_reply reply;
};

static enum rc get(struct talk *t, struct slice key, struct fault *why)
{
	struct buf b;
	buf_init(&b, 0, t->a);
	memcached_get(&b, key);
	return memcached_call(t->m, key, &b, t->a, &t->reply, why);
}

static enum rc put(struct talk *t, const struct memcached_put *p, struct fault *why)
{
	struct buf b;
	buf_init(&b, 0, t->a);
	memcached_set(&b, p);
	return memcached_call(t->m, p->key, &b, t->a, &t->reply, why);
}

static enum rc erase(struct talk *t, struct slice key, uint64_t cas, struct fault *why)
{
	struct buf b;
	buf_init(&b, 0, t->a);
	memcached_delete(&b, key, cas);
	return memcached_call(t->m, key, &b, t->a, &t->reply, why);
}

/* ---- keys ---- */

static struct slice hashed(struct key *k, uint8_t kind, struct slice bytes)
{
	k->at[0] = kind;
	crypto_sha256(bytes, k->at + 1);
	return slice_of(k->at, KEY_LEN);
}

/* Appends the generation of what begins so; there is one from then on. */
static enum rc add_generation(
	struct talk *t, struct slice begins, struct buf *out, struct fault *why)
{
	struct key k;
	struct slice key = hashed(&k, 'g', begins);
	for (unsigned i = 0; i < TRIES; i++) {
		TRY(get(t, key, why));
		if (t->reply.code == MEMCACHED_VA) {
			buf_vslice(out, t->reply.value);
			return RC_OK;
		}
		uint64_t now = run_unix_us();
		const struct memcached_put p = {
			.key = key, .value = slice_of(&now, sizeof(now)), .is_add = true
		};
		TRY(put(t, &p, why));
	}
	return fault_set(why, FAULT_STORE, "Memcached keeps no generation");
}

/* The key of now for an encoded key. */
static enum rc place(
	struct talk *t, struct slice key, struct key *k, struct slice *out, struct fault *why)
{
	struct buf b;
	size_t group = 2 + (size_t)key.at[1];
	buf_init(&b, 0, t->a);
	TRY(add_generation(t, slice_head(key, 1), &b, why));
	if (key.at[1])
		TRY(add_generation(t, slice_head(key, group), &b, why));
	buf_add(&b, key);
	*out = hashed(k, 'k', buf_slice(&b));
	return RC_OK;
}

/* ---- one key ---- */

/* What a change does with the record that is there (NONE: none): RC_OK: it is to be stored; RC_NONE: to be deleted; RC_WAIT: to stay
 * as it is; else the answer. */
typedef enum rc change_fn(void *arg, struct lookup_record *r);

static enum rc store_record(
	struct talk *t, struct slice key, const struct lookup_record *r, struct fault *why)
{
	struct buf value;
	uint64_t cas = t->reply.code == MEMCACHED_VA ? t->reply.cas : 0, now = run_unix_us();
	buf_init(&value, 0, t->a);
	lookup_record_write(&value, r);
	const struct memcached_put p = { .key = key,
		.value = buf_slice(&value),
		.ttl_s = r->until_us > now ? (r->until_us - now + 999999) / 1000000
					   : r->until_us > 0,
		.cas = cas,
		.is_add = cas == 0 };
	return put(t, &p, why);
}

/* RC_MORE: somebody else was first. */
static enum rc change_once(
	struct talk *t, struct slice key, change_fn *fn, void *arg, struct fault *why)
{
	TRY(get(t, key, why));
	struct lookup_record r = { .kind = LOOKUP_RECORD_NONE };
	bool is_there = t->reply.code == MEMCACHED_VA;
	if (is_there)
		r = lookup_record_read(t->reply.value, run_unix_us());
	enum rc rc = fn(arg, &r);
	if (rc == RC_WAIT)
		return RC_OK;
	if (rc == RC_OK)
		TRY(store_record(t, key, &r, why));
	else if (rc == RC_NONE && is_there)
		TRY(erase(t, key, t->reply.cas, why));
	else
		return rc == RC_NONE ? RC_OK : rc;
	return t->reply.code == MEMCACHED_HD || (rc == RC_NONE && t->reply.code == MEMCACHED_NF)
		       ? RC_OK
		       : RC_MORE;
}

static enum rc change(
	struct cache *c, struct slice key, change_fn *fn, void *arg, struct fault *why)
{
	enum rc rc = RC_MORE;
	run_block_begin(RUN_STORE_LOOKUP);
	for (unsigned i = 0; rc == RC_MORE && i < TRIES; i++) {
		struct arena a;
		struct key k;
		struct slice at;
		arena_init(&a, 0);
		struct talk t = { .m = c->memcached, .a = &a };
		rc = place(&t, key, &k, &at, why);
		if (rc == RC_OK)
			rc = change_once(&t, at, fn, arg, why);
		arena_done(&a);
	}
	run_block_end();
	return rc == RC_MORE ? fault_set(why, FAULT_STORE, "the key changes too often") : rc;
}

static enum rc cache_get(
	void *e, struct slice key, struct arena *a, struct slice *value, struct fault *why)
{
	struct cache *c = e;
	struct talk t = { .m = c->memcached, .a = a };
	struct key k;
	struct slice at;
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = place(&t, key, &k, &at, why);
	if (rc == RC_OK)
		rc = get(&t, at, why);
	run_block_end();
	TRY(rc);
	if (t.reply.code != MEMCACHED_VA)
		return RC_NONE;
	struct lookup_record r = lookup_record_read(t.reply.value, run_unix_us());
	*value = r.bytes;
	return r.kind == LOOKUP_RECORD_VALUE ? RC_OK : RC_NONE;
}

static enum rc set_value(void *arg, struct lookup_record *r)
{
	*r = *(const struct lookup_record *)arg;
	return RC_OK;
}

static enum rc cache_set(
	void *e, struct slice key, struct slice value, uint64_t ttl_ms, struct fault *why)
{
	struct lookup_record r = { .kind = LOOKUP_RECORD_VALUE,
		.until_us = ttl_ms ? run_unix_us() + ttl_ms * 1000 : 0,
		.bytes = value };
	return change(e, key, set_value, &r, why);
}

static enum rc delete_any(void *arg, struct lookup_record *r)
{
	(void)arg, (void)r;
	return RC_NONE;
}

static enum rc cache_delete(void *e, struct slice key, struct fault *why)
{
	return change(e, key, delete_any, NULL, why);
}

static enum rc cache_delete_prefix(void *e, struct slice begins, struct fault *why)
{
	struct cache *c = e;
	struct arena a;
	struct key k;
	uint64_t now = run_unix_us();
	const struct memcached_put p = { .key = hashed(&k, 'g', begins),
		.value = slice_of(&now, sizeof(now)) };
	arena_init(&a, 0);
	struct talk t = { .m = c->memcached, .a = &a };
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = put(&t, &p, why);
	run_block_end();
	arena_done(&a);
	return rc;
}

/* ---- windows and locks ---- */

struct addition {
	const struct lookup_add *add;
	struct lookup_count *out;
};

static enum rc add_to(void *arg, struct lookup_record *r)
{
	struct addition *x = arg;
	return lookup_window_add(r, x->add, run_unix_us(), x->out) ? RC_OK : RC_WAIT;
}

static enum rc cache_add(void *e, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	return change(e, key, add_to, &(struct addition){ add, out }, why);
}

struct taking {
	const struct lookup_lock *lock;
	uint64_t *fence;
};

static enum rc take(void *arg, struct lookup_record *r)
{
	struct taking *x = arg;
	return lookup_lock_take(r, x->lock, run_unix_us(), x->fence);
}

static enum rc cache_lock(void *e, struct slice key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why)
{
	return change(e, key, take, &(struct taking){ lock, fence }, why);
}

struct giving {
	struct slice owner;
	bool was_held;
};

static enum rc give(void *arg, struct lookup_record *r)
{
	struct giving *x = arg;
	x->was_held = r->kind == LOOKUP_RECORD_LOCK && slice_eq(r->bytes, x->owner);
	return x->was_held ? RC_NONE : RC_WAIT;
}

static enum rc cache_unlock(void *e, struct slice key, struct slice owner, struct fault *why)
{
	struct giving x = { .owner = owner };
	TRY(change(e, key, give, &x, why));
	return x.was_held ? RC_OK : RC_NONE;
}

/* ---- opening ---- */

static enum rc cache_ready(void *e, struct fault *why)
{
	struct cache *c = e;
	struct arena a;
	arena_init(&a, 0);
	struct talk t = { .m = c->memcached, .a = &a };
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = get(&t, S("ready"), why);
	run_block_end();
	arena_done(&a);
	return rc;
}

static void cache_close(void *e)
{
	struct cache *c = e;
	memcached_free(&c->memcached);
	mem_free(MEM_STORE, c);
}

enum rc lookup_open_memcached(
	const struct memcached_conf *conf, struct lookup **out, struct fault *why)
{
	static const struct lookup_engine engine = { "memcached", cache_get, cache_set,
		cache_delete, cache_delete_prefix, cache_add, cache_lock, cache_unlock, NULL,
		cache_ready, cache_close };
	struct memcached *memcached;
	TRY(memcached_new(conf, &memcached, why));
	struct cache *c = mem_new(MEM_STORE, sizeof(*c));
	c->memcached = memcached;
	*out = lookup_new(&engine, c);
	return RC_OK;
}
