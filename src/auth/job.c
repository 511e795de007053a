/* job.c: Password hashing as a job: at most one a core, and never the session's memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "base/mem.h"
#include "crypto/password.h"
#include "run/run.h"

/* [auth 3] Under auth->lock: `task`, `answer` and who still owns the job. */
struct auth_job {
	struct auth *auth;
	struct task *task; /* NULL: nobody waits any more */
	struct arena arena;
	struct slice pass;
	struct slice *hashes;
	size_t n;
	uint32_t id, generation;
	bool is_old; /* the form, not what our own would be, or without SCRAM keys */
	enum rc answer; /* RC_WAIT until it is done */
	unsigned owners;
};

static enum rc check(struct auth_job *job)
{
	enum rc answer = RC_DENIED;
	if (job->n == 0)
		password_waste(job->pass);
	for (size_t i = 0; i < job->n && answer != RC_OK; i++) {
		enum rc rc = password_check(job->hashes[i], job->pass);
		answer = rc == RC_DENIED ? answer : rc;
	}
	return answer;
}

/* Under the lock. */
static void leave(struct auth_job *job)
{
	if (--job->owners > 0)
		return;
	mem_wipe((void *)(uintptr_t)job->pass.at, job->pass.len);
	arena_done(&job->arena);
	mem_free(MEM_OTHER, job);
}

/* Users that came with another server's hash get ours, and SCRAM keys, when they have proved their password. */
static void renew(struct auth_job *job)
{
	struct arena a;
	struct slice made;
	struct scram_keys keys;
	struct fault why = { 0 };
	arena_init(&a, AUTH_TRY_BYTES);
	enum rc rc = auth_new_password(job->pass, &a, &made, &keys);
	if (rc == RC_OK)
		rc = dir_renew_secret(
			job->auth->deps.dir, job->id, job->generation, made, &keys, &why);
	(void)rc; /* the old form serves as well; tried again at the next log-in */
	arena_done(&a);
}

static void hash(void *arg)
{
	struct auth_job *job = arg;
	struct auth *auth = job->auth;
	bool is_wanted;
	lock_enter(&auth->lock);
	is_wanted = job->task;
	lock_leave(&auth->lock);
	enum rc answer = is_wanted ? check(job) : RC_DENIED;
	atomic_fetch_add(&auth->hashed, is_wanted);
	lock_enter(&auth->lock);
	job->answer = answer;
	if (job->task)
		task_wake(job->task, WAKE_EVENT);
	lock_leave(&auth->lock);
	if (answer == RC_OK && job->is_old)
		renew(job);
	atomic_fetch_sub(&auth->jobs_now, 1);
	lock_enter(&auth->lock);
	leave(job);
	lock_leave(&auth->lock);
}

static enum rc fill(struct auth_job *job, const struct auth_who *who, struct slice pass)
{
	TRY(arena_copy(&job->arena, pass, &job->pass));
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

enum rc auth_job_start(struct auth_try *t, struct slice pass)
{
	struct auth *auth = t->auth;
	if (atomic_fetch_add(&auth->jobs_now, 1) >= AUTH_JOBS_MOST) {
		atomic_fetch_sub(&auth->jobs_now, 1);
		return RC_LIMIT;
	}
	struct auth_job *job = mem_new(MEM_OTHER, sizeof(*job));
	*job = (struct auth_job){ .auth = auth, .task = t->task, .answer = RC_WAIT, .owners = 2 };
	arena_init(&job->arena, AUTH_TRY_BYTES);
	if (fill(job, &t->who, pass) != RC_OK) {
		job->owners = 1;
		atomic_fetch_sub(&auth->jobs_now, 1);
		auth_job_leave(&job, auth);
		return RC_LIMIT;
	}
	t->job = job;
	if (run_job(auth->deps.run, RUN_JOB_HASH, hash, job, NULL) == RC_OK)
		return RC_OK;
	job->owners = 1;
	atomic_fetch_sub(&auth->jobs_now, 1);
	auth_job_leave(&t->job, auth);
	return RC_LIMIT;
}

enum rc auth_job_answer(struct auth_job *job, struct auth *auth)
{
	lock_enter(&auth->lock);
	enum rc answer = job->answer;
	lock_leave(&auth->lock);
	return answer;
}

void auth_job_leave(struct auth_job **job, struct auth *auth)
{
	if (!*job)
		return;
	lock_enter(&auth->lock);
	(*job)->task = NULL;
	leave(*job);
	lock_leave(&auth->lock);
	*job = NULL;
}
