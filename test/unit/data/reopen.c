/* reopen.c: What was answered is there after the store was closed, and after the process died. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { KEYS = 400 };

static void closed_and_opened(void **state)
{
	struct world *w = *state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < KEYS; i++)
			data_put(&w->b, DATA_MAIN, arena_fmt(&w->a, "%d-%d", round, i),
				arena_fmt(&w->a, "%d", i));
		data_add(&w->b, DATA_MAIN, S("count"), 1);
		assert_int_equal(world_commit(w), RC_OK);
		data_close(&w->data);
		world_open(w);
		assert_int_equal(data_counter(world_get(w, "count")), round + 1);
		assert_true(slice_eq(world_get(w, "0-399"), S("399")));
	}
}

/* The child tells each key through the pipe once it is durable, then dies in the middle of the next ones. */
static void child(struct world *w, int to)
{
	world_open(w);
	for (uint32_t i = 0;; i++) {
		struct arena a;
		struct data_batch b;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		data_put(&b, DATA_MAIN, arena_fmt(&a, "k%u", i),
			arena_fmt(&a, "%0*u", (int)(i * 37 % 3000) + 1, i));
		data_add(&b, DATA_MAIN, S("count"), 1);
		if (data_commit_now(w->data, &b, NULL) != RC_OK ||
			write(to, &i, sizeof(i)) != sizeof(i))
			_exit(1);
		arena_done(&a);
	}
}

static void killed(void **state)
{
	struct world *w = *state;
	int ends[2], status;
	uint32_t last = 0, got;
	data_close(&w->data);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		child(w, ends[1]);
	close(ends[1]);
	while (last < 200 && read(ends[0], &got, sizeof(got)) == sizeof(got))
		last = got;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(ends[0], &got, sizeof(got)) == sizeof(got))
		last = got;
	close(ends[0]);
	world_open(w);
	for (uint32_t i = 0; i <= last; i++) {
		struct slice v = world_get(w, (const char *)arena_fmt(&w->a, "k%u", i).at);
		assert_int_equal(v.len > i * 37 % 3000, true);
	}
	int64_t count = data_counter(world_get(w, "count")); /* at most one more than we heard of */
	assert_true(count == (int64_t)last + 1 || count == (int64_t)last + 2);
}

/* Nor does it grow while the server writes without a pause: it is copied home beside that. */
static void shortens_its_log_at_work(void **state)
{
	enum { COMMITS = 600, BYTES = 100 * 1000, LOG_MOST = 40 << 20, HOME_LEAST = 10 << 20 };
	static uint8_t bytes[BYTES];
	struct world *w = *state;
	char path[80];
	struct stat st;
	if (strcmp(w->engine, "sqlite") != 0)
		return;
	for (int i = 0; i < COMMITS; i++) {
		data_put(&w->b, DATA_BLOB, arena_fmt(&w->a, "%d", i), slice_of(bytes, BYTES));
		assert_int_equal(world_commit(w), RC_OK);
	}
	(void)snprintf(path, sizeof(path), "%s-wal", w->file);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < LOG_MOST);
	assert_int_equal(stat(w->file, &st), 0);
	assert_true(st.st_size > HOME_LEAST);
}

/* SQLite's log is read whole after a crash: it stays short, however many crashes there were. */
static void keeps_its_log_short(void **state)
{
	enum { ROUNDS = 4, COMMITS = 100, BYTES = 150 * 1000, LOG_MOST = 32 << 20 };
	static uint8_t bytes[BYTES];
	struct world *w = *state;
	char path[80];
	struct stat st;
	int status;
	if (strcmp(w->engine, "sqlite") != 0)
		return;
	data_close(&w->data);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = fork();
		if (pid == 0) {
			world_open(w);
			for (int i = 0; i < COMMITS; i++) {
				data_put(&w->b, DATA_BLOB, arena_fmt(&w->a, "%d-%d", round, i),
					slice_of(bytes, BYTES));
				if (world_commit(w) != RC_OK)
					_exit(1);
			}
			raise(SIGKILL);
		}
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	(void)snprintf(path, sizeof(path), "%s-wal", w->file);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < LOG_MOST);
	world_open(w);
}

int test_reopen(const char *engine)
{
	struct world w = { .engine = engine };
	char name[64];
	(void)snprintf(name, sizeof(name), "reopen %s", engine);
#define T(f) \
	{ \
#f, f, world_begin, world_end, &w \
	}
	const struct CMUnitTest tests[] = { T(killed), T(closed_and_opened),
		T(shortens_its_log_at_work), T(keeps_its_log_short) };
#undef T
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
