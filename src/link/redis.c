/* redis.c: A call, with its retries and redirections, within its time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "link/redis_int.h"
#include "run/run.h"
#include <poll.h>
#include <string.h>

enum { REDIRECTS_MAX = 8, PAUSE_MS = 20, PAUSE_MAX_MS = 500 };

/* ---- opening ---- */

static enum rc read_urls(struct redis *r, bool *has_tls, struct fault *why)
{
	unsigned port = r->conf.master[0] ? REDIS_SENTINEL_PORT : REDIS_PORT;
	r->urls_n = r->conf.urls_n;
	if (r->urls_n == 0 || r->urls_n > REDIS_URLS_MAX)
		return fault_set(why, FAULT_CONFIG, "1 to %d URLs are wanted", REDIS_URLS_MAX);
	for (size_t i = 0; i < r->urls_n; i++) {
		struct address *at = &r->urls[i];
		if (address_read(slice_str(r->conf.urls[i]), port, at) != RC_OK)
			return fault_set(
				why, FAULT_CONFIG, "\"%s\" is no URL of Redis", r->conf.urls[i]);
		if (at->scheme[0] && strcmp(at->scheme, "redis") != 0 &&
			strcmp(at->scheme, "rediss") != 0)
			return fault_set(why, FAULT_CONFIG,
				"\"%s\": redis:// or rediss:// is wanted", r->conf.urls[i]);
		*has_tls |= strcmp(at->scheme, "rediss") == 0;
	}
	return RC_OK;
}

/* What the configuration says counts for servers; a Sentinel's own is in its URL. */
static void spread_secrets(struct redis *r, const struct redis_conf *conf)
{
	bool from_url = !conf->secret[0] && !conf->master[0];
	r->conf.user = mem_str(MEM_OTHER, from_url ? r->urls[0].user : conf->user);
	r->conf.secret = mem_str(MEM_OTHER, from_url ? r->urls[0].secret : conf->secret);
	for (size_t i = 0; i < r->urls_n && !conf->master[0] && conf->secret[0]; i++) {
		snprintf(r->urls[i].user, sizeof(r->urls[i].user), "%s", conf->user);
		snprintf(r->urls[i].secret, sizeof(r->urls[i].secret), "%s", conf->secret);
	}
}

enum rc redis_new(const struct redis_conf *conf, struct redis **out, struct fault *why)
{
	struct redis *r = mem_new(MEM_OTHER, sizeof(*r));
	bool has_tls = conf->tls;
	lock_init(&r->lock, LOCK_LOOKUP);
	breaker_init(&r->breaker);
	r->conf = *conf;
	enum rc rc = read_urls(r, &has_tls, why);
	if (rc == RC_OK && has_tls)
		rc = tls_new(NULL, 0, &r->tls, why);
	if (rc == RC_OK && has_tls && conf->tls_ca[0])
		rc = tls_trust(r->tls, conf->tls_ca, why);
	spread_secrets(r, conf);
	r->conf.master = mem_str(MEM_OTHER, conf->master);
	if (rc != RC_OK)
		redis_free(&r);
	*out = r;
	return rc;
}

static void drop_string(const char **s)
{
	mem_wipe((char *)(uintptr_t)*s, strlen(*s));
	mem_free(MEM_OTHER, (char *)(uintptr_t)*s);
}

void redis_free(struct redis **ref)
{
	struct redis *r = *ref;
	if (!r)
		return;
	for (size_t i = 0; i < REDIS_NODES_MAX; i++)
		redis_node_free(&r->nodes[i]);
	tls_free(&r->tls);
	drop_string(&r->conf.user);
	drop_string(&r->conf.secret);
	drop_string(&r->conf.master);
	lock_done(&r->lock);
	breaker_done(&r->breaker);
	mem_wipe(r->urls, sizeof(r->urls));
	mem_free(MEM_OTHER, r);
	*ref = NULL;
}

/* ---- calling ---- */

/* How a try ended, and so what is next. */
enum next { DONE, REDIRECTED, AGAIN_AT_ONCE, AGAIN_LATER };

struct call {
	struct redis *redis;
	struct redis_try try;
	struct redis_node *node; /* counted in; NULL: to be found */
	unsigned failures, redirects;
};

static bool is_passing(const struct resp *r)
{
	return resp_is_error(r, S("CLUSTERDOWN")) || resp_is_error(r, S("TRYAGAIN")) ||
	       resp_is_error(r, S("LOADING")) || resp_is_error(r, S("MASTERDOWN")) ||
	       resp_is_error(r, S("READONLY"));
}

static void leave(struct call *c)
{
	if (c->node)
		redis_route_put(c->redis, c->node);
	c->node = NULL;
}

/* Follows MOVED and ASK. */
static enum next redirect(struct call *c)
{
	struct redis_node *from = c->node;
	c->try.is_asking = resp_is_error(&c->try.reply, S("ASK"));
	c->node = redis_route_redirect(c->redis, c->try.reply.text, from->at.host);
	redis_route_put(c->redis, from);
	return ++c->redirects <= REDIRECTS_MAX && c->node ? REDIRECTED : AGAIN_LATER;
}

