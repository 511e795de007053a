/* job.c: Password hashing as a job: at most one a core, one for all who ask the same, never the session's memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "base/mem.h"
#include "base/metric.h"
#include "crypto/password.h"
#include "run/run.h"

/* [auth 3] [auth 4] Under auth->lock: `waiting`, `answer`, the place in auth->jobs and who still owns the job. */
struct auth_job {
	struct auth *auth;
	struct auth_job *next; /* in its bucket of auth->jobs, as long as it can be joined */
	bool is_listed;
	struct auth_try *waiting; /* attempts that want the answer, by job_prev and job_next */
	struct arena arena;
	struct slice user, pass;
	uint8_t digest[AUTH_DIGEST_LEN];
	struct slice *hashes;
	size_t n;
	uint32_t id, generation;
	bool is_old; /* the form, not what our own would be, or without SCRAM keys */
	enum rc answer; /* RC_WAIT until it is done */
	unsigned owners; /* the attempts and the runner */
};

/* ---- [auth 5]: the memory of hashes; they run on threads of their own, which may wait ---- */

static enum rc take_memory(struct auth *auth, size_t bytes)
{
	lock_enter(&auth->lock);
	if (auth->hash_limit && bytes > 2 * auth->hash_limit) {
		lock_leave(&auth->lock);
		return RC_LIMIT;
	}
	while (auth->hash_limit && auth->hash_bytes > 0 &&
		auth->hash_bytes + bytes > auth->hash_limit)
		pthread_cond_wait(&auth->less, &auth->lock.mutex);
	auth->hash_bytes += bytes;
	if (auth->hash_bytes > auth->hash_bytes_most)
		auth->hash_bytes_most = auth->hash_bytes;
	lock_leave(&auth->lock);
	return RC_OK;
}

static void give_memory(struct auth *auth, size_t bytes)
{
	lock_enter(&auth->lock);
	auth->hash_bytes -= bytes;
	lock_leave(&auth->lock);
	pthread_cond_broadcast(&auth->less);
}

static enum rc check_one(struct auth_job *job, struct slice stored)
{
	size_t bytes = password_memory(stored);
	enum rc rc = RC_DENIED;
	TRY(take_memory(job->auth, bytes));
	if (stored.len == 0)
		password_waste(job->pass);
	else
		rc = password_check(stored, job->pass);
	give_memory(job->auth, bytes);
	return rc;
}

static enum rc check(struct auth_job *job)
{
	enum rc answer = RC_DENIED;
	if (job->n == 0)
		return check_one(job, S(""));
	for (size_t i = 0; i < job->n && answer != RC_OK; i++) {
		enum rc rc = check_one(job, job->hashes[i]);
		answer = rc == RC_DENIED ? answer : rc;
	}
	return answer;
}

/* ---- the jobs that can be joined; all under the lock ---- */

static struct auth_job **bucket_of(struct auth *auth, const uint8_t digest[AUTH_DIGEST_LEN])
{
	return &auth->jobs[(digest[0] << 8 | digest[1]) % AUTH_JOB_BUCKETS];
}

/* [auth 2]: only for the same name, else the time would tell which names are one account's, or nobody's. */
static struct auth_job *find(const struct auth_try *t)
{
	struct auth_job *job = *bucket_of(t->auth, t->digest);
	while (job && !(mem_eq_const_time(job->digest, t->digest, AUTH_DIGEST_LEN) &&
			      slice_eq(job->user, t->user)))
		job = job->next;
	return job;
}

static void list(struct auth_job *job)
{
	struct auth_job **at = bucket_of(job->auth, job->digest);
	job->next = *at;
	job->is_listed = true;
	*at = job;
}

static void unlist(struct auth_job *job)
{
	struct auth_job **at = bucket_of(job->auth, job->digest);
	if (!job->is_listed)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->is_listed = false;
}

static void join(struct auth_job *job, struct auth_try *t)
{
	t->job = job;
	t->job_prev = NULL;
	t->job_next = job->waiting;
	if (job->waiting)
		job->waiting->job_prev = t;
	job->waiting = t;
	job->owners++;
}

static void leave(struct auth_job *job)
{
	if (--job->owners > 0)
		return;
	unlist(job);
	mem_wipe((void *)(uintptr_t)job->pass.at, job->pass.len);
	arena_done(&job->arena);
	mem_free(MEM_OTHER, job);
}

/* ---- what the runner does ---- */

static void end(struct auth_job *job)
{
	struct auth *auth = job->auth;
	atomic_fetch_sub(&auth->jobs_now, 1);
	lock_enter(&auth->lock);
	leave(job);
	lock_leave(&auth->lock);
}

/* To all that wait. What proved right goes to the cache before it leaves the list: who comes now finds one or the other. */
static void answer(struct auth_job *job, enum rc rc)
{
	struct auth *auth = job->auth;
	lock_enter(&auth->lock);
	uint64_t now = run_now_ms(auth->run);
	if (rc == RC_OK)
		auth_cache_add(auth->cache, job->digest, now, now + atomic_load(&auth->cache_ms));
	unlist(job);
	job->answer = rc;
	for (struct auth_try *t = job->waiting; t; t = t->job_next)
		task_wake(t->task, WAKE_EVENT);
	lock_leave(&auth->lock);
}

