/* local.c: Mailboxes here by way of the queue: some in each commit, with a result for each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ACCOUNTS = 120, GONE = 7, LATER = 8 };

struct boxes {
	struct world *w;
	_Atomic int calls;
	int ended, has[ACCOUNTS + 1];
};

/* A post office that knows accounts by number; one has gone, one has trouble once. */
static enum rc fake(struct boxes *b, struct queue_local *l, struct task *task, struct fault *why)
{
	struct arena a;
	struct data_batch batch;
	if (!task) {
		b->ended++;
		l->state = NULL;
		return RC_OK;
	}
	l->state = b;
	assert_true(l->n > 0 && l->n <= QUEUE_LOCAL_MOST);
	bool trouble = b->calls++ == 0;
	for (size_t i = 0; i < l->n; i++) {
		uint32_t account = l->accounts[i];
		l->results[i].id = account == GONE               ? FAULT_USER_UNKNOWN
				   : account == LATER && trouble ? FAULT_STORE
								 : FAULT_NONE;
		b->has[account] += l->results[i].id == FAULT_NONE;
	}
	arena_init(&a, 0);
	data_batch_init(&batch, &a);
	l->also(l, &batch);
	enum rc rc = data_commit_now(b->w->data, &batch, why);
	arena_done(&a);
	return rc;
}

static struct boxes boxes;

static enum rc deliver(void *arg, struct queue_local *l, struct task *task, struct fault *why)
{
	(void)arg;
	return fake(&boxes, l, task, why);
}

static void some_at_a_time(void **state)
{
	static struct world w;
	static struct queue_rcpt to[ACCOUNTS];
	struct queue_message m = { .rcpts = to, .rcpts_n = ACCOUNTS };
	(void)state;
	boxes = (struct boxes){ .w = &w };
	world_begin(&w, &(struct queue_deps){ .terms.port = 9, .local = deliver });
	for (size_t i = 0; i < ACCOUNTS; i++)
		to[i] = (struct queue_rcpt){ .address = S("all@here.test"),
			.account = (uint32_t)i + 1 };
	world_queue(&w, S("S: 1\r\n\r\nx\r\n"), &m);
	assert_true(world_emptied(&w));
	world_end(&w);
	for (int i = 1; i <= ACCOUNTS; i++)
		assert_int_equal(boxes.has[i], i != GONE);
	assert_int_equal(boxes.calls, 4); /* 50, 50, 20; and 1 again */
	assert_int_equal(boxes.ended, 2);
	assert_int_equal(w.reports, 1);
	assert_non_null(strstr(w.report, "Action: failed\r\nStatus: 5.1.1\r\n"));
}

/* The server dies between two parts: the others get it after the start, and nobody twice. */
static enum rc only_once(void *arg, struct queue_local *l, struct task *task, struct fault *why)
{
	(void)arg;
	if (task && boxes.calls == 1)
		return fault_set(why, FAULT_STORE, "%s", "");
	return fake(&boxes, l, task, why);
}

static void goes_on_after_a_start(void **state)
{
	static struct world w;
	static struct queue_rcpt to[ACCOUNTS];
	struct queue_message m = { .rcpts = to, .rcpts_n = ACCOUNTS };
	(void)state;
	boxes = (struct boxes){ .w = &w };
	world_begin(&w, &(struct queue_deps){ .terms.port = 9, .local = only_once });
	for (size_t i = 0; i < ACCOUNTS; i++)
		to[i] = (struct queue_rcpt){ .address = S("all@here.test"),
			.account = (uint32_t)i + 1 };
	world_queue(&w, S("S: 1\r\n\r\nx\r\n"), &m);
	for (int i = 0; i < 1000 && boxes.calls == 0; i++)
		usleep(5000);
	w.deps.local = deliver;
	world_restart(&w);
	assert_true(world_emptied(&w));
	world_end(&w);
	assert_true(boxes.calls >= 3);
	for (int i = 1; i <= ACCOUNTS; i++)
		assert_int_equal(boxes.has[i], i != GONE);
}

int test_local(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(some_at_a_time),
		cmocka_unit_test(goes_on_after_a_start) };
	return _cmocka_run_group_tests(
		"local", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
