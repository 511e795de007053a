/* delay.c: The wait before a refusal, without a thread and without the connection's timer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "run/run.h"

static step_fn waiting;
static const struct step_row steps[] = { { waiting, "waiting" } };
static void dropped(struct task *t);
static const struct task_kind kind = { "auth-delays", steps, 1, dropped };

static struct auth *auth_of(struct task *t)
{
	return (struct auth *)t;
}

/* Under the lock. */
static void take_out(struct auth_try *t)
{
	struct auth_delays *q = &t->auth->delays[t->delay - 1];
	*(t->prev ? &t->prev->next : &q->first) = t->next;
	*(t->next ? &t->next->prev : &q->last) = t->prev;
	t->prev = t->next = NULL;
	t->delay = 0;
}

/* Wakes those that are due (all of them when `now` is UINT64_MAX); returns when the next one is, 0: there is none. */
static uint64_t wake_due(struct auth *auth, uint64_t now)
{
	uint64_t next = 0;
	for (size_t i = 0; i < AUTH_DELAYS; i++) {
		struct auth_try *t;
		while ((t = auth->delays[i].first) && t->until_ms <= now) {
			take_out(t);
			task_wake(t->task, WAKE_EVENT);
		}
		if (t && (next == 0 || t->until_ms < next))
			next = t->until_ms;
	}
	return next;
}

static enum step waiting(struct task *task)
{
	struct auth *auth = auth_of(task);
	bool is_draining = run_draining(task->run);
	lock_enter(&auth->lock);
	uint64_t next = wake_due(auth, is_draining ? UINT64_MAX : run_now_ms(task->run));
	auth->is_delaying = !is_draining;
	lock_leave(&auth->lock);
	if (is_draining)
		return STEP_CLOSE;
	if (next > 0)
		task_timer(task, next);
	return STEP_PARK;
}

static void dropped(struct task *task)
{
	struct auth *auth = auth_of(task);
	lock_enter(&auth->lock);
	auth->is_delaying = false;
	lock_leave(&auth->lock);
}

void auth_delay_init(struct auth *auth)
{
	task_init(&auth->delayer, auth->run, &kind, waiting);
	auth->is_delaying = true;
	task_start(&auth->delayer);
}

void auth_delay_add(struct auth_try *t, unsigned index)
{
	struct auth *auth = t->auth;
	lock_enter(&auth->lock);
	if (auth->is_delaying) {
		struct auth_delays *q = &auth->delays[index];
		t->delay = index + 1;
		t->prev = q->last;
		*(q->last ? &q->last->next : &q->first) = t;
		q->last = t;
		if (!t->prev)
			task_wake(&auth->delayer, WAKE_EVENT);
	} else {
		task_wake(t->task, WAKE_EVENT);
	}
	lock_leave(&auth->lock);
}

void auth_delay_leave(struct auth_try *t)
{
	lock_enter(&t->auth->lock);
	if (t->delay > 0)
		take_out(t);
	lock_leave(&t->auth->lock);
}

bool auth_delay_is_over(const struct auth_try *t)
{
	lock_enter(&t->auth->lock);
	bool is_over = t->delay == 0;
	lock_leave(&t->auth->lock);
	return is_over;
}
