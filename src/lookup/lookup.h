/* lookup.h: The lookup store: counters, locks, tokens with expiry, over several engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_LOOKUP_H
#define LOOKUP_LOOKUP_H

#include "base/arena.h"
#include "base/fault.h"

/* [lookup 1] What is here may be lost: a server that restarts, a crash. Locks save work; promises rest on the data store.
 * [lookup 2] A call ends within the store's timeout. A store that does not answer is RC_TEMP (STORE), at once after some
 *            failures in a row, and is used again when it answers, without a restart.
 * [lookup 3] A key that has expired is absent, to the millisecond of the clock of the store (Redis) or of this machine.
 * Any thread; a call may block, and gives the worker's seat away itself. */
struct lookup;

/* The first octet of each key. The numbers are fixed. */
enum lookup_prefix {
	LOOKUP_ACME = 0, /* tokens */
	LOOKUP_OAUTH = 1, /* codes */
	LOOKUP_RATE_RCPT = 2,
	LOOKUP_SCAN = 3,
	LOOKUP_LOITER = 4, /* idle connections */
	LOOKUP_AUTH = 5, /* attempts to log in */
	LOOKUP_SMTP = 6, /* throttles */
	LOOKUP_CONTACT = 7, /* contact forms */
	LOOKUP_HTTP_AUTH = 8,
	LOOKUP_HTTP_ANONYMOUS = 9,
	LOOKUP_IMAP = 10,
	LOOKUP_BLOB_QUOTA = 11,
	LOOKUP_GREYLIST = 16,
	LOOKUP_LOCK_QUEUE = 21,
	LOOKUP_LOCK_TASK = 23,
	LOOKUP_LOCK_DAV = 25,
	LOOKUP_SIEVE_IDS = 26 /* of the auto-responder */
};

/* A subsystem's own key is `name`; keys that go together have a `group`. Any octets. */
enum { LOOKUP_GROUP_MAX = 255, LOOKUP_NAME_MAX = 512, LOOKUP_VALUE_MAX = 512 * 1024 };
struct lookup_key {
	enum lookup_prefix prefix;
	struct slice group, name;
};

/* RC_NONE: absent. The value is a copy in `a`. RC_LIMIT: a key or value is over its limit (MEMORY), as in all calls. */
enum rc lookup_get(struct lookup *l, const struct lookup_key *key, struct arena *a,
	struct slice *value, struct fault *why);
/* `ttl_ms` 0: it does not expire. */
enum rc lookup_set(struct lookup *l, const struct lookup_key *key, struct slice value,
	uint64_t ttl_ms, struct fault *why);
/* RC_OK also when nothing was there. A counter and a lock go, too. */
enum rc lookup_delete(struct lookup *l, const struct lookup_key *key, struct fault *why);
/* All keys of a group, or (the empty one) of the prefix. What is set meanwhile may go or stay. */
enum rc lookup_delete_prefix(
	struct lookup *l, enum lookup_prefix prefix, struct slice group, struct fault *why);

/* A fixed window begins with its first addition and ends `period_ms` later. A leaky one runs empty evenly, `most` in
 * `period_ms`. */
enum lookup_window_kind { LOOKUP_FIXED, LOOKUP_LEAKY };
struct lookup_window {
	enum lookup_window_kind kind;
	uint64_t most; /* > 0, at most 2^32 */
	uint64_t period_ms; /* > 0, at most 400 days */
};
struct lookup_count {
	uint64_t count; /* with what was added */
	bool is_over; /* over `most`. Fixed: it was added nevertheless; leaky: it was not */
	uint64_t wait_ms; /* over: until it would not be, for as many as were asked for. Else 0 */
};
/* `n` 0 looks and adds nothing. Counts of the data store's engine are kept in memory and written within a second or so: a
 * crash loses the last ones. */
struct lookup_add {
	struct lookup_window window;
	uint64_t n; /* at most 2^32 */
};
enum rc lookup_add(struct lookup *l, const struct lookup_key *key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why);

/* A lock for `ttl_ms` (> 0). Its owner may take it again: the time begins anew, and the number stays. `*fence` is higher for
 * each new owner, as long as the store's clock does not go back. TAKEN (EXISTS): somebody else has it. */
struct lookup_lock {
	struct slice owner; /* 1 to 64 octets */
	uint64_t ttl_ms;
};
enum rc lookup_lock(struct lookup *l, const struct lookup_key *key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why);
/* RC_NONE (NOT_FOUND): the owner does not have it (any more). */
enum rc lookup_unlock(
	struct lookup *l, const struct lookup_key *key, struct slice owner, struct fault *why);

/* Removes a piece of what has expired, and counts it in. RC_MORE: there is more to look at; call again. Only the data store's
 * engine keeps such. For a job; one caller at a time. */
enum rc lookup_cleanup(struct lookup *l, size_t *removed, struct fault *why);
/* Can it be reached? Asks it. */
enum rc lookup_ready(struct lookup *l, struct fault *why);
const char *lookup_type(const struct lookup *l);

/* ---- opening ---- */

struct data;
struct run;
struct redis_conf;
struct memcached_conf;

/* In the data store. `run` NULL: counts are written by lookup_cleanup and lookup_close alone. */
struct lookup *lookup_open_data(struct data *data, struct run *run);
/* Connects when it is first used. CONFIG: a URL or file. */
enum rc lookup_open_redis(const struct redis_conf *conf, struct lookup **out, struct fault *why);
enum rc lookup_open_memcached(
	const struct memcached_conf *conf, struct lookup **out, struct fault *why);
/* Spreads keys over several, which it takes: a name each, that decides where a key is. By rendezvous (adding one moves only its
 * share), or modulo the number of stores. `n` >= 1. */
struct lookup_shard {
	const char *name; /* copied */
	struct lookup *lookup;
};
struct lookup *lookup_open_sharded(const struct lookup_shard *shards, size_t n, bool is_modulo);
/* When nobody calls any more. Counts that are not written yet are. */
void lookup_close(struct lookup **lookup);

#endif
