/* store.c: The engine in the data store: what is written when, what is cleaned up, what two nodes count together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"

struct house {
	const char *engine;
	struct data *data;
	struct lookup *lookup;
	struct fault why;
};

static struct data *open_data(const char *engine)
{
	static unsigned nth;
	static char paths[16][128];
	struct data *data;
	struct fault why;
	char *path = paths[nth % 16];
	(void)snprintf(path, 128, "%s/store-%u", world_folder(), nth++);
	const struct data_options o = {
		.type = engine, .path = path, .cache_bytes = 1 << 20, .write_buffer_bytes = 1 << 20
	};
	assert_int_equal(data_open(&o, &data, &why), RC_OK);
	return data;
}

static int begin(void **state)
{
	struct house *h = *state;
	h->data = open_data(h->engine);
	h->lookup = lookup_open_data(h->data, NULL);
	return 0;
}

static int end(void **state)
{
	struct house *h = *state;
	lookup_close(&h->lookup);
	data_close(&h->data);
	return 0;
}

/* All pieces. */
static enum rc clean_up(struct lookup *l, size_t *removed)
{
	enum rc rc;
	*removed = 0;
	do
		rc = lookup_cleanup(l, removed, NULL);
	while (rc == RC_MORE);
	return rc;
}

static uint64_t add_to(struct lookup *l, enum lookup_window_kind kind, uint64_t n)
{
	const struct lookup_key k =
		key_of(LOOKUP_SMTP, "", kind == LOOKUP_FIXED ? "fixed" : "leaky");
	const struct lookup_add a = { { kind, 1000, 3600000 }, n };
	struct lookup_count out;
	assert_int_equal(lookup_add(l, &k, &a, &out, NULL), RC_OK);
	return out.count;
}

/* A thousand additions are one batch, or none, not a thousand. */
static void counts_are_written_together(void **state)
{
	struct house *h = *state;
	struct data_stats before, after;
	size_t removed;
	data_stats(h->data, &before);
	for (int i = 0; i < 1000; i++)
		add_to(h->lookup, i % 2 ? LOOKUP_FIXED : LOOKUP_LEAKY, 1);
	data_stats(h->data, &after);
	assert_int_equal(after.commits, before.commits);
	assert_int_equal(after.reads - before.reads, 2);
	assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
	data_stats(h->data, &after);
	assert_int_equal(after.commits, before.commits + 1);
	assert_int_equal(after.groups, before.groups); /* and without a flush */
	assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
	data_stats(h->data, &after);
	assert_int_equal(after.commits, before.commits + 1);
}

static void counts_outlive_the_process(void **state)
{
	struct house *h = *state;
	add_to(h->lookup, LOOKUP_FIXED, 7);
	add_to(h->lookup, LOOKUP_LEAKY, 5);
	lookup_close(&h->lookup);
	h->lookup = lookup_open_data(h->data, NULL);
	assert_int_equal(add_to(h->lookup, LOOKUP_FIXED, 1), 8);
	assert_int_equal(add_to(h->lookup, LOOKUP_LEAKY, 1), 6);
}

static void two_nodes_count_together(void **state)
{
	struct house *h = *state;
	struct lookup *other = lookup_open_data(h->data, NULL);
	size_t removed;
	for (enum lookup_window_kind kind = LOOKUP_FIXED; kind <= LOOKUP_LEAKY; kind++) {
		add_to(h->lookup, kind, 10);
		add_to(other, kind, 20);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
		assert_int_equal(clean_up(other, &removed), RC_OK);
		add_to(h->lookup, LOOKUP_FIXED, 1);
		add_to(h->lookup, LOOKUP_LEAKY, 1);
	}
	assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
	assert_int_equal(add_to(h->lookup, LOOKUP_FIXED, 0), 32);
	assert_int_equal(add_to(h->lookup, LOOKUP_LEAKY, 0), 32);
	lookup_close(&other);
}

static bool count_key(void *ctx, struct slice key, struct slice value)
{
	(void)key, (void)value;
	++*(size_t *)ctx;
	return true;
}

static size_t stored(struct house *h)
{
	size_t n = 0;
	const struct data_range r = { .space = DATA_MAIN, .from = S("L"), .to = S("M") };
	assert_int_equal(data_scan(h->data, &r, count_key, &n, &h->why), RC_OK);
	return n;
}

static void set_many(struct house *h, const char *group, int n, uint64_t ttl_ms)
{
	for (int i = 0; i < n; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "%d", i);
		const struct lookup_key k = key_of(LOOKUP_GREYLIST, group, name);
		assert_int_equal(lookup_set(h->lookup, &k, S("v"), ttl_ms, &h->why), RC_OK);
	}
}

static bool all_expired(void *arg)
{
	struct house *h = arg;
	struct arena a;
	struct slice value;
	const struct lookup_key k = key_of(LOOKUP_GREYLIST, "b", "699");
	arena_init(&a, 0);
	enum rc rc = lookup_get(h->lookup, &k, &a, &value, &h->why);
	arena_done(&a);
	return rc == RC_NONE;
}

static void cleans_up_what_has_expired(void **state)
{
	struct house *h = *state;
	size_t removed;
	set_many(h, "a", 10, 0);
	set_many(h, "b", 700, 1); /* more than one piece */
	set_many(h, "c", 10, 600000);
	world_until(all_expired, h);
	assert_int_equal(stored(h), 720);
	assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
	assert_int_equal(removed, 700);
	assert_int_equal(stored(h), 20);
	assert_int_equal(clean_up(h->lookup, &removed), RC_OK);
	assert_int_equal(removed, 0);
}

/* The task writes by itself, and what is left when the run time drains. */
static void writes_a_little_later(void **state)
{
	struct house *h = *state;
	struct run *run = run_new(&(struct run_conf){ .seats = 1 });
	lookup_close(&h->lookup);
	h->lookup = lookup_open_data(h->data, run);
	run_start(run);
	add_to(h->lookup, LOOKUP_FIXED, 3);
	for (uint64_t end = run_now_ms(NULL) + 20000; stored(h) == 0;)
		assert_true(run_now_ms(NULL) < end);
	add_to(h->lookup, LOOKUP_LEAKY, 3);
	run_drain(run);
	assert_int_equal(run_wait_empty(run, 20000), 0);
	run_free(&run);
	assert_int_equal(stored(h), 2);
}

int test_store(void)
{
	static const char *const engines[] = { "memory", "sqlite",
#ifndef __SANITIZE_THREAD__
		"rocksdb"
#endif
	};
	int failed = 0;
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct house h = { .engine = engines[i] };
		char name[64];
		const struct CMUnitTest tests[] = {
			cmocka_unit_test_prestate_setup_teardown(
				counts_are_written_together, begin, end, &h),
			cmocka_unit_test_prestate_setup_teardown(
				counts_outlive_the_process, begin, end, &h),
			cmocka_unit_test_prestate_setup_teardown(
				two_nodes_count_together, begin, end, &h),
			cmocka_unit_test_prestate_setup_teardown(
				cleans_up_what_has_expired, begin, end, &h),
			cmocka_unit_test_prestate_setup_teardown(
				writes_a_little_later, begin, end, &h),
		};
		(void)snprintf(name, sizeof(name), "lookup/store/%s", engines[i]);
		failed += cmocka_run_group_tests_name(name, tests, NULL, NULL);
		struct data *data = open_data(engines[i]);
		(void)snprintf(name, sizeof(name), "lookup/engine/%s", engines[i]);
		failed += test_engine(name, lookup_open_data(data, NULL));
		data_close(&data);
	}
	return failed;
}
