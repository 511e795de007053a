/* ahead.c: Deliveries that build upon each other: one flush for many, failures that stay apart, UIDs without gaps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include "mail/fetch.h"
#include "mail/record.h"
#include "run/run.h"
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { TASKS = 8, EACH = 60, FAIL_EVERY = 7 };

/* --- one delivery --- */

struct delivery {
	struct task task;
	struct world *w;
	struct account_visit visit;
	struct arena a;
	struct data_batch b;
	struct mail_change *ch;
	uint32_t uid;
	uint64_t msgid, parent;
	_Atomic bool waits;
	bool fails; /* its batch has an assert that does not hold */
	unsigned left, tries;
	sem_t *done;
};

static void build(struct delivery *d)
{
	static const char text[] = "From: a@b.test\r\nSubject: hi\r\n\r\nhello\r\n";
	struct world *w = d->w;
	struct mail_parsed parsed;
	struct blob_ref ref;
	struct fault why;
	arena_reset(&d->a);
	data_batch_init(&d->b, &d->a);
	blob_ref_of(slice_str(text), &ref);
	assert_int_equal(mail_record_make(slice_str(text), &ref, &d->a, &parsed), RC_OK);
	assert_int_equal(mail_change_begin(w->ma, &d->b, &d->a, &d->ch, &why), RC_OK);
	struct mail_new msg = { .blob = ref,
		.record = parsed.record,
		.size = sizeof(text) - 1,
		.received = 1795595889,
		.msgid_hash = d->msgid,
		.ref_hash = &d->parent,
		.ref_n = d->parent ? 1 : 0 };
	assert_int_equal(mail_change_append(d->ch, w->box, &msg, &d->uid, &why), RC_OK);
	if (d->fails)
		data_assert(&d->b, DATA_MAIN, S("nobody"), S("wrote this"));
	assert_int_equal(mail_change_end(d->ch, &why), RC_OK);
}

static void answered(void *ctx)
{
	struct delivery *d = ctx;
	mail_change_answered(d->ch, d->b.rc);
	if (d->done)
		sem_post(d->done);
	else
		task_wake(&d->task, WAKE_COMMIT);
}

/* Enters, submits and passes on. */
static void deliver(struct delivery *d)
{
	build(d);
	assert_true(mail_change_ahead(d->ch));
	data_submit(d->w->data, &d->b, answered, d);
	account_pass(&d->visit);
}

/* Holds the committer, so that what is submitted meanwhile is one group. */
struct gate {
	sem_t entered, open;
	struct arena a;
	struct data_batch b;
};

static void hold(void *ctx)
{
	struct gate *g = ctx;
	sem_post(&g->entered);
	sem_wait(&g->open);
}

static void close_gate(struct world *w, struct gate *g)
{
	sem_init(&g->entered, 0, 0);
	sem_init(&g->open, 0, 0);
	arena_init(&g->a, 0);
	data_batch_init(&g->b, &g->a);
	data_put(&g->b, DATA_MAIN, S("gate"), S(""));
	data_submit(w->data, &g->b, hold, g);
	sem_wait(&g->entered);
}

static void done_gate(struct gate *g)
{
	arena_done(&g->a);
	sem_destroy(&g->entered);
	sem_destroy(&g->open);
}

static enum step sleep_on(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	if (t->woken & WAKE_EVENT)
		sem_post(d->done);
	return d->waits ? STEP_PARK : STEP_CLOSE;
}

static void no_drop(struct task *t)
{
	(void)t;
}

static void gone(struct task *t)
{
	sem_post(((struct delivery *)t)->done);
}

static uint64_t thread_of(struct world *w, uint32_t uid)
{
	struct mail_view v;
	struct mail_entry e;
	struct mail_record rec;
	struct slice bytes;
	struct arena a;
	uint32_t seq;
	arena_init(&a, 0);
	assert_int_equal(mail_view_open(w->ma, w->box, true, NULL, &v, &w->why), RC_OK);
	assert_int_equal(world_read(w, &v, uid, &e, &seq, 1), 1);
	assert_int_equal(e.uid, uid);
	assert_int_equal(mail_record_get(w->ma, e.mid, &a, &bytes, &w->why), RC_OK);
	assert_int_equal(mail_record_read(bytes, &rec), RC_OK);
	mail_view_close(&v);
	arena_done(&a);
	return rec.thread;
}

static void share_a_flush(void **state)
{
	static const struct step_row steps[] = { { sleep_on, "sleep" } };
	static const struct task_kind kind = { "test", steps, 1, no_drop };
	struct world w;
	struct gate g;
	struct data_stats before, after;
	sem_t done, woken;
	(void)state;
	world_begin(&w, 4);
	struct account *acc = mail_account_of(w.ma);
	struct delivery d[3] = { 0 }, other = { .w = &w, .waits = true, .done = &woken };
	sem_init(&done, 0, 0);
	sem_init(&woken, 0, 0);
	task_init(&other.task, w.run, &kind, sleep_on);
	other.task.gone = gone;
	task_start(&other.task);
	close_gate(&w, &g);
	data_stats(w.data, &before);
	for (size_t i = 0; i < 3; i++) {
		d[i] = (struct delivery){ .w = &w, .done = &done, .msgid = 100 + i };
		d[i].parent = i ? d[i - 1].msgid : 0;
		arena_init(&d[i].a, 0);
		assert_int_equal(account_follow(acc, &d[i].visit, NULL), RC_OK);
		deliver(&d[i]);
		assert_int_equal(d[i].uid, i + 1);
	}
	/* one that does not build upon them waits, and those behind it too: first come, first served */
	assert_int_equal(account_enter(acc, &other.visit, &other.task), RC_WAIT);
	assert_int_equal(mail_messages(w.ma), 0);
	sem_post(&g.open);
	for (size_t i = 0; i < 3; i++)
		sem_wait(&done);
	data_stats(w.data, &after);
	assert_int_equal(after.groups - before.groups, 1);
	assert_int_equal(mail_messages(w.ma), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d[i].b.rc, RC_OK);
		assert_false(other.visit.inside);
		mail_change_finish(d[i].ch);
		account_leave(&d[i].visit);
		arena_done(&d[i].a);
	}
	sem_wait(&woken);
	assert_int_equal(account_enter(acc, &other.visit, &other.task), RC_OK);
	account_leave(&other.visit);
	assert_true(thread_of(&w, 2) == thread_of(&w, 1) && thread_of(&w, 3) == thread_of(&w, 1));
	other.waits = false;
	task_wake(&other.task, WAKE_DRAIN);
	sem_wait(&woken);
	done_gate(&g);
	world_end(&w);
}

