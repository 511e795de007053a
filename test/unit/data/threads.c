/* threads.c: Sixteen threads on one store: asserts as compare-and-swap, counters, readers beside writers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <pthread.h>

enum { THREADS = 16, ROUNDS = 25, PAIRS = 8 };

static struct slice read_key(struct world *w, struct slice key, struct arena *a)
{
	struct slice v;
	enum rc rc = data_get(w->data, DATA_MAIN, key, a, &v, NULL);
	return rc == RC_OK ? v : S("");
}

/* Reads a number, asserts it, writes the next: whoever loses tries again. */
static void *swap(void *arg)
{
	struct world *w = arg;
	for (int done = 0; done < ROUNDS;) {
		struct arena a;
		struct data_batch b;
		uint64_t n = 0;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		struct slice v = read_key(w, S("swap"), &a);
		if (v.len) {
			if (slice_u64(v, UINT64_MAX, &n) != RC_OK)
				abort();
			data_assert(&b, DATA_MAIN, S("swap"), v);
		} else {
			data_assert_absent(&b, DATA_MAIN, S("swap"));
		}
		data_put(
			&b, DATA_MAIN, S("swap"), arena_fmt(&a, "%llu", (unsigned long long)n + 1));
		data_add(&b, DATA_MAIN, S("sum"), 1);
		done += data_commit_now(w->data, &b, NULL) == RC_OK;
		arena_done(&a);
	}
	return NULL;
}

static void run_all(struct world *w, void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, w), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void compare_and_swap(void **state)
{
	struct world *w = *state;
	run_all(w, swap);
	assert_true(slice_eq(world_get(w, "swap"), S("400")));
	assert_int_equal(data_counter(world_get(w, "sum")), THREADS * ROUNDS);
}

static void *add(void *arg)
{
	struct world *w = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct arena a;
		struct data_batch b;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		data_add(&b, DATA_MAIN, S("count"), i);
		if (data_commit_now(w->data, &b, NULL) != RC_OK)
			abort();
		arena_done(&a);
	}
	return NULL;
}

static void adds(void **state)
{
	struct world *w = *state;
	struct data_stats s;
	run_all(w, add);
	assert_int_equal(data_counter(world_get(w, "count")), THREADS * ROUNDS * (ROUNDS - 1) / 2);
	data_stats(w->data, &s);
	assert_true(s.groups <= s.commits);
}

struct pairs {
	int n;
	bool torn;
	char first[64];
};

static bool look(void *ctx, struct slice key, struct slice value)
{
	struct pairs *p = ctx;
	(void)key;
	if (p->n++ == 0)
		(void)snprintf(p->first, sizeof(p->first), "%.*s", FMT(value));
	else
		p->torn |= !slice_eq(value, slice_str(p->first));
	return true;
}

static _Atomic int writers;

/* Half write PAIRS keys alike in one batch, half scan them: a scan never sees a batch by half. */
static void *whole_batches(void *arg)
{
	static _Atomic int turn;
	struct world *w = arg;
	bool writes = atomic_fetch_add(&turn, 1) % 2 == 0;
	for (int i = 0; writes ? i < ROUNDS : atomic_load(&writers) > 0; i++) {
		struct arena a;
		struct data_batch b;
		struct pairs p = { .n = 0 };
		struct data_range r = {
			.space = DATA_MAIN, .from = S("p"), .to = S("q"), .reverse = i % 2
		};
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		for (int k = 0; writes && k < PAIRS; k++)
			data_put(&b, DATA_MAIN, arena_fmt(&a, "p%d", k),
				arena_fmt(&a, "%d-%p", i, (void *)&p));
		if ((writes ? data_commit_now(w->data, &b, NULL)
			    : data_scan(w->data, &r, look, &p, NULL)) != RC_OK)
			abort();
		if (p.torn || (p.n && p.n != PAIRS))
			abort();
		arena_done(&a);
	}
	if (writes)
		atomic_fetch_sub(&writers, 1);
	return NULL;
}

static void scans_beside_writes(void **state)
{
	atomic_store(&writers, THREADS / 2);
	run_all(*state, whole_batches);
}

int test_threads(const char *engine)
{
	struct world w = { .engine = engine };
	char name[64];
	(void)snprintf(name, sizeof(name), "threads %s", engine);
#define T(f) \
	{ \
#f, f, world_begin, world_end, &w \
	}
	const struct CMUnitTest tests[] = { T(compare_and_swap), T(adds), T(scans_beside_writes) };
#undef T
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
