/* redis_int.h: What the files of the Redis client share: servers, routes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_REDIS_INT_H
#define LINK_REDIS_INT_H

#include "base/lock.h"
#include "link/address.h"
#include "link/breaker.h"
#include "link/pool.h"
#include "link/redis.h"
#include "link/stream.h"

enum {
	REDIS_PORT = 6379,
	REDIS_SENTINEL_PORT = 26379,
	REDIS_URLS_MAX = 32,
	REDIS_NODES_MAX = 256,
	REDIS_SLOTS = 16384,
	REDIS_REPLY_MAX = 64 * 1024 * 1024,
	REDIS_ASK_MS = 2000 /* for a question about who is who */
};

struct redis_node {
	struct redis *redis;
	struct address at;
	struct pool *pool;
	unsigned users; /* calls under way; under redis->lock, as the next two */
	bool is_listed; /* the slots, or the master's place, lead to it */
	uint16_t master; /* of a replica: index + 1; 0: it is none */
};

struct redis {
	struct redis_conf conf; /* its strings are our own copies */
	struct address urls[REDIS_URLS_MAX];
	size_t urls_n;
	struct tls *tls; /* NULL: plain */
	struct breaker breaker; /* before those who tell who is who */
	struct lock lock; /* of all below */
	struct redis_node *nodes[REDIS_NODES_MAX];
	uint16_t slots
		[REDIS_SLOTS]; /* index + 1 of the node; a single server has slots[0] alone; 0: unknown */
	size_t next_url; /* the one to ask first */
	unsigned next_replica;
	bool is_asking; /* somebody is reading the routes anew */
};

struct redis_try {
	const struct redis_command *command;
	bool is_asking; /* ASKING goes before it */
	uint64_t deadline_ms;
	struct arena *a;
	struct resp reply; /* after RC_OK */
	bool is_stale; /* after a fault: the connection was an old one that the server had closed, so it is worth another try at
			  once */
};

/* ---- redis_node.c ---- */
struct redis_node *redis_node_new(struct redis *r, const struct address *at);
void redis_node_free(struct redis_node **node);
/* One command on one connection of the pool. */
enum rc redis_node_try(struct redis_node *node, struct redis_try *t, struct fault *why);
/* The same on a connection that is made for it: to Sentinels and seeds. */
enum rc redis_ask(
	struct redis *r, const struct address *at, struct redis_try *t, struct fault *why);

/* ---- redis_route.c: under the lock where it says so ---- */
/* Index of the node there, which is made when it is new; -1: too many. */
int redis_route_node(struct redis *r, const char *host, unsigned port) NEEDS(r->lock);
/* The node for a command, counted in; NULL: no route is known. */
struct redis_node *redis_route_find(struct redis *r, const struct redis_command *c);
/* The node that "MOVED 3999 host:port" or "ASK ..." names, counted in; MOVED is remembered. NULL: nonsense. */
struct redis_node *redis_route_redirect(struct redis *r, struct slice text, const char *asked);
/* It goes to a server that is left alone for a while. */
bool redis_route_is_broken(struct redis *r, const struct redis_command *c);
void redis_route_put(struct redis *r, struct redis_node *node);
/* Asks again who is who; when somebody does that already, nothing happens. `deadline_ms` bounds it. */
enum rc redis_route_learn(struct redis *r, uint64_t deadline_ms, struct fault *why);

/* ---- redis_sentinel.c ---- */
enum rc redis_sentinel_master(
	struct redis *r, const struct address *sentinel, struct address *out, struct fault *why);

#endif