/* The first of three fails: the others, built upon it, fail with it and succeed when they are built again. */
static void fails_apart(void **state)
{
	struct world w;
	struct gate g;
	sem_t done;
	(void)state;
	world_begin(&w, 4);
	struct delivery d[3] = { 0 };
	sem_init(&done, 0, 0);
	close_gate(&w, &g);
	for (size_t i = 0; i < 3; i++) {
		d[i] = (struct delivery){ .w = &w, .done = &done, .fails = i == 0 };
		arena_init(&d[i].a, 0);
		assert_int_equal(account_follow(mail_account_of(w.ma), &d[i].visit, NULL), RC_OK);
		deliver(&d[i]);
	}
	sem_post(&g.open);
	for (size_t i = 0; i < 3; i++)
		sem_wait(&done);
	assert_int_equal(mail_messages(w.ma), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d[i].b.rc, RC_TAKEN);
		account_leave(&d[i].visit);
		assert_int_equal(mail_refresh(w.ma, &w.why), RC_OK);
	}
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(account_follow(mail_account_of(w.ma), &d[i].visit, NULL), RC_OK);
		deliver(&d[i]);
		assert_int_equal(d[i].uid, i);
	}
	for (size_t i = 1; i < 3; i++) {
		sem_wait(&done);
		assert_int_equal(d[i].b.rc, RC_OK);
	}
	for (size_t i = 0; i < 3; i++) {
		account_leave(&d[i].visit);
		arena_done(&d[i].a);
	}
	assert_int_equal(mail_messages(w.ma), 2);
	done_gate(&g);
	world_end(&w);
}

/* --- many at once --- */

static enum step go(struct task *t)
{
	struct delivery *d = (struct delivery *)t;
	if (d->ch && t->woken & WAKE_COMMIT) {
		if (d->b.rc == RC_OK) {
			mail_change_finish(d->ch);
			d->left--;
		}
		d->ch = NULL;
		account_leave(&d->visit);
		if (d->b.rc != RC_OK && mail_refresh(d->w->ma, &d->w->why) != RC_OK)
			d->left = 0;
	}
	if (d->ch)
		return STEP_COMMIT;
	if (!d->left)
		return STEP_CLOSE;
	if (account_follow(mail_account_of(d->w->ma), &d->visit, t) == RC_WAIT)
		return STEP_PARK;
	d->fails = ++d->tries % FAIL_EVERY == 0;
	build(d);
	bool ahead = mail_change_ahead(d->ch);
	data_submit(d->w->data, &d->b, answered, d);
	if (ahead)
		account_pass(&d->visit);
	return STEP_COMMIT;
}

static void free_delivery(struct task *t)
{
	arena_done(&((struct delivery *)t)->a);
}

static sem_t all_gone;

static void count_gone(struct task *t)
{
	(void)t;
	sem_post(&all_gone);
}

static void check_uids(struct world *w)
{
	static struct mail_entry e[TASKS * EACH + 1];
	static uint32_t seqs[TASKS * EACH + 1];
	struct mail_view v;
	assert_int_equal(mail_view_open(w->ma, w->box, true, NULL, &v, &w->why), RC_OK);
	size_t n = world_read(w, &v, 1, e, seqs, TASKS * EACH + 1);
	assert_int_equal(n, TASKS * EACH);
	for (size_t i = 0; i < n; i++)
		assert_true(e[i].uid == i + 1 && seqs[i] == i + 1);
	mail_view_close(&v);
}

static void many_at_once(void **state)
{
	static const struct step_row steps[] = { { go, "go" } };
	static const struct task_kind kind = { "test", steps, 1, free_delivery };
	static struct delivery d[TASKS];
	struct world w;
	struct data_stats s;
	(void)state;
	world_begin(&w, 4);
	sem_init(&all_gone, 0, 0);
	for (size_t i = 0; i < TASKS; i++) {
		d[i] = (struct delivery){ .w = &w, .left = EACH };
		arena_init(&d[i].a, 0);
		task_init(&d[i].task, w.run, &kind, go);
		d[i].task.gone = count_gone;
		task_start(&d[i].task);
	}
	for (size_t i = 0; i < TASKS; i++)
		sem_wait(&all_gone);
	data_stats(w.data, &s);
	printf("%d deliveries to one mailbox: %llu commits, %llu of them again, in %llu groups\n",
		TASKS * EACH, (unsigned long long)s.commits, (unsigned long long)s.conflicts,
		(unsigned long long)s.groups);
	check_uids(&w);
	mail_close(&w.ma);
	mail_free(&w.mail);
	world_reopen(&w);
	check_uids(&w);
	world_end(&w);
}

int test_ahead(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(share_a_flush),
		cmocka_unit_test(fails_apart), cmocka_unit_test(many_at_once) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
