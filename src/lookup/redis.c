/* redis.c: The lookup store in Redis: one command or one script a call, each on one key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/hash.h"
#include "link/redis.h"
#include "lookup/engine.h"
#include "run/run.h"
#include <string.h>

enum script { ADD_FIXED, ADD_LEAKY, LOCK, UNLOCK, SCRIPTS };

/* A script is one atomic step. Times are the server's own. */
static const char *const scripts[SCRIPTS] = {
	/* n, period in ms: the count and what is left of the window */
	[ADD_FIXED] = "local n = tonumber(ARGV[1])\n"
		      "local c\n"
		      "if n == 0 then c = tonumber(redis.call('GET', KEYS[1]) or '0')\n"
		      "else c = redis.call('INCRBY', KEYS[1], n) end\n"
		      "local left = redis.call('PTTL', KEYS[1])\n"
		      "if left < 0 and n > 0 then\n"
		      "  redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
		      "  left = tonumber(ARGV[2])\n"
		      "end\n"
		      "return {c, left}",
	/* n, period in us, most: the count, and for how long to wait in ms. The key holds when the bucket would be empty */
	[ADD_LEAKY] = "local n = tonumber(ARGV[1])\n"
		      "local period = tonumber(ARGV[2])\n"
		      "local most = tonumber(ARGV[3])\n"
		      "local t = redis.call('TIME')\n"
		      "local now = t[1] * 1000000 + t[2]\n"
		      "local level = tonumber(redis.call('GET', KEYS[1]) or '0') - now\n"
		      "if level < 0 then level = 0 end\n"
		      "local with = level + math.max(n, math.floor(n * period / most))\n"
		      "local wait = 0\n"
		      "if n > 0 and with > period then wait = math.ceil((with - period) / 1000)\n"
		      "elseif n > 0 then\n"
		      "  level = with\n"
		      "  redis.call('SET', KEYS[1], string.format('%.0f', now + level), 'PX',\n"
		      "    math.max(1, math.ceil(level / 1000)))\n"
		      "end\n"
		      "return {math.ceil(level * most / period), wait}",
	/* owner, ttl in ms: the fence, or 0 when somebody else has it. The key holds "fence:owner" */
	[LOCK] = "local v = redis.call('GET', KEYS[1])\n"
		 "local fence\n"
		 "if v then\n"
		 "  local colon = string.find(v, ':', 1, true) or 0\n"
		 "  if string.sub(v, colon + 1) ~= ARGV[1] then return 0 end\n"
		 "  fence = string.sub(v, 1, colon - 1)\n"
		 "else\n"
		 "  local t = redis.call('TIME')\n"
		 "  fence = string.format('%.0f', t[1] * 1000000 + t[2])\n"
		 "end\n"
		 "redis.call('SET', KEYS[1], fence .. ':' .. ARGV[1], 'PX', ARGV[2])\n"
		 "return fence",
	/* owner: 1 when it had it */
	[UNLOCK] = "local v = redis.call('GET', KEYS[1])\n"
		   "if not v then return 0 end\n"
		   "local colon = string.find(v, ':', 1, true) or 0\n"
		   "if string.sub(v, colon + 1) ~= ARGV[1] then return 0 end\n"
		   "redis.call('DEL', KEYS[1])\n"
		   "return 1",
};

struct remote {
	struct redis *redis;
	bool is_cluster;
	char sha1[SCRIPTS][41];
};

/* A call that must not be answered with an error; the seat is given away already. */
static enum rc blocked_call(struct remote *r, const struct redis_command *c, struct arena *a,
	struct resp *out, struct fault *why)
{
	enum rc rc = redis_call(r->redis, c, a, out, why);
	if (rc == RC_OK && out->type == RESP_ERROR && !resp_is_error(out, S("NOSCRIPT")))
		rc = fault_set(why, FAULT_STORE, "Redis: %.*s", FMT(out->text));
	return rc;
}

static enum rc call(struct remote *r, const struct redis_command *c, struct arena *a,
	struct resp *out, struct fault *why)
{
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = blocked_call(r, c, a, out, why);
	run_block_end();
	return rc;
}

