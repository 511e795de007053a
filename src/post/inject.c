/* inject.c: A delivery without a connection: a task of its own, and somebody who waits for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "post/inject.h"
#include "base/lock.h"
#include "post/post_int.h"

struct inject {
	struct task task; /* first */
	struct post_mail *mail;
	struct fault *why;
	enum rc rc;
	struct lock lock;
	pthread_cond_t cond;
	bool done;
};

static enum step step_deliver(struct task *t)
{
	struct inject *in = (struct inject *)t;
	in->rc = post_deliver(in->mail, t, in->why);
	return in->rc == RC_WAIT ? STEP_COMMIT : STEP_CLOSE;
}

/* The last thing that the run time does with the task: from here on it is the waiter's. */
static void drop(struct task *t)
{
	(void)t;
}

static void gone(struct task *t)
{
	struct inject *in = (struct inject *)t;
	lock_enter(&in->lock);
	in->done = true;
	pthread_cond_signal(&in->cond);
	lock_leave(&in->lock);
}

static const struct step_row steps[] = { { step_deliver, "deliver" } };
static const struct task_kind kind = { "report", steps, 1, drop };

static void wait(struct inject *in)
{
	lock_init(&in->lock, LOCK_LOG);
	pthread_cond_init(&in->cond, NULL);
	task_init(&in->task, in->mail->post->deps.run, &kind, step_deliver);
	in->task.gone = gone;
	task_start(&in->task);
	lock_enter(&in->lock);
	while (!in->done)
		pthread_cond_wait(&in->cond, &in->lock.mutex);
	lock_leave(&in->lock);
	pthread_cond_destroy(&in->cond);
	lock_done(&in->lock);
}

static bool has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

enum rc post_inject(struct post *post, struct slice rcpt, struct slice message, struct fault *why)
{
	struct post_source src = { .door = S("report"),
		.with = S("local"),
		.peer = S("127.0.0.1"),
		.helo = slice_str(post->deps.hostname),
		.may_relay = true,
		.is_own = true };
	struct slice head = slice_head(message, slice_search(message, S("\r\n\r\n")));
	struct post_envelope env = {
		.sender = S(""), .smtputf8 = has_8bit(head), .body_8bit = has_8bit(message)
	};
	struct inject in = { .mail = post_begin(post, &src, &env), .why = why };
	in.rc = post_rcpt_add(in.mail, rcpt, S(""), POST_NOTIFY_NEVER, why);
	if (in.rc == RC_OK)
		in.rc = post_write(in.mail, message, why);
	if (in.rc == RC_OK)
		wait(&in);
	post_drop(&in.mail);
	return in.rc;
}