/* Users that came with another server's hash get ours, and SCRAM keys, when they have proved their password. */
static void renew(void *arg)
{
	struct auth_job *job = arg;
	struct arena a;
	struct slice made = job->n == 1 ? job->hashes[0] : S("");
	struct scram_keys keys;
	struct fault why = { 0 };
	size_t bytes = password_memory(S(""));
	arena_init(&a, AUTH_TRY_BYTES);
	enum rc rc = take_memory(job->auth, bytes);
	if (rc == RC_OK) {
		rc = made.len > 0 && password_is_current(made)
			     ? scram_keys_make(job->pass, &keys)
			     : auth_new_password(job->pass, &a, &made, &keys);
		give_memory(job->auth, bytes);
	}
	if (rc == RC_OK)
		rc = dir_renew_secret(job->auth->dir, job->id, job->generation, made, &keys, &why);
	(void)rc; /* the old form serves as well; tried again at the next log-in */
	arena_done(&a);
	end(job);
}

static void hash(void *arg)
{
	struct auth_job *job = arg;
	struct auth *auth = job->auth;
	lock_enter(&auth->lock);
	bool is_wanted = job->waiting;
	if (!is_wanted)
		unlist(job);
	lock_leave(&auth->lock);
	enum rc rc = is_wanted ? check(job) : RC_DENIED;
	atomic_fetch_add(&auth->hashed, is_wanted);
	metric_add(METRIC_AUTH_HASHED, is_wanted);
	answer(job, rc);
	/* Behind the log-ins that wait already. */
	if (rc == RC_OK && job->is_old &&
		run_job(auth->run, RUN_JOB_HASH, renew, job, NULL) == RC_OK)
		return;
	end(job);
}

/* ---- what the attempt does ---- */

static enum rc fill(struct auth_job *job, const struct auth_try *t, struct slice pass)
{
	const struct auth_who *who = &t->who;
	TRY(arena_copy(&job->arena, pass, &job->pass));
	TRY(arena_copy(&job->arena, t->user, &job->user));
	memcpy(job->digest, t->digest, sizeof(job->digest));
	if (!who->is_known)
		return RC_OK;
	job->id = who->id;
	job->generation = who->secret.generation;
	job->is_old = !who->secret.has_scram || who->secret.n != 1 ||
		      !password_is_current(who->secret.hashes[0]);
	job->hashes = arena_new(&job->arena, (who->secret.n + 1) * sizeof(*job->hashes));
	for (size_t i = 0; i < who->secret.n; i++)
		TRY(arena_copy(&job->arena, who->secret.hashes[i], &job->hashes[job->n++]));
	if (job->n == 0 && who->secret.has_scram) {
		struct buf b;
		buf_init(&b, 0, &job->arena);
		scram_keys_write(&who->secret.scram, &b);
		job->hashes[job->n++] = buf_slice(&b);
	}
	return RC_OK;
}

/* Joins a job that is under way (RC_TAKEN), or finds that the password has been proved meanwhile (RC_OK), or puts `mine`
 * on the list (RC_NONE). One lock for all three, so that one password is hashed once. */
static enum rc join_or_list(struct auth_try *t, struct auth_job *mine)
{
	struct auth *auth = t->auth;
	enum rc rc = RC_NONE;
	lock_enter(&auth->lock);
	struct auth_job *job = find(t);
	if (t->who.is_known && auth_cache_has(auth->cache, t->digest, run_now_ms(auth->run)))
		rc = RC_OK;
	else if (job)
		rc = RC_TAKEN;
	else
		list(job = mine);
	if (rc != RC_OK)
		join(job, t);
	lock_leave(&auth->lock);
	return rc;
}

enum rc auth_job_start(struct auth_try *t, struct slice pass)
{
	struct auth *auth = t->auth;
	if (atomic_fetch_add(&auth->jobs_now, 1) >= AUTH_JOBS_MOST) {
		atomic_fetch_sub(&auth->jobs_now, 1);
		return RC_LIMIT;
	}
	struct auth_job *job = mem_new(MEM_OTHER, sizeof(*job));
	*job = (struct auth_job){ .auth = auth, .answer = RC_WAIT, .owners = 1 };
	arena_init(&job->arena, AUTH_TRY_BYTES);
	enum rc rc = fill(job, t, pass) == RC_OK ? join_or_list(t, job) : RC_LIMIT;
	if (rc == RC_NONE && run_job(auth->run, RUN_JOB_HASH, hash, job, NULL) == RC_OK)
		return RC_WAIT;
	if (rc == RC_NONE) /* others may have joined it already */
		answer(job, RC_TEMP);
	end(job);
	return rc == RC_TAKEN || rc == RC_NONE ? RC_WAIT : rc;
}

enum rc auth_job_answer(struct auth_try *t)
{
	lock_enter(&t->auth->lock);
	enum rc answer = t->job->answer;
	lock_leave(&t->auth->lock);
	return answer;
}

void auth_job_leave(struct auth_try *t)
{
	struct auth_job *job = t->job;
	if (!job)
		return;
	lock_enter(&t->auth->lock);
	if (t->job_prev)
		t->job_prev->job_next = t->job_next;
	else
		job->waiting = t->job_next;
	if (t->job_next)
		t->job_next->job_prev = t->job_prev;
	leave(job);
	lock_leave(&t->auth->lock);
	t->job = NULL;
}