struct number {
	char at[24];
};

static struct slice number(struct number *n, uint64_t value)
{
	snprintf(n->at, sizeof(n->at), "%llu", (unsigned long long)value);
	return slice_str(n->at);
}

static enum rc remote_get(
	void *e, struct slice key, struct arena *a, struct slice *value, struct fault *why)
{
	const struct slice words[] = { S("GET"), key };
	const struct redis_command c = { .words = words, .n = 2, .key = key, .is_read = true };
	struct resp reply;
	TRY(call(e, &c, a, &reply, why));
	*value = reply.text;
	return reply.type == RESP_STRING ? RC_OK : RC_NONE;
}

/* One that is only done. */
static enum rc done(struct remote *r, const struct slice *words, size_t n, struct fault *why)
{
	const struct redis_command c = { .words = words, .n = n, .key = words[1] };
	struct resp reply;
	struct arena a;
	arena_init(&a, 0);
	enum rc rc = call(r, &c, &a, &reply, why);
	arena_done(&a);
	return rc;
}

static enum rc remote_set(
	void *e, struct slice key, struct slice value, uint64_t ttl_ms, struct fault *why)
{
	struct number n;
	const struct slice words[] = { S("SET"), key, value, S("PX"), number(&n, ttl_ms) };
	return done(e, words, ttl_ms ? 5 : 3, why);
}

static enum rc remote_delete(void *e, struct slice key, struct fault *why)
{
	const struct slice words[] = { S("UNLINK"), key };
	return done(e, words, 2, why);
}

/* ---- delete by prefix ---- */

/* On a cluster the keys of one command must share a slot. */
static enum rc unlink_keys(void *ctx, const struct resp *keys, struct fault *why)
{
	struct remote *r = ctx;
	size_t at_once = r->is_cluster ? 1 : 100;
	struct slice words[101] = { S("UNLINK") };
	enum rc rc = RC_OK;
	for (size_t i = 0, n = 1; rc == RC_OK && i < keys->n; i++) {
		struct arena a;
		struct resp reply;
		words[n++] = keys->items[i].text;
		if (n <= at_once && i + 1 < keys->n)
			continue;
		const struct redis_command c = { .words = words, .n = n, .key = words[1] };
		arena_init(&a, 0);
		rc = blocked_call(r, &c, &a, &reply, why);
		arena_done(&a);
		n = 1;
	}
	return rc;
}

static enum rc remote_delete_prefix(void *e, struct slice begins, struct fault *why)
{
	struct remote *r = e;
	struct arena a;
	struct buf pattern;
	arena_init(&a, 0);
	buf_init(&pattern, 0, &a);
	for (size_t i = 0; i < begins.len; i++) {
		if (begins.at[i] && strchr("*?[]\\^-", begins.at[i]))
			buf_byte(&pattern, '\\');
		buf_byte(&pattern, begins.at[i]);
	}
	buf_byte(&pattern, '*');
	run_block_begin(RUN_STORE_LOOKUP);
	enum rc rc = redis_scan(r->redis, buf_slice(&pattern), unlink_keys, r, why);
	run_block_end();
	arena_done(&a);
	return rc;
}

/* ---- scripts ---- */

struct script_call {
	enum script script;
	struct slice key;
	struct slice args[3];
	size_t n;
};

/* By its digest; a server that does not have it gets it whole. */
static enum rc run_script(struct remote *r, const struct script_call *s, struct arena *a,
	struct resp *out, struct fault *why)
{
	struct slice words[7] = { S("EVALSHA"), slice_str(r->sha1[s->script]), S("1"), s->key };
	for (size_t i = 0; i < s->n; i++)
		words[4 + i] = s->args[i];
	const struct redis_command c = { .words = words, .n = 4 + s->n, .key = s->key };
	TRY(call(r, &c, a, out, why));
	if (out->type != RESP_ERROR)
		return RC_OK;
	words[0] = S("EVAL");
	words[1] = slice_str(scripts[s->script]);
	return call(r, &c, a, out, why);
}

