/* memcached.h: A client of Memcached: each key has its server among several. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_MEMCACHED_H
#define LINK_MEMCACHED_H

#include "base/fault.h"
#include "wire/memcached.h"

/* A call ends after `timeout_ms` at the latest; a server that has not answered several times in a row is left alone for a
 * while, and calls for its keys fail at once (pool.h). Nothing moves to other servers meanwhile. After a lost connection a
 * request may have been carried out twice.
 * Any thread, which may block; a worker says so before (run_block_begin). */
struct memcached;

struct memcached_conf {
	const char *const *urls; /* "memcached://host:port", "host:port"; copied */
	size_t urls_n;
	uint64_t timeout_ms;
	unsigned retries;
	size_t connections; /* to one server, at most */
	bool tls;
	const char *tls_ca; /* PEM file; "": the system's */
	bool tls_allow_invalid;
};

/* Does not connect yet. CONFIG: a URL, or the PEM file. */
enum rc memcached_new(const struct memcached_conf *conf, struct memcached **out, struct fault *why);
/* When no call is under way. */
void memcached_free(struct memcached **m);

/* One request (wire/memcached.h) to the server of `key`, and its reply, in `a`. STORE: no answer, or an error. */
enum rc memcached_call(struct memcached *m, struct slice key, const struct buf *request,
	struct arena *a, struct memcached_reply *out, struct fault *why);

#endif
