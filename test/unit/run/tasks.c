/* tasks.c: Wakes, timers, jobs, seats, drain. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "run/run.h"
#include <pthread.h>
#include <unistd.h>

enum { TASKS = 32, THREADS = 8, WAKES = 4000, PATIENCE_MS = 20000 };

struct counter {
	struct task task; /* first */
	_Atomic unsigned posted, seen;
	_Atomic unsigned runs;
	unsigned stop_at;
};

static _Atomic unsigned dropped;

static void drop(struct task *t)
{
	(void)t;
	atomic_fetch_add(&dropped, 1);
}

static enum step step_count(struct task *t)
{
	struct counter *c = (struct counter *)t;
	atomic_store(&c->seen, atomic_load(&c->posted));
	atomic_fetch_add(&c->runs, 1);
	return run_draining(t->run) ? STEP_CLOSE : STEP_PARK;
}

static const struct step_row steps[] = { { step_count, "count" } };
static const struct task_kind kind = { "counter", steps, 1, drop };

static struct run *start(unsigned seats)
{
	struct run *run = run_new(&(struct run_conf){ .seats = seats, .spare_max = 4 });
	atomic_store(&dropped, 0);
	run_start(run);
	return run;
}

static void stop(struct run *run, unsigned tasks)
{
	run_drain(run);
	assert_int_equal(run_wait_empty(run, PATIENCE_MS), 0);
	assert_int_equal(atomic_load(&dropped), tasks);
	run_free(&run);
	assert_null(run);
}

static bool wait_for(_Atomic unsigned *value, unsigned wanted)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (atomic_load(value) == wanted)
			return true;
		usleep(1000);
	}
	return false;
}

static void *wake_all(void *arg)
{
	struct counter *c = arg;
	for (unsigned i = 0; i < WAKES; i++) {
		struct counter *one = &c[i % TASKS];
		atomic_fetch_add(&one->posted, 1);
		task_wake(&one->task, WAKE_EVENT);
	}
	return NULL;
}

static void no_wake_is_lost(void **state)
{
	(void)state;
	struct run *run = start(3);
	struct counter *c = mem_new(MEM_OTHER, TASKS * sizeof(*c));
	pthread_t threads[THREADS];
	for (int i = 0; i < TASKS; i++) {
		task_init(&c[i].task, run, &kind, step_count);
		task_start(&c[i].task);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wake_all, c), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < TASKS; i++)
		assert_true(wait_for(&c[i].seen, THREADS * WAKES / TASKS));
	stop(run, TASKS);
	mem_free(MEM_OTHER, c);
}

/* --- timers --- */

struct clocked {
	struct task task; /* first */
	uint64_t due;
	_Atomic unsigned fired, early;
	bool set;
};

static enum step step_clock(struct task *t)
{
	struct clocked *c = (struct clocked *)t;
	if (run_draining(t->run))
		return STEP_CLOSE;
	if (t->woken & WAKE_TIMER) {
		if (run_now_ms(t->run) < c->due)
			atomic_fetch_add(&c->early, 1);
		atomic_fetch_add(&c->fired, 1);
		task_timer_off(t);
		return STEP_PARK;
	}
	if (c->set) /* moved by a wake: nearer */
		c->due = run_now_ms(t->run) + 5;
	task_timer(t, c->due);
	c->set = true;
	return STEP_PARK;
}

static const struct step_row clock_steps[] = { { step_clock, "clock" } };
static const struct task_kind clock_kind = { "clock", clock_steps, 1, drop };

static void timers_fire_once_and_in_time(void **state)
{
	(void)state;
	struct run *run = start(2);
	struct clocked *c = mem_new(MEM_OTHER, TASKS * sizeof(*c));
	for (unsigned i = 0; i < TASKS; i++) {
		task_init(&c[i].task, run, &clock_kind, step_clock);
		c[i].due = run_now_ms(run) + (i % 2 ? 20 + i : 3600000);
		task_start(&c[i].task);
	}
	usleep(20000);
	for (unsigned i = 0; i < TASKS; i += 2)
		task_wake(&c[i].task, WAKE_EVENT);
	for (unsigned i = 0; i < TASKS; i++)
		assert_true(wait_for(&c[i].fired, 1));
	usleep(50000);
	for (unsigned i = 0; i < TASKS; i++) {
		assert_int_equal(atomic_load(&c[i].fired), 1);
		assert_int_equal(atomic_load(&c[i].early), 0);
	}
	stop(run, TASKS);
	mem_free(MEM_OTHER, c);
}

/* --- jobs --- */

