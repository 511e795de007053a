/* job.c: Threads for work that would hold a seat too long. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"
#include "base/mem.h"
#include "base/must.h"
#include "run/run_int.h"
#include <sys/resource.h>
#include <unistd.h>

enum { WAITING_MAX = 20000 };

static void *work(void *arg)
{
	struct job_class *c = arg;
	pthread_setname_np(pthread_self(), "job");
	setpriority(PRIO_PROCESS, (id_t)gettid(), c->nice);
	lock_enter(&c->lock);
	while (true) {
		while (!c->head && !c->stopping) {
			c->idle++;
			pthread_cond_wait(&c->more, &c->lock.mutex);
			c->idle--;
		}
		struct job *job = c->head;
		if (!job)
			break;
		c->head = job->next;
		if (!c->head)
			c->tail = NULL;
		c->waiting--;
		lock_leave(&c->lock);
		job->fn(job->arg);
		if (job->task)
			task_wake(job->task, WAKE_EVENT);
		mem_free(MEM_OTHER, job);
		lock_enter(&c->lock);
	}
	lock_leave(&c->lock);
	return NULL;
}

enum rc run_job(struct run *run, enum run_job_class class, void (*fn)(void *arg), void *arg,
	struct task *task)
{
	struct job_class *c = &run->jobs[class];
	if (chaos_refuses())
		return RC_LIMIT;
	struct job *job = mem_new(MEM_OTHER, sizeof(*job));
	*job = (struct job){ .fn = fn, .arg = arg, .task = task };
	lock_enter(&c->lock);
	bool full = c->waiting >= WAITING_MAX || c->stopping;
	if (!full) {
		if (c->tail)
			c->tail->next = job;
		else
			c->head = job;
		c->tail = job;
		c->waiting++;
		if (c->idle == 0 && c->threads < c->threads_max)
			must(pthread_create(&c->ids[c->threads++], NULL, work, c) == 0);
	}
	lock_leave(&c->lock);
	pthread_cond_signal(&c->more);
	if (full)
		mem_free(MEM_OTHER, job);
	return full ? RC_LIMIT : RC_OK;
}

void jobs_start(struct run *run)
{
	for (size_t i = 0; i < RUN_JOB_CLASSES; i++) {
		struct job_class *c = &run->jobs[i];
		c->run = run;
		c->threads_max = i == RUN_JOB_HASH ? run_cores() : 1;
		c->nice = i == RUN_JOB_HASH ? 5 : 10;
		c->ids = mem_new(MEM_OTHER, c->threads_max * sizeof(*c->ids));
		lock_init(&c->lock, LOCK_RUN);
		pthread_cond_init(&c->more, NULL);
	}
}

/* What waits is still done: a job may hold references. */
void jobs_stop(struct run *run)
{
	for (size_t i = 0; i < RUN_JOB_CLASSES; i++) {
		struct job_class *c = &run->jobs[i];
		lock_enter(&c->lock);
		c->stopping = true;
		lock_leave(&c->lock);
		pthread_cond_broadcast(&c->more);
		for (unsigned t = 0; t < c->threads; t++)
			pthread_join(c->ids[t], NULL);
		mem_free(MEM_OTHER, c->ids);
		pthread_cond_destroy(&c->more);
		lock_done(&c->lock);
	}
}
