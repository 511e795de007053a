/* main.c: Content is stored once, read in ranges, purged when nobody links it: in the data store and in files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
	bool files;
	char path[64];
	struct data *data;
	struct blob *blob;
	struct arena a;
	struct fault why;
};

static int begin(void **state)
{
	struct world *w = *state;
	struct data_options o = { .type = "memory" };
	(void)snprintf(w->path, sizeof(w->path), "/tmp/veredus-blob-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	struct blob_options bo = { .path = w->files ? w->path : NULL, .depth = 2 };
	arena_init(&w->a, 0);
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &bo, &w->blob, &w->why), RC_OK);
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	char cmd[128];
	blob_close(&w->blob);
	data_close(&w->data);
	arena_done(&w->a);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->path);
	return system(cmd);
}

/* Bytes that compress badly in one half of each KiB and well in the other. */
static struct slice content(struct world *w, size_t len)
{
	uint8_t *at = arena_try(&w->a, len + 1);
	uint32_t x = 12345;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		at[i] = i / 512 % 2 ? 'a' : (uint8_t)(x >> 24);
	}
	return slice_of(at, len);
}

static enum rc store(struct world *w, struct slice s, uint64_t item, struct blob_ref *ref)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	blob_ref_of(s, ref);
	enum rc rc = blob_add(w->blob, &b, s, ref, &w->why);
	if (rc != RC_OK)
		return rc;
	blob_link(&b, ref, 1, 'm', item);
	return data_commit_now(w->data, &b, &w->why);
}

static void unlink_item(struct world *w, const struct blob_ref *ref, uint64_t item)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	blob_unlink(&b, ref, 1, 'm', item);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
}

static void ranges(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 0, 1, 100, BLOB_FRAME - 1, BLOB_FRAME, BLOB_FRAME + 1,
		3 * BLOB_FRAME + 7 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice s = content(w, sizes[i]), got;
		struct blob_ref ref;
		assert_int_equal(store(w, s, i, &ref), RC_OK);
		assert_int_equal(
			blob_read(w->blob, &ref, 0, UINT64_MAX, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, s));
		for (size_t from = 0; from <= s.len + 10; from += 40009) {
			assert_int_equal(
				blob_read(w->blob, &ref, from, 150000, &w->a, &got, &w->why),
				RC_OK);
			assert_true(slice_eq(got, slice_head(slice_tail(s, from), 150000)));
		}
	}
}

static void stored_once_and_purged(void **state)
{
	struct world *w = *state;
	struct slice s = content(w, 2 * BLOB_FRAME), got;
	struct blob_ref ref;
	size_t n;
	assert_int_equal(store(w, s, 1, &ref), RC_OK);
	struct data_stats before, after;
	data_stats(w->data, &before);
	assert_int_equal(store(w, s, 2, &ref), RC_OK);
	data_stats(w->data, &after);
	assert_true(after.batch_bytes - before.batch_bytes < 1000); /* no frame was written again */
	unlink_item(w, &ref, 1);
	assert_int_equal(blob_purge(w->blob, &n, &w->why), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(blob_read(w->blob, &ref, 0, 10, &w->a, &got, &w->why), RC_OK);
	unlink_item(w, &ref, 2);
	assert_int_equal(blob_purge(w->blob, &n, &w->why), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(blob_read(w->blob, &ref, 0, 10, &w->a, &got, &w->why), RC_NONE);
	assert_int_equal(store(w, s, 3, &ref), RC_OK);
	assert_int_equal(blob_read(w->blob, &ref, 0, s.len, &w->a, &got, &w->why), RC_OK);
	assert_true(slice_eq(got, s));
}

/* A delivery that found the content loses against the purge between its look and its commit, and builds again. */
static void purge_wins_a_race(void **state)
{
	struct world *w = *state;
	struct slice s = content(w, 5000), got;
	struct blob_ref ref;
	struct data_batch b;
	size_t n;
	assert_int_equal(store(w, s, 1, &ref), RC_OK);
	unlink_item(w, &ref, 1);
	data_batch_init(&b, &w->a);
	assert_int_equal(blob_add(w->blob, &b, s, &ref, &w->why), RC_OK);
	blob_link(&b, &ref, 1, 'm', 2);
	assert_int_equal(blob_purge(w->blob, &n, &w->why), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_TAKEN);
	assert_int_equal(store(w, s, 2, &ref), RC_OK);
	assert_int_equal(blob_read(w->blob, &ref, 0, s.len, &w->a, &got, &w->why), RC_OK);
	assert_true(slice_eq(got, s));
}

static int run(struct world *w, const char *name)
{
	const struct CMUnitTest tests[] = { { "ranges", ranges, begin, end, w },
		{ "stored_once_and_purged", stored_once_and_purged, begin, end, w },
		{ "purge_wins_a_race", purge_wins_a_race, begin, end, w } };
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
	struct world in_store = { .files = false }, in_files = { .files = true };
	return run(&in_store, "blob in the data store") + run(&in_files, "blob in files") ? 1 : 0;
}