static enum next once(struct call *c, enum rc *rc, struct fault *why)
{
	if (!c->node)
		c->node = redis_route_find(c->redis, c->try.command);
	if (!c->node) {
		*rc = fault_set(why, FAULT_STORE, "no server is known for this key");
		return AGAIN_LATER;
	}
	*rc = redis_node_try(c->node, &c->try, why);
	if (*rc == RC_TEMP)
		return c->try.is_stale ? AGAIN_AT_ONCE : AGAIN_LATER;
	if (*rc != RC_OK)
		return DONE;
	if (resp_is_error(&c->try.reply, S("MOVED")) || resp_is_error(&c->try.reply, S("ASK")))
		return redirect(c);
	if (!is_passing(&c->try.reply))
		return DONE;
	*rc = fault_set(why, FAULT_STORE, "%.*s", FMT(c->try.reply.text));
	return AGAIN_LATER;
}

/* False: there is no time left. */
static bool rest(const struct call *c)
{
	unsigned shift = c->failures < 5 ? c->failures : 5;
	uint64_t now = run_now_ms(NULL), pause = (uint64_t)PAUSE_MS << shift;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	if (now + pause >= c->try.deadline_ms)
		return false;
	poll(NULL, 0, (int)pause);
	return true;
}

static enum rc run_call(struct call *c, struct fault *why)
{
	enum rc rc = RC_OK;
	unsigned stale = 0;
	while (true) {
		enum next next = once(c, &rc, why);
		if (next == DONE)
			break;
		if (next == REDIRECTED)
			continue;
		leave(c);
		c->try.is_asking = false;
		if (next == AGAIN_AT_ONCE && stale++ < c->redis->conf.connections)
			continue;
		if (c->failures++ >= c->redis->conf.retries ||
			run_now_ms(NULL) >= c->try.deadline_ms)
			break;
		/* its own fault is not what the caller wants to hear */
		enum rc known = redis_route_learn(c->redis, c->try.deadline_ms, NULL);
		if (redis_route_is_broken(c->redis, c->try.command))
			break;
		if ((known != RC_OK || c->failures > 1) && !rest(c))
			break;
	}
	leave(c);
	return rc;
}

enum rc redis_call(struct redis *r, const struct redis_command *command, struct arena *a,
	struct resp *out, struct fault *why)
{
	struct call c = { .redis = r,
		.try = { .command = command,
			.deadline_ms = run_now_ms(NULL) + r->conf.timeout_ms,
			.a = a } };
	struct fault unused;
	why = why ? why : &unused; /* a pool remembers it */
	must(command->n > 0);
	if (!(c.node = redis_route_find(r, command)))
		TRY(redis_route_learn(r, c.try.deadline_ms, why));
	enum rc rc = run_call(&c, why);
	*out = c.try.reply;
	return rc;
}

/* ---- all keys ---- */

/* The n-th master, counted in; NULL: past the last. */
static struct redis_node *nth_master(struct redis *r, size_t nth)
{
	struct redis_node *found = NULL;
	lock_enter(&r->lock);
	for (size_t i = 0; !found && i < REDIS_NODES_MAX; i++) {
		struct redis_node *n = r->nodes[i];
		if (n && n->is_listed && n->master == 0 && nth-- == 0)
			found = n;
	}
	if (found)
		found->users++;
	lock_leave(&r->lock);
	return found;
}

static enum rc scan_some(struct redis_node *node, struct redis_try *t, redis_visit_fn *visit,
	void *ctx, struct fault *why)
{
	enum rc rc = redis_node_try(node, t, why);
	if (rc == RC_TEMP && t->is_stale)
		rc = redis_node_try(node, t, why);
	TRY(rc);
	const struct resp *r = &t->reply;
	if (r->type != RESP_ARRAY || r->n != 2 || r->items[1].type != RESP_ARRAY)
		return fault_set(why, FAULT_STORE, "SCAN: %.*s", FMT(r->text));
	return r->items[1].n ? visit(ctx, &r->items[1], why) : RC_OK;
}

static enum rc scan_node(struct redis_node *node, struct slice pattern, redis_visit_fn *visit,
	void *ctx, struct fault *why)
{
	char cursor[24] = "0";
	enum rc rc = RC_OK;
	do {
		struct arena a;
		const struct slice words[] = { S("SCAN"), slice_str(cursor), S("MATCH"), pattern,
			S("COUNT"), S("500") };
		const struct redis_command c = { .words = words, .n = 6 };
		struct redis_try t = { .command = &c,
			.deadline_ms = run_now_ms(NULL) + node->redis->conf.timeout_ms,
			.a = &a };
		arena_init(&a, 0);
		rc = scan_some(node, &t, visit, ctx, why);
		if (rc == RC_OK)
			snprintf(cursor, sizeof(cursor), "%.*s", FMT(t.reply.items[0].text));
		arena_done(&a);
	} while (rc == RC_OK && strcmp(cursor, "0") != 0);
	return rc;
}

enum rc redis_scan(
	struct redis *r, struct slice pattern, redis_visit_fn *visit, void *ctx, struct fault *why)
{
	struct redis_node *node;
	struct fault unused;
	why = why ? why : &unused;
	enum rc rc = redis_route_learn(r, run_now_ms(NULL) + r->conf.timeout_ms, why);
	for (size_t i = 0; rc == RC_OK && (node = nth_master(r, i)); i++) {
		rc = scan_node(node, pattern, visit, ctx, why);
		redis_route_put(r, node);
	}
	return rc;
}
