/* engine.c: What every engine does: order, ranges, values, asserts, counters, groups. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"

enum { LARGE = 16 * 1024 * 1024 };

#define is(got, want) assert_true(slice_eq(got, S(want)))

static void puts_and_deletes(void **state)
{
	struct world *w = *state;
	is(world_get(w, "a"), "(none)");
	world_put(w, "a", "1");
	world_put(w, "b", "");
	data_put(&w->b, DATA_BLOB, S("a"), S("blob"));
	assert_int_equal(world_commit(w), RC_OK);
	is(world_get(w, "a"), "1");
	is(world_get(w, "b"), "");
	struct slice v;
	assert_int_equal(data_get(w->data, DATA_BLOB, S("a"), &w->a, &v, &w->why), RC_OK);
	is(v, "blob");
	world_put(w, "a", "2"); /* the last of a batch counts */
	data_delete(&w->b, DATA_MAIN, S("a"));
	world_put(w, "a", "3");
	world_put(w, "b", "x");
	data_delete(&w->b, DATA_MAIN, S("b"));
	data_delete(&w->b, DATA_MAIN, S("never"));
	assert_int_equal(world_commit(w), RC_OK);
	is(world_get(w, "a"), "3");
	is(world_get(w, "b"), "(none)");
	assert_int_equal(data_get(w->data, DATA_BLOB, S("a"), &w->a, &v, &w->why), RC_OK);
}

struct seen {
	char text[4096];
	size_t n, stop_at;
};

static bool see(void *ctx, struct slice key, struct slice value)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);
	(void)snprintf(s->text + len, sizeof(s->text) - len, "%.*s=%.*s ", FMT(key), FMT(value));
	return ++s->n != s->stop_at;
}

static const char *scan(
	struct world *w, const char *from, const char *to, bool reverse, size_t limit)
{
	static struct seen s;
	struct seen passed = { .n = 0 };
	struct data_range r = { .space = DATA_MAIN,
		.from = slice_str(from),
		.to = slice_str(to),
		.reverse = reverse,
		.limit = limit };
	s = (struct seen){ .n = 0 };
	assert_int_equal(data_scan(w->data, &r, see, &s, &w->why), RC_OK);
	r.passing = true; /* what a cache keeps makes no difference */
	assert_int_equal(data_scan(w->data, &r, see, &passed, &w->why), RC_OK);
	assert_string_equal(s.text, passed.text);
	return s.text;
}

static void ranges(void **state)
{
	struct world *w = *state;
	assert_string_equal(scan(w, "", "", false, 0), "");
	assert_string_equal(scan(w, "", "", true, 0), "");
	for (const char *k = "ecabd"; *k; k++) {
		char key[2] = { *k, 0 };
		data_put(&w->b, DATA_MAIN, arena_fmt(&w->a, "%s", key),
			arena_fmt(&w->a, "%d", *k - 'a'));
	}
	data_put(&w->b, DATA_BLOB, S("c2"), S("elsewhere"));
	assert_int_equal(world_commit(w), RC_OK);
	assert_string_equal(scan(w, "", "", false, 0), "a=0 b=1 c=2 d=3 e=4 ");
	assert_string_equal(scan(w, "", "", true, 0), "e=4 d=3 c=2 b=1 a=0 ");
	assert_string_equal(scan(w, "b", "d", false, 0), "b=1 c=2 ");
	assert_string_equal(scan(w, "b", "d", true, 0), "c=2 b=1 ");
	assert_string_equal(scan(w, "bb", "dd", false, 0), "c=2 d=3 ");
	assert_string_equal(scan(w, "bb", "dd", true, 0), "d=3 c=2 ");
	assert_string_equal(scan(w, "", "c", false, 0), "a=0 b=1 ");
	assert_string_equal(scan(w, "c", "", true, 0), "e=4 d=3 c=2 ");
	assert_string_equal(scan(w, "", "", false, 2), "a=0 b=1 ");
	assert_string_equal(scan(w, "", "", true, 2), "e=4 d=3 ");
	assert_string_equal(scan(w, "a", "c", true, 1), "b=1 ");
	assert_string_equal(scan(w, "d", "b", false, 0), "");
	assert_string_equal(scan(w, "d", "b", true, 0), "");
	assert_string_equal(scan(w, "f", "z", false, 0), "");
	assert_string_equal(scan(w, "0", "1", true, 0), "");
	struct seen s = { .stop_at = 3 };
	struct data_range all = { .space = DATA_MAIN };
	assert_int_equal(data_scan(w->data, &all, see, &s, &w->why), RC_OK);
	assert_string_equal(s.text, "a=0 b=1 c=2 ");
}