/* Two numbers. */
static enum rc run_add(
	struct remote *r, const struct script_call *s, uint64_t out[2], struct fault *why)
{
	struct arena a;
	struct resp reply;
	arena_init(&a, 0);
	enum rc rc = run_script(r, s, &a, &reply, why);
	if (rc == RC_OK && (reply.type != RESP_ARRAY || reply.n != 2))
		rc = fault_set(why, FAULT_STORE, "Redis: not the answer of our script");
	for (size_t i = 0; rc == RC_OK && i < 2; i++)
		out[i] = reply.items[i].number > 0 ? (uint64_t)reply.items[i].number : 0;
	arena_done(&a);
	return rc;
}

static enum rc remote_add(void *e, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	const struct lookup_window *w = &add->window;
	bool is_fixed = w->kind == LOOKUP_FIXED;
	struct number n, period, most;
	struct script_call s = { .script = is_fixed ? ADD_FIXED : ADD_LEAKY,
		.key = key,
		.args = { number(&n, add->n),
			number(&period, is_fixed ? w->period_ms : w->period_ms * 1000),
			number(&most, w->most) },
		.n = is_fixed ? 2 : 3 };
	uint64_t got[2];
	TRY(run_add(e, &s, got, why));
	*out = (struct lookup_count){ .count = got[0] };
	out->is_over = is_fixed ? got[0] > w->most : got[1] > 0;
	out->wait_ms = out->is_over ? got[1] : 0;
	return RC_OK;
}

/* A number, as text or not. */
static enum rc run_lock(
	struct remote *r, const struct script_call *s, uint64_t *out, struct fault *why)
{
	struct arena a;
	struct resp reply;
	arena_init(&a, 0);
	*out = 0;
	enum rc rc = run_script(r, s, &a, &reply, why);
	if (rc == RC_OK && reply.type == RESP_INTEGER)
		*out = (uint64_t)reply.number;
	else if (rc == RC_OK && slice_u64(reply.text, UINT64_MAX, out) != RC_OK)
		rc = fault_set(why, FAULT_STORE, "Redis: not the answer of our script");
	arena_done(&a);
	return rc;
}

static enum rc remote_lock(void *e, struct slice key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why)
{
	struct number ttl;
	const struct script_call s = { .script = LOCK,
		.key = key,
		.args = { lock->owner, number(&ttl, lock->ttl_ms) },
		.n = 2 };
	TRY(run_lock(e, &s, fence, why));
	return *fence ? RC_OK : RC_TAKEN;
}

static enum rc remote_unlock(void *e, struct slice key, struct slice owner, struct fault *why)
{
	const struct script_call s = { .script = UNLOCK, .key = key, .args = { owner }, .n = 1 };
	uint64_t was_held;
	TRY(run_lock(e, &s, &was_held, why));
	return was_held ? RC_OK : RC_NONE;
}

/* ---- opening ---- */

static enum rc remote_ready(void *e, struct fault *why)
{
	const struct slice words[] = { S("GET"), S("ready") };
	return done(e, words, 2, why);
}

static void remote_close(void *e)
{
	struct remote *r = e;
	redis_free(&r->redis);
	mem_free(MEM_STORE, r);
}

enum rc lookup_open_redis(const struct redis_conf *conf, struct lookup **out, struct fault *why)
{
	static const struct lookup_engine engine = { "redis", remote_get, remote_set, remote_delete,
		remote_delete_prefix, remote_add, remote_lock, remote_unlock, NULL, remote_ready,
		remote_close };
	struct redis *redis;
	TRY(redis_new(conf, &redis, why));
	struct remote *r = mem_new(MEM_STORE, sizeof(*r));
	r->redis = redis;
	r->is_cluster = conf->is_cluster;
	for (size_t i = 0; i < SCRIPTS; i++) {
		uint8_t digest[CRYPTO_HASH_MOST];
		crypto_hash(CRYPTO_SHA1, slice_str(scripts[i]), digest);
		for (size_t b = 0; b < 20; b++)
			snprintf(r->sha1[i] + 2 * b, 3, "%02x", digest[b]);
	}
	*out = lookup_new(&engine, r);
	return RC_OK;
}