static void job(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void jobs_wake_their_task(void **state)
{
	(void)state;
	struct run *run = start(2);
	struct counter *c = mem_new(MEM_OTHER, sizeof(*c));
	task_init(&c->task, run, &kind, step_count);
	task_start(&c->task);
	for (unsigned i = 1; i <= 50; i++)
		assert_int_equal(run_job(run, i % 2 ? RUN_JOB_HASH : RUN_JOB_BACKGROUND, job,
					 &c->posted, &c->task),
			RC_OK);
	assert_true(wait_for(&c->seen, 50));
	stop(run, 1);
	mem_free(MEM_OTHER, c);
}

/* --- seats --- */

static _Atomic unsigned let_go, inside;

static enum step step_block(struct task *t)
{
	if (run_draining(t->run))
		return STEP_CLOSE;
	run_block_begin(RUN_STORE_DATA);
	atomic_fetch_add(&inside, 1);
	while (!atomic_load(&let_go))
		usleep(1000);
	run_block_end();
	return STEP_PARK;
}

static const struct step_row block_steps[] = { { step_block, "block" } };
static const struct task_kind block_kind = { "blocker", block_steps, 1, drop };

static void a_blocked_worker_gives_its_seat(void **state)
{
	(void)state;
	struct run *run = start(1);
	struct run_status s;
	struct task *blockers = mem_new(MEM_OTHER, 3 * sizeof(*blockers));
	struct counter *c = mem_new(MEM_OTHER, sizeof(*c));
	atomic_store(&let_go, 0);
	for (int i = 0; i < 3; i++) {
		task_init(&blockers[i], run, &block_kind, step_block);
		task_start(&blockers[i]);
	}
	assert_true(wait_for(&inside, 3));
	task_init(&c->task, run, &kind, step_count);
	task_start(&c->task);
	atomic_store(&c->posted, 1);
	task_wake(&c->task, WAKE_EVENT);
	assert_true(wait_for(&c->seen, 1));
	run_status(run, &s);
	assert_int_equal(s.blocked, 3);
	assert_int_equal(s.tasks, 4);
	atomic_store(&let_go, 1);
	stop(run, 4);
	mem_free(MEM_OTHER, blockers);
	mem_free(MEM_OTHER, c);
}

/* Blocks a little in each step, and says MORE for longer than it may without a break. */
static enum step step_long(struct task *t)
{
	run_block_begin(RUN_STORE_DATA);
	usleep(1000);
	run_block_end();
	(void)t;
	return atomic_fetch_add(&inside, 1) < 100 ? STEP_MORE : STEP_CLOSE;
}

static const struct step_row long_steps[] = { { step_long, "long" } };
static const struct task_kind long_kind = { "long", long_steps, 1, drop };

static void who_makes_room_is_not_forgotten(void **state)
{
	(void)state;
	struct run *run = start(1);
	struct task *t = mem_new(MEM_OTHER, sizeof(*t));
	atomic_store(&inside, 0);
	task_init(t, run, &long_kind, step_long);
	task_start(t);
	assert_int_equal(run_wait_empty(run, 5000), 0);
	stop(run, 1);
	mem_free(MEM_OTHER, t);
}

static enum step step_busy(struct task *t)
{
	return run_draining(t->run) ? STEP_CLOSE : STEP_MORE;
}

static const struct step_row busy_steps[] = { { step_busy, "busy" } };
static const struct task_kind busy_kind = { "busy", busy_steps, 1, drop };

static void nobody_starves(void **state)
{
	(void)state;
	struct run *run = start(1);
	struct task *busy = mem_new(MEM_OTHER, sizeof(*busy));
	struct counter *c = mem_new(MEM_OTHER, sizeof(*c));
	struct clocked *k = mem_new(MEM_OTHER, sizeof(*k));
	task_init(busy, run, &busy_kind, step_busy);
	task_start(busy);
	task_init(&c->task, run, &kind, step_count);
	task_start(&c->task);
	task_init(&k->task, run, &clock_kind, step_clock);
	k->due = run_now_ms(run) + 30;
	task_start(&k->task);
	atomic_store(&c->posted, 7);
	task_wake(&c->task, WAKE_EVENT);
	assert_true(wait_for(&c->seen, 7));
	assert_true(wait_for(
		&k->fired, 1)); /* timers are looked at even when somebody is always ready */
	stop(run, 3);
	mem_free(MEM_OTHER, busy);
	mem_free(MEM_OTHER, c);
	mem_free(MEM_OTHER, k);
}

static void name_seen(void *ctx, const char *of, const char *step)
{
	*(bool *)ctx |= strcmp(of, "counter") == 0 && strcmp(step, "count") == 0;
}

static void steps_have_names(void **state)
{
	(void)state;
	struct run *run = start(1);
	struct counter *c = mem_new(MEM_OTHER, sizeof(*c));
	bool found = false;
	task_init(&c->task, run, &kind, step_count);
	task_start(&c->task);
	assert_true(wait_for(&c->runs, 1));
	for (int i = 0; i < 1000 && !found; i++) {
		usleep(1000);
		run_tasks(run, name_seen, &found);
	}
	assert_true(found);
	stop(run, 1);
	mem_free(MEM_OTHER, c);
}

int test_tasks(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_wake_is_lost),
		cmocka_unit_test(timers_fire_once_and_in_time),
		cmocka_unit_test(jobs_wake_their_task),
		cmocka_unit_test(a_blocked_worker_gives_its_seat),
		cmocka_unit_test(who_makes_room_is_not_forgotten), cmocka_unit_test(nobody_starves),
		cmocka_unit_test(steps_have_names) };
	return cmocka_run_group_tests_name("tasks", tests, NULL, NULL);
}
