/* auth_int.h: What the files of log-in share: the attempt, its job, the cache. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_INT_H
#define AUTH_AUTH_INT_H

#include "auth/auth.h"
#include "base/lock.h"
#include "wire/sasl.h"
#include <stdatomic.h>

enum {
	AUTH_TRY_BYTES = 64 * 1024,
	AUTH_LINE_MOST = 8192,
	AUTH_JOBS_MOST = 16384,
	AUTH_JOB_BUCKETS = 512,
	AUTH_DIGEST_LEN = 32
};

struct auth_cache;

/* Attempts that wait before their refusal: a queue for each length of delay, so that each is in order of time. */
enum { AUTH_DELAYS = 4 };
struct auth_delays {
	struct auth_try *first, *last;
};

struct auth {
	struct task delayer; /* first: wakes those whose delay is over */
	bool is_delaying; /* the delayer lives */
	struct auth_delays delays[AUTH_DELAYS];
	struct dir *dir;
	struct run *run;
	struct lookup *lookup;
	struct bans *bans;
	_Atomic uint64_t cache_ms, delay_ms;
	_Atomic uint32_t failures_max;
	_Atomic bool allow_plain_text;
	struct auth_cache *cache;
	struct lock lock; /* of the jobs and the delays */
	struct auth_job *jobs[AUTH_JOB_BUCKETS]; /* that can be joined, by digest */
	size_t hash_limit, hash_bytes,
		hash_bytes_most; /* [auth 5]: of the hashes under way; 0: none */
	pthread_cond_t less; /* a hash gave its memory back */
	uint8_t secret
		[AUTH_DIGEST_LEN]; /* of this process: keys the cache, makes the salts of unknown users */
	_Atomic uint64_t tries, cached, hashed, refused, failed, jobs_now;
};

enum auth_mech { AUTH_PLAIN, AUTH_LOGIN, AUTH_SCRAM, AUTH_SCRAM_PLUS };

enum auth_stage {
	AUTH_ASK_PLAIN,
	AUTH_ASK_USER,
	AUTH_ASK_PASS,
	AUTH_ASK_SCRAM_FIRST,
	AUTH_ASK_SCRAM_FINAL,
	AUTH_ASK_NOTHING, /* SCRAM: the empty answer to the server's signature */
	AUTH_HASHING,
	AUTH_DELAYED
};

/* Who it might be. An unknown, disabled or password-less user has is_known false and costs the same. */
struct auth_who {
	bool is_known;
	uint32_t id;
	enum dir_role role;
	struct dir_secret secret; /* in the attempt's arena */
};

struct auth_scram {
	struct scram_keys keys;
	struct slice nonce; /* the client's and ours */
	struct slice binding; /* base64 that the final message must carry */
	struct slice said; /* client-first-bare "," server-first "," */
};

struct auth_try {
	struct auth *auth;
	struct task *task;
	enum auth_mech mech;
	enum auth_stage stage;
	struct arena arena;
	struct slice user, door, address, exporter, end_point;
	struct auth_who who;
	struct auth_scram scram;
	struct auth_job *job;
	struct auth_try *job_prev, *job_next; /* who else waits for it */
	struct auth_try *prev, *next; /* in auth->delays[delay] */
	unsigned delay; /* index + 1; 0: in none */
	uint8_t digest[AUTH_DIGEST_LEN];
	uint64_t until_ms;
};

/* ---- auth.c: how an attempt goes on ---- */
enum rc auth_find_who(struct auth_try *t, struct slice user, struct fault *why);
enum rc auth_check_password(struct auth_session *s, struct slice authzid, struct slice user,
	struct slice pass, struct fault *why);
/* Ends the attempt well. */
enum rc auth_succeed(struct auth_session *s, const char *how);
/* Counts, tells, and begins the delay: RC_WAIT, later RC_DENIED. */
enum rc auth_refuse(struct auth_session *s, const char *reason);
/* Ends the attempt with a fault; returns `rc`. */
enum rc auth_end(struct auth_session *s, enum rc rc);

/* ---- scram.c ---- */
enum rc auth_scram_first(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why);
enum rc auth_scram_final(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why);

/* ---- job.c: hashing on the side. The attempts that wait for a job and the runner own it; the last one frees it ---- */
/* RC_WAIT: under way, t->task is woken. RC_OK: the cache says yes, meanwhile. RC_LIMIT: too many wait already. */
enum rc auth_job_start(struct auth_try *t, struct slice pass);
/* RC_WAIT: not done. Else the answer of password_check over all hashes; RC_TEMP: there was no room for the job. */
enum rc auth_job_answer(struct auth_try *t);
/* The attempt waits no more. */
void auth_job_leave(struct auth_try *t);

/* ---- delay.c: its own task, for a connection's timer is its idle timeout ---- */
void auth_delay_init(struct auth *auth);
/* Wakes t->task at t->until_ms, or soon when there is no delayer any more. `index` < AUTH_DELAYS. */
void auth_delay_add(struct auth_try *t, unsigned index);
void auth_delay_leave(struct auth_try *t);
/* Is the delay over? */
bool auth_delay_is_over(const struct auth_try *t);

/* ---- cache.c: digests of passwords that proved right ---- */
struct auth_cache *auth_cache_new(size_t bytes);
/* What it holds is kept as far as there is room. */
void auth_cache_resize(struct auth_cache *c, size_t bytes);
void auth_cache_free(struct auth_cache **cache);
bool auth_cache_has(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN], uint64_t now_ms);
void auth_cache_add(struct auth_cache *c, const uint8_t digest[AUTH_DIGEST_LEN], uint64_t now_ms,
	uint64_t until_ms);
void auth_cache_stats(struct auth_cache *c, uint64_t *bytes, uint64_t *entries);

#endif
