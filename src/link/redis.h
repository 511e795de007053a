/* redis.h: A client of Redis and Valkey: one server, the master that Sentinels name, or a cluster. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_REDIS_H
#define LINK_REDIS_H

#include "base/fault.h"
#include "wire/resp.h"

/* [redis 1] A call ends after `timeout_ms` at the latest, however servers behave; one that has not answered several times in
 *           a row is left alone for a while (pool.h), and calls fail at once.
 * [redis 2] A call that failed in passing is sent again, up to `retries` times within its time: after a lost connection a
 *           command may have been carried out twice.
 * [redis 3] The master is asked for anew (Sentinel), the slots are read anew (cluster), when a server fails, says that it is
 *           not the one (READONLY, MOVED), or cannot now (CLUSTERDOWN, LOADING).
 * Any thread, which may block; a worker says so before (run_block_begin). */
struct redis;

struct redis_conf {
	const char *const *
		urls; /* "redis://host:port/database", "rediss://" for TLS, "host:port"; servers, Sentinels, or
				    some of a cluster's nodes; copied, as all strings */
	size_t urls_n;
	const char *user, *secret; /* "": none, or as the URL says */
	const char *master; /* the name that the Sentinels know; "": no Sentinels */
	bool is_cluster;
	bool reads_from_replicas; /* of a cluster: a read may be behind */
	unsigned protocol; /* 2 or 3 */
	uint64_t timeout_ms;
	unsigned retries;
	size_t connections; /* to one server, at most */
	bool tls;
	const char *tls_ca; /* PEM file; "": the system's */
	bool tls_allow_invalid;
};

/* Does not connect yet. CONFIG: a URL, or the PEM file. */
enum rc redis_new(const struct redis_conf *conf, struct redis **out, struct fault *why);
/* When no call is under way. */
void redis_free(struct redis **redis);

struct redis_command {
	const struct slice *words;
	size_t n;
	struct slice key; /* decides on the cluster's node; empty: any */
	bool is_read; /* a replica may answer */
};

/* RC_OK: `out` is what the server said, an error too (but those of [redis 3]), in `a`. STORE: see [redis 1]. */
enum rc redis_call(struct redis *redis, const struct redis_command *command, struct arena *a,
	struct resp *out, struct fault *why);

/* Visits keys that match a pattern of SCAN, some at a time, on every master; `keys` is an array that lives for the call. Another
 * rc than RC_OK ends it. */
typedef enum rc redis_visit_fn(void *ctx, const struct resp *keys, struct fault *why);
enum rc redis_scan(struct redis *redis, struct slice pattern, redis_visit_fn *visit, void *ctx,
	struct fault *why);

#endif