/* Keys are bytes: 0, 255, prefixes of each other. */
static void binary_keys(void **state)
{
	struct world *w = *state;
	static const uint8_t keys[][4] = { { 0 }, { 0, 0 }, { 0, 1 }, { 1 }, { 'a', 0xff }, { 'b' },
		{ 0xff }, { 0xff, 0xff } };
	static const size_t lens[] = { 1, 2, 2, 1, 2, 1, 1, 2 };
	for (size_t i = 8; i-- > 0;)
		data_put(&w->b, DATA_MAIN, slice_of(keys[i], lens[i]), arena_fmt(&w->a, "%zu", i));
	assert_int_equal(world_commit(w), RC_OK);
	struct slice v;
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(data_get(w->data, DATA_MAIN, slice_of(keys[i], lens[i]), &w->a, &v,
					 &w->why),
			RC_OK);
		assert_int_equal(v.at[0], '0' + i);
	}
	struct seen s = { .n = 0 };
	struct data_range r = {
		.space = DATA_MAIN, .from = slice_of(keys[1], 2), .to = slice_of(keys[7], 2)
	};
	assert_int_equal(data_scan(w->data, &r, see, &s, &w->why), RC_OK);
	assert_int_equal(s.n, 6);
	s.n = 0;
	r.reverse = true;
	assert_int_equal(data_scan(w->data, &r, see, &s, &w->why), RC_OK);
	assert_int_equal(s.n, 6);
	uint8_t *longest = arena_try(&w->a, DATA_KEY_MAX);
	memset(longest, 'k', DATA_KEY_MAX);
	data_put(&w->b, DATA_MAIN, slice_of(longest, DATA_KEY_MAX), S("long"));
	assert_int_equal(world_commit(w), RC_OK);
	assert_int_equal(
		data_get(w->data, DATA_MAIN, slice_of(longest, DATA_KEY_MAX), &w->a, &v, &w->why),
		RC_OK);
	is(v, "long");
}

static bool measure(void *ctx, struct slice key, struct slice value)
{
	(void)key;
	*(size_t *)ctx += value.len;
	return true;
}

