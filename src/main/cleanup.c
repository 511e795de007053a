/* cleanup.c: The clean-up by schedule: its parts, one piece after the other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cleanup.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "blob/blob.h"
#include "lookup/lookup.h"
#include "mail/mail.h"
#include "main/doors.h"
#include "run/run.h"
#include <string.h>

enum {
	PIECE_US = 30000,
	LOOK_MS = 60000, /* the clock may be set, and the schedule changed */
	BUSY_MS = 1000,
	UNTOUCHED_S = 86400 /* an upload that no session is at any more */
};

struct cleanup {
	struct task task; /* first */
	struct house *h;
	struct cron schedule;
	int64_t next; /* unix seconds; 0: to be found */
	/* while it runs */
	bool posted; /* a job has it, and wakes the task with WAKE_EVENT */
	size_t part;
	enum rc rc; /* of the last piece */
	struct fault why;
	int64_t changes_since; /* log records that were made before go */
	uint64_t began_ms;
	uint32_t account;
	struct blob_cursor blob;
	struct blob_walk *walk;
	size_t done[5]; /* by part */
	size_t failed;
};

/* --- parts: each does a piece; RC_MORE: there is more of it --- */

static enum rc uploads(struct cleanup *c, size_t *n, struct fault *why)
{
	size_t swept = 0;
	enum rc rc = blob_sweep(c->h->blob, run_unix(c->task.run) - UNTOUCHED_S, &swept, why);
	*n += swept;
	return rc;
}

static enum rc changes(struct cleanup *c, size_t *n, struct fault *why)
{
	enum rc rc = mail_tidy(c->h->mail, &c->account, c->changes_since, n, why);
	if (rc == RC_OK || rc == RC_MORE || c->account == 0)
		return rc;
	/* one account's trouble is not the others' */
	event_log(EVENT_CLEANUP_FAILED, f_str("part", "changes"), f_u64("account", c->account - 1),
		f_str("why", fault_text(why)));
	c->failed++;
	return RC_MORE;
}

static enum rc contents(struct cleanup *c, size_t *n, struct fault *why)
{
	return blob_purge(c->h->blob, &c->blob, n, why);
}

static enum rc files(struct cleanup *c, size_t *n, struct fault *why)
{
	return blob_orphans(c->h->blob, &c->walk, run_unix(c->task.run) - UNTOUCHED_S, n, why);
}

static enum rc keys(struct cleanup *c, size_t *n, struct fault *why)
{
	return lookup_cleanup(c->h->lookup, n, why);
}

/* In this order: what an expunge left goes before the content that it held. */
static const struct {
	const char *name;
	enum rc (*fn)(struct cleanup *c, size_t *n, struct fault *why);
} parts[] = { { "uploads", uploads }, { "changes", changes }, { "contents", contents },
	{ "files", files }, { "keys", keys } };

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* On the thread of background jobs. */
static void piece(void *arg)
{
	struct cleanup *c = arg;
	uint64_t end = run_now_us() + PIECE_US;
	do
		c->rc = parts[c->part].fn(c, &c->done[c->part], &c->why);
	while (c->rc == RC_MORE && run_now_us() < end);
}

/* --- the task --- */

static enum step step_wait(struct task *t);
static enum step step_work(struct task *t);

static enum step end(struct cleanup *c)
{
	event_log(EVENT_CLEANUP_DONE, f_u64("uploads", c->done[0]), f_u64("changes", c->done[1]),
		f_u64("contents", c->done[2]), f_u64("files", c->done[3]),
		f_u64("keys", c->done[4]), f_u64("failed", c->failed),
		f_u64("ms", run_now_ms(c->task.run) - c->began_ms));
	metric_add(METRIC_CLEANUPS, 1);
	metric_set(METRIC_CLEANUP_PART, 0);
	metric_set(METRIC_CLEANUP_LAST, (uint64_t)run_unix(c->task.run));
	c->task.step = step_wait;
	return STEP_MORE;
}

static enum step next_piece(struct cleanup *c)
{
	if (c->part == PARTS)
		return end(c);
	metric_set(METRIC_CLEANUP_PART, c->part + 1);
	c->posted = run_job(c->task.run, RUN_JOB_BACKGROUND, piece, c, &c->task) == RC_OK;
	if (!c->posted)
		task_timer(&c->task, run_now_ms(c->task.run) + BUSY_MS);
	return STEP_PARK;
}

static void take_result(struct cleanup *c)
{
	if (c->rc == RC_MORE)
		return;
	if (c->rc != RC_OK) {
		event_log(EVENT_CLEANUP_FAILED, f_str("part", parts[c->part].name),
			f_str("why", fault_text(&c->why)));
		c->failed++;
	}
	c->part++;
}

static enum step step_work(struct task *t)
{
	struct cleanup *c = (struct cleanup *)t;
	if (c->posted && !(t->woken & WAKE_EVENT))
		return STEP_PARK;
	if (run_draining(t->run))
		return STEP_CLOSE;
	if (c->posted)
		take_result(c);
	c->posted = false;
	return next_piece(c);
}

static void begin(struct cleanup *c, uint64_t changes_ms, int64_t now)
{
	c->part = c->failed = 0;
	c->account = 0;
	c->blob = (struct blob_cursor){ 0 };
	memset(c->done, 0, sizeof(c->done));
	c->changes_since = now - (int64_t)(changes_ms / 1000);
	c->began_ms = run_now_ms(c->task.run);
	c->next = 0;
	task_timer_off(&c->task);
	event_log(EVENT_CLEANUP_BEGUN, f_u64("parts", PARTS));
	c->task.step = step_work;
}

static enum step step_wait(struct task *t)
{
	struct cleanup *c = (struct cleanup *)t;
	if (run_draining(t->run))
		return STEP_CLOSE;
	lock_enter(&c->h->lock);
	const struct conf *conf = c->h->now->conf;
	struct cron schedule = conf->retention.data_cleanup;
	uint64_t changes_ms = conf->retention.changes_ms;
	mail_log_keep(c->h->mail, conf->retention.changes_max);
	lock_leave(&c->h->lock);
	int64_t now = run_unix(t->run);
	if (!c->next || !cron_same(&schedule, &c->schedule))
		c->next = cron_next(&schedule, now / 60 * 60 + 60, run_zone, NULL);
	c->schedule = schedule;
	if (c->next && now >= c->next) {
		begin(c, changes_ms, now);
		return next_piece(c);
	}
	uint64_t left = c->next ? (uint64_t)(c->next - now) * 1000 : LOOK_MS;
	task_timer(t, run_now_ms(t->run) + (left < LOOK_MS ? left : LOOK_MS));
	return STEP_PARK;
}

static void drop(struct task *t)
{
	struct cleanup *c = (struct cleanup *)t;
	blob_walk_end(&c->walk);
	mem_free(MEM_OTHER, c);
}

static const struct step_row steps[] = { { step_wait, "wait" }, { step_work, "work" } };
static const struct task_kind kind = { "cleanup", steps, 2, drop };

void cleanup_start(struct house *h)
{
	struct cleanup *c = mem_new(MEM_OTHER, sizeof(*c));
	c->h = h;
	task_init(&c->task, h->run, &kind, step_wait);
	task_start(&c->task);
}
