/* main.c: One store into another: whole, cut off and gone on with, refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "move/copy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { KEYS = 9000 };

struct world {
	char path[64];
	struct data *from, *to;
	struct arena a;
	struct fault why;
	uint64_t told;
	unsigned percent;
};

static void put(struct world *w, struct data *data, enum data_space space, const char *key,
	struct slice value)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	data_put(&b, space, slice_str(key), value);
	assert_int_equal(data_commit_now(data, &b, &w->why), RC_OK);
}

static struct data *open_store(struct world *w, const char *type)
{
	struct data *data;
	char file[80];
	(void)snprintf(file, sizeof(file), "%s/%s", w->path, type);
	struct data_options options = {
		.type = type, .path = file, .cache_bytes = 1 << 20, .write_buffer_bytes = 1 << 20
	};
	assert_int_equal(data_open(&options, &data, &w->why), RC_OK);
	return data;
}

static void fill(struct world *w)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	for (unsigned i = 0; i < KEYS; i++) {
		struct buf key;
		buf_init(&key, 0, &w->a);
		buf_byte(&key, 'A');
		buf_be32(&key, i / 10);
		buf_fmt(&key, "m%u", i);
		data_put(&b, DATA_MAIN, buf_slice(&key), arena_fmt(&w->a, "value %u", i));
	}
	for (unsigned i = 0; i < 60; i++) {
		uint8_t *content = arena_try(&w->a, 100000);
		memset(content, (int)i, 100000);
		data_put(&b, DATA_BLOB, arena_fmt(&w->a, "%c%02u", (char)(4 * i), i),
			slice_of(content, i == 7 ? 0 : 100000));
	}
	data_add(&b, DATA_MAIN, S("Qn"), 42);
	assert_int_equal(data_commit_now(w->from, &b, &w->why), RC_OK);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	(void)snprintf(w->path, sizeof(w->path), "/tmp/veredus-copy-%d-XXXXXX", getpid());
	assert_non_null(mkdtemp(w->path));
	arena_init(&w->a, 0);
	w->from = open_store(w, "rocksdb");
	w->to = open_store(w, "sqlite");
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	char cmd[128];
	data_close(&w->from);
	data_close(&w->to);
	arena_done(&w->a);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->path);
	free(w);
	return system(cmd);
}

static void told(void *ctx, const struct copy_progress *p)
{
	struct world *w = ctx;
	w->told++;
	assert_true(p->percent <= 100);
	w->percent = p->percent;
}

static enum rc run(struct world *w, const char *name, uint64_t keys_max, struct copy_progress *done)
{
	struct copy_ask ask = { .from = w->from,
		.to = w->to,
		.name = slice_str(name),
		.tell = told,
		.ctx = w,
		.keys_max = keys_max };
	return copy_run(&ask, done, &w->why);
}

static bool sum(void *ctx, struct slice key, struct slice value)
{
	uint64_t *sum = ctx;
	for (size_t i = 0; i < key.len; i++)
		*sum = *sum * 31 + key.at[i];
	for (size_t i = 0; i < value.len; i++)
		*sum = *sum * 31 + value.at[i];
	return true;
}

static uint64_t sum_of(struct world *w, struct data *data)
{
	uint64_t s = 0;
	for (int space = 0; space < DATA_SPACES; space++) {
		struct data_range all = { .space = space };
		assert_int_equal(data_scan(data, &all, sum, &s, &w->why), RC_OK);
	}
	return s;
}

static void whole(void **state)
{
	struct world *w = *state;
	struct copy_progress done;
	struct slice name, value;
	fill(w);
	assert_int_equal(run(w, "old", 0, &done), RC_OK);
	assert_int_equal(done.keys, 2 * (KEYS + 60 + 1)); /* copied and compared */
	assert_true(w->told > 8);
	assert_int_equal(w->percent, 100);
	assert_int_equal(sum_of(w, w->from), sum_of(w, w->to));
	assert_int_equal(copy_pending(w->to, &w->a, &name, &w->why), RC_NONE);
	assert_int_equal(data_get(w->to, DATA_MAIN, S("Qn"), &w->a, &value, &w->why), RC_OK);
	assert_int_equal(data_counter(value), 42);
}

static void goes_on(void **state)
{
	struct world *w = *state;
	struct copy_progress done;
	struct slice name;
	uint64_t keys = 0;
	unsigned runs = 0;
	enum rc rc;
	fill(w);
	do {
		rc = run(w, "old", 1, &done);
		assert_true(rc == RC_MORE || rc == RC_OK);
		keys += done.keys;
		runs++;
		if (rc == RC_MORE) {
			assert_int_equal(copy_pending(w->to, &w->a, &name, &w->why), RC_OK);
			assert_true(slice_eq(name, S("old")));
			data_close(&w->to);
			w->to = open_store(w, "sqlite");
			assert_int_equal(run(w, "other", 1, &done), RC_TAKEN);
		}
	} while (rc == RC_MORE);
	assert_true(runs > 8);
	assert_int_equal(keys, 2 * (KEYS + 60 + 1)); /* nothing twice */
	assert_int_equal(sum_of(w, w->from), sum_of(w, w->to));
}

static void refused(void **state)
{
	struct world *w = *state;
	struct copy_progress done;
	put(w, w->from, DATA_MAIN, "Aone", S("1"));
	put(w, w->to, DATA_BLOB, "x", S("1"));
	assert_int_equal(run(w, "old", 0, &done), RC_TAKEN);
	assert_int_equal(w->why.id, FAULT_CONFLICT);
}

static void drop(struct world *w, enum data_space space, const char *key)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	data_delete(&b, space, slice_str(key));
	assert_int_equal(data_commit_now(w->to, &b, &w->why), RC_OK);
}

/* What changes behind its back is seen when it compares: a value, a key too many, one too few. */
static void differs(void **state)
{
	struct world *w = *state;
	struct copy_progress done;
	const char *last = "\xec\x35\x39";
	uint8_t *content = arena_try(&w->a, 100000);
	fill(w);
	while (run(w, "old", 1, &done) == RC_MORE && !done.verifying)
		;
	put(w, w->to, DATA_MAIN, "Zlast", S("1"));
	assert_int_equal(run(w, "old", 0, &done), RC_LOST);
	drop(w, DATA_MAIN, "Zlast");
	put(w, w->to, DATA_BLOB, last, S("other"));
	assert_int_equal(run(w, "old", 0, &done), RC_LOST);
	drop(w, DATA_BLOB, last);
	assert_int_equal(run(w, "old", 0, &done), RC_LOST);
	assert_int_equal(w->why.id, FAULT_DAMAGED);
	memset(content, 59, 100000);
	put(w, w->to, DATA_BLOB, last, slice_of(content, 100000));
	assert_int_equal(run(w, "old", 0, &done), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, begin, end),
		cmocka_unit_test_setup_teardown(goes_on, begin, end),
		cmocka_unit_test_setup_teardown(refused, begin, end),
		cmocka_unit_test_setup_teardown(differs, begin, end),
	};
	return cmocka_run_group_tests_name("move: copy", tests, NULL, NULL);
}