static void large_values(void **state)
{
	struct world *w = *state;
	uint8_t *big = arena_try(&w->a, LARGE);
	for (size_t i = 0; i < LARGE; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	for (int space = 0; space < DATA_SPACES; space++) {
		struct slice v;
		size_t sum = 0;
		data_put(&w->b, (enum data_space)space, S("big"), slice_of(big, LARGE));
		assert_int_equal(world_commit(w), RC_OK);
		assert_int_equal(
			data_get(w->data, (enum data_space)space, S("big"), &w->a, &v, &w->why),
			RC_OK);
		assert_true(slice_eq(v, slice_of(big, LARGE)));
		struct data_range all = { .space = (enum data_space)space };
		assert_int_equal(data_scan(w->data, &all, measure, &sum, &w->why), RC_OK);
		assert_int_equal(sum, LARGE);
	}
	struct arena small;
	struct slice v;
	arena_init(&small, 64 * 1024); /* who reads it has no room */
	assert_int_equal(data_get(w->data, DATA_MAIN, S("big"), &small, &v, &w->why), RC_LIMIT);
	arena_done(&small);
}

struct looked {
	unsigned calls;
	size_t len;
	uint64_t sum;
};

static void add_up(void *ctx, struct slice value)
{
	struct looked *l = ctx;
	l->calls++;
	l->len = value.len;
	for (size_t i = 0; i < value.len; i++)
		l->sum += value.at[i];
}

static struct looked look(struct world *w, enum data_space space, const char *key, enum rc want)
{
	struct looked l = { 0 };
	assert_int_equal(data_look(w->data, space, slice_str(key), add_up, &l, &w->why), want);
	assert_int_equal(l.calls, want == RC_OK);
	return l;
}

/* In the write buffer, in the block of a file, in a file of its own: once, whole, and as it is now. */
static void looks(void **state)
{
	enum { SMALL = 100, BIG = 200000 };
	struct world *w = *state;
	uint8_t *bytes = arena_try(&w->a, BIG);
	memset(bytes, 1, BIG);
	for (size_t space = 0; space < DATA_SPACES; space++) {
		enum data_space in = (enum data_space)space;
		look(w, in, "small", RC_NONE);
		data_put(&w->b, in, S("small"), slice_of(bytes, SMALL));
		data_put(&w->b, in, S("big"), slice_of(bytes, BIG));
		data_put(&w->b, in, S("empty"), S(""));
	}
	assert_int_equal(world_commit(w), RC_OK);
	for (int again = 0; again < 2; again++) {
		for (size_t space = 0; space < DATA_SPACES; space++) {
			enum data_space in = (enum data_space)space;
			assert_int_equal(look(w, in, "small", RC_OK).sum, SMALL);
			assert_int_equal(look(w, in, "big", RC_OK).sum, BIG);
			assert_int_equal(look(w, in, "empty", RC_OK).len, 0);
			look(w, in, "bi", RC_NONE);
			look(w, in, "big0", RC_NONE);
		}
		if (again || strcmp(w->engine, "memory") == 0)
			break;
		data_close(&w->data);
		world_open(w);
	}
	data_put(&w->b, DATA_BLOB, S("big"), S("\1"));
	data_delete(&w->b, DATA_MAIN, S("big"));
	data_add(&w->b, DATA_MAIN, S("n"), 7);
	assert_int_equal(world_commit(w), RC_OK);
	assert_int_equal(look(w, DATA_BLOB, "big", RC_OK).sum, 1);
	look(w, DATA_MAIN, "big", RC_NONE);
	assert_int_equal(look(w, DATA_MAIN, "n", RC_OK).sum, 7);
}

static void asserts(void **state)
{
	struct world *w = *state;
	struct data_stats before, after;
	data_stats(w->data, &before);
	data_assert_absent(&w->b, DATA_MAIN, S("a"));
	world_put(w, "a", "1");
	assert_int_equal(world_commit(w), RC_OK);
	data_assert_absent(&w->b, DATA_MAIN, S("a"));
	world_put(w, "a", "2");
	assert_int_equal(world_commit(w), RC_TAKEN);
	assert_int_equal(w->why.id, FAULT_CONFLICT);
	data_assert(&w->b, DATA_MAIN, S("a"), S("x"));
	world_put(w, "z", "not written");
	assert_int_equal(world_commit(w), RC_TAKEN);
	data_assert(&w->b, DATA_MAIN, S("none"), S(""));
	assert_int_equal(world_commit(w), RC_TAKEN);
	is(world_get(w, "z"), "(none)");
	data_assert(&w->b, DATA_MAIN, S("a"), S("1"));
	data_assert_absent(&w->b, DATA_BLOB, S("a"));
	world_put(w, "a", "2");
	assert_int_equal(world_commit(w), RC_OK);
	is(world_get(w, "a"), "2");
	data_assert(&w->b, DATA_MAIN, S("a"), S("2")); /* asserts alone: a question */
	assert_int_equal(world_commit(w), RC_OK);
	data_stats(w->data, &after);
	assert_int_equal(after.conflicts - before.conflicts, 3);
}

static void counters(void **state)
{
	struct world *w = *state;
	data_add(&w->b, DATA_MAIN, S("n"), 5);
	data_add(&w->b, DATA_MAIN, S("n"), -7);
	assert_int_equal(world_commit(w), RC_OK);
	assert_int_equal(data_counter(world_get(w, "n")), -2);
	data_add(&w->b, DATA_MAIN, S("n"), INT64_MAX);
	data_add(&w->b, DATA_MAIN, S("n"), 10);
	assert_int_equal(world_commit(w), RC_OK);
	assert_true(data_counter(world_get(w, "n")) == (int64_t)((uint64_t)INT64_MAX + 8));
	data_delete(&w->b, DATA_MAIN, S("n"));
	data_add(&w->b, DATA_MAIN, S("n"), 1);
	assert_int_equal(world_commit(w), RC_OK);
	assert_int_equal(data_counter(world_get(w, "n")), 1);
	data_assert(&w->b, DATA_MAIN, S("n"), world_get(w, "n"));
	data_add(&w->b, DATA_MAIN, S("n"), 41);
	assert_int_equal(world_commit(w), RC_OK);
	assert_int_equal(data_counter(world_get(w, "n")), 42);
	assert_int_equal(data_counter(S("short")), 0);
}

static void count_done(void *ctx)
{
	atomic_fetch_add((_Atomic int *)ctx, 1);
}

/* Submitted together: each sees the ones before it, whether they share a group or not. */
/* A large batch is written in the order of its keys; what it does to one key stays in its own order. */
static void order_on_a_key(void **state)
{
	struct world *w = *state;
	enum { KEYS = 97 };
	for (unsigned i = 0; i < 3 * KEYS; i++) {
		struct slice key = arena_fmt(&w->a, "o%02u", i * 31 % KEYS),
			     value = arena_fmt(&w->a, "%u", i / KEYS);
		if (i / KEYS == 1)
			data_delete(&w->b, DATA_MAIN, key);
		else
			data_put(&w->b, i % 2 ? DATA_BLOB : DATA_MAIN, key, value);
		data_put(&w->b, DATA_MAIN, key, value);
	}
	assert_int_equal(world_commit(w), RC_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "o%02u", i);
		is(world_get(w, key), "2");
	}
}

