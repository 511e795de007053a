/* archive.c: Moving old content, piece by piece. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/archive.h"
#include "base/event.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "main/doors.h"
#include "run/run.h"

enum { LOOK_MS = 60000, BUSY_MS = 1000 };

struct archive {
	struct task task; /* first */
	struct house *h;
	uint64_t after_ms;
	struct cron schedule;
	int64_t next; /* unix seconds; 0: to be found */
	/* while it runs */
	bool posted; /* a job has it, and wakes the task with WAKE_EVENT */
	enum rc rc;
	struct fault why;
	struct blob_cursor cursor;
	int64_t before;
	size_t moved;
	uint64_t began_ms;
};

static void piece(void *arg)
{
	struct archive *a = arg;
	a->rc = blob_archive(a->h->blob, &a->cursor, a->before, &a->moved, &a->why);
}

static enum step step_wait(struct task *t);
static enum step step_work(struct task *t);

static enum step next_piece(struct archive *a)
{
	a->posted = run_job(a->task.run, RUN_JOB_BACKGROUND, piece, a, &a->task) == RC_OK;
	if (!a->posted)
		task_timer(&a->task, run_now_ms(a->task.run) + BUSY_MS);
	return STEP_PARK;
}

static enum step end(struct archive *a)
{
	if (a->rc != RC_OK)
		event_log(EVENT_ARCHIVE_FAILED, f_str("why", fault_text(&a->why)),
			f_u64("moved", a->moved));
	else
		event_log(EVENT_ARCHIVE_DONE, f_u64("moved", a->moved),
			f_u64("ms", run_now_ms(a->task.run) - a->began_ms));
	a->task.step = step_wait;
	return STEP_MORE;
}

static enum step step_work(struct task *t)
{
	struct archive *a = (struct archive *)t;
	if (a->posted && !(t->woken & WAKE_EVENT))
		return STEP_PARK;
	if (run_draining(t->run))
		return STEP_CLOSE;
	if (a->posted && a->rc != RC_MORE)
		return end(a);
	return next_piece(a);
}

static enum step begin(struct archive *a, int64_t now)
{
	a->cursor = (struct blob_cursor){ 0 };
	a->before = now - (int64_t)(a->after_ms / 1000);
	a->moved = 0;
	a->posted = false;
	a->next = 0;
	a->began_ms = run_now_ms(a->task.run);
	task_timer_off(&a->task);
	a->task.step = step_work;
	return STEP_MORE;
}

static enum step step_wait(struct task *t)
{
	struct archive *a = (struct archive *)t;
	if (run_draining(t->run))
		return STEP_CLOSE;
	a->posted = false;
	lock_enter(&a->h->lock);
	struct cron schedule = a->h->now->conf->retention.archiving;
	lock_leave(&a->h->lock);
	int64_t now = run_unix(t->run);
	if (!a->next || !cron_same(&schedule, &a->schedule))
		a->next = cron_next(&schedule, now / 60 * 60 + 60, run_zone, NULL);
	a->schedule = schedule;
	if (a->next && now >= a->next)
		return begin(a, now);
	uint64_t left = a->next ? (uint64_t)(a->next - now) * 1000 : LOOK_MS;
	task_timer(t, run_now_ms(t->run) + (left < LOOK_MS ? left : LOOK_MS));
	return STEP_PARK;
}

static void drop(struct task *t)
{
	mem_free(MEM_OTHER, t);
}

static const struct step_row steps[] = { { step_wait, "wait" }, { step_work, "work" } };
static const struct task_kind kind = { "archive", steps, 2, drop };

void archive_start(struct house *h)
{
	const struct conf_store *s = conf_store(h->conf, h->conf->storage_blob);
	if (!s || s->type != CONF_STORE_TIERED)
		return;
	struct archive *a = mem_new(MEM_OTHER, sizeof(*a));
	a->h = h;
	a->after_ms = s->after_ms;
	task_init(&a->task, h->run, &kind, step_wait);
	task_start(&a->task);
}