static void order_in_groups(void **state)
{
	enum { N = 300 };
	struct world *w = *state;
	static struct data_batch batches[N];
	_Atomic int done = 0;
	for (int i = 0; i < N; i++) {
		struct data_batch *b = &batches[i];
		data_batch_init(b, &w->a);
		if (i)
			data_assert(b, DATA_MAIN, S("chain"), arena_fmt(&w->a, "%d", i - 1));
		else
			data_assert_absent(b, DATA_MAIN, S("chain"));
		if (i % 10 == 5) /* this one loses, and leaves no trace */
			data_assert_absent(b, DATA_MAIN, S("chain"));
		data_put(b, DATA_MAIN, S("chain"), arena_fmt(&w->a, "%d", i % 10 == 5 ? -1 : i));
		if (i % 10 == 6)
			b->ops[0].value = arena_fmt(&w->a, "%d", i - 2);
	}
	for (int i = 0; i < N; i++)
		data_submit(w->data, &batches[i], count_done, &done);
	while (done < N)
		usleep(1000);
	for (int i = 0; i < N; i++)
		assert_int_equal(batches[i].rc, i % 10 == 5 ? RC_TAKEN : RC_OK);
	is(world_get(w, "chain"), "299");
	struct data_stats s;
	data_stats(w->data, &s);
	assert_int_equal(s.commits, N);
	assert_true(s.groups <= N - N / 10);
}

static void deletes_in_groups(void **state)
{
	struct world *w = *state;
	struct data_batch b[4];
	_Atomic int done = 0;
	for (int i = 0; i < 4; i++)
		data_batch_init(&b[i], &w->a);
	data_put(&b[0], DATA_MAIN, S("k"), S("1"));
	data_assert(&b[1], DATA_MAIN, S("k"), S("1"));
	data_delete(&b[1], DATA_MAIN, S("k"));
	data_assert(&b[2], DATA_MAIN, S("k"), S("1"));
	data_put(&b[2], DATA_MAIN, S("k"), S("wrong"));
	data_assert_absent(&b[3], DATA_MAIN, S("k"));
	data_put(&b[3], DATA_MAIN, S("k"), S("2"));
	for (int i = 0; i < 4; i++)
		data_submit(w->data, &b[i], count_done, &done);
	while (done < 4)
		usleep(1000);
	assert_int_equal(b[0].rc, RC_OK);
	assert_int_equal(b[1].rc, RC_OK);
	assert_int_equal(b[2].rc, RC_TAKEN);
	assert_int_equal(b[3].rc, RC_OK);
	is(world_get(w, "k"), "2");
}

int test_engine(const char *engine)
{
	struct world w = { .engine = engine };
	char name[64];
	(void)snprintf(name, sizeof(name), "engine %s", engine);
#define T(f) \
	{ \
#f, f, world_begin, world_end, &w \
	}
	const struct CMUnitTest tests[] = { T(puts_and_deletes), T(ranges), T(binary_keys),
		T(large_values), T(looks), T(asserts), T(counters), T(order_on_a_key),
		T(order_in_groups), T(deletes_in_groups) };
#undef T
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
