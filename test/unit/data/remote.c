/* remote.c: A store on a server: other nodes write to it too; it is killed, stopped, and its connections are cut. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "link/breaker.h"
#include "run/run.h"
#include "server.h"
#include "world.h"
#include <pthread.h>

enum { NODES = 3, ROUNDS = 40, LOADERS = 4, ROWS = 5000 };

/* --- many nodes --- */

struct node {
	struct world w;
	pthread_t thread;
	int index;
	_Atomic int won;
	_Atomic bool *stop;
};

static void node_open(struct node *n, const char *engine, int index)
{
	*n = (struct node){ .w.engine = engine, .index = index };
	world_open(&n->w);
}

static void run_nodes(struct world *w, struct node *nodes, void *(*fn)(void *))
{
	for (int i = 0; i < NODES; i++)
		node_open(&nodes[i], w->engine, i);
	for (int i = 0; i < NODES; i++)
		assert_int_equal(pthread_create(&nodes[i].thread, NULL, fn, &nodes[i]), 0);
	for (int i = 0; i < NODES; i++) {
		pthread_join(nodes[i].thread, NULL);
		data_close(&nodes[i].w.data);
	}
}

/* Compare and swap between servers: each win counts once. */
static void *swap(void *arg)
{
	struct node *n = arg;
	while (n->won < ROUNDS) {
		struct arena a;
		struct data_batch b;
		struct slice v;
		uint64_t count = 0;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		if (data_get(n->w.data, DATA_MAIN, S("swap"), &a, &v, NULL) == RC_OK) {
			if (slice_u64(v, UINT64_MAX, &count) != RC_OK)
				abort();
			data_assert(&b, DATA_MAIN, S("swap"), v);
		} else {
			data_assert_absent(&b, DATA_MAIN, S("swap"));
		}
		data_put(&b, DATA_MAIN, S("swap"),
			arena_fmt(&a, "%llu", (unsigned long long)count + 1));
		data_add(&b, DATA_MAIN, S("sum"), 1);
		n->won += data_commit_now(n->w.data, &b, NULL) == RC_OK;
		arena_done(&a);
	}
	return NULL;
}

static void nodes_swap(void **state)
{
	struct world *w = *state;
	struct node nodes[NODES];
	run_nodes(w, nodes, swap);
	assert_true(slice_eq(world_get(w, "swap"), S("120")));
	assert_int_equal(data_counter(world_get(w, "sum")), NODES * ROUNDS);
}

/* Each asserts that the next node's key of the round is absent, and writes its own: never all of them. */
static void *skew(void *arg)
{
	struct node *n = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct arena a;
		struct data_batch b;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		data_assert_absent(
			&b, DATA_MAIN, arena_fmt(&a, "s%d-%d", i, (n->index + 1) % NODES));
		data_put(&b, DATA_MAIN, arena_fmt(&a, "s%d-%d", i, n->index), S("here"));
		enum rc rc = data_commit_now(n->w.data, &b, NULL);
		if (rc != RC_OK && rc != RC_TAKEN)
			abort();
		arena_done(&a);
	}
	return NULL;
}

static void nodes_assert_absence(void **state)
{
	struct world *w = *state;
	struct node nodes[NODES];
	run_nodes(w, nodes, skew);
	for (int i = 0; i < ROUNDS; i++) {
		int there = 0;
		for (int k = 0; k < NODES; k++)
			there += !slice_eq(
				world_get(w, (const char *)arena_fmt(&w->a, "s%d-%d", i, k).at),
				S("(none)"));
		assert_true(there > 0 && there < NODES);
	}
}

static void count_done(void *ctx)
{
	atomic_fetch_add((_Atomic int *)ctx, 1);
}

/* Another node changed a key: what loses is exactly what was built upon the old value, whatever shares its group. */
static void groups_beside_a_node(void **state)
{
	struct world *w = *state;
	struct node other;
	struct data_batch b[5];
	_Atomic int done = 0;
	world_put(w, "k", "1");
	assert_int_equal(world_commit(w), RC_OK);
	node_open(&other, w->engine, 0);
	arena_init(&other.w.a, 0);
	data_batch_init(&other.w.b, &other.w.a);
	world_put(&other.w, "k", "2");
	assert_int_equal(world_commit(&other.w), RC_OK);
	for (int i = 0; i < 5; i++)
		data_batch_init(&b[i], &w->a);
	data_assert(&b[0], DATA_MAIN, S("k"), S("1")); /* stale */
	data_put(&b[0], DATA_MAIN, S("x"), S("0"));
	data_put(&b[0], DATA_MAIN, S("y"), S("0"));
	data_assert_absent(&b[1], DATA_MAIN, S("x")); /* holds, for the first is lost */
	data_put(&b[1], DATA_MAIN, S("x"), S("1"));
	data_assert(&b[2], DATA_MAIN, S("y"), S("0")); /* was built upon the first */
	data_put(&b[2], DATA_MAIN, S("z"), S("2"));
	data_add(&b[3], DATA_BLOB, S("n"), 3);
	data_assert(&b[4], DATA_MAIN, S("k"), S("2"));
	data_assert(&b[4], DATA_MAIN, S("x"), S("1"));
	data_delete(&b[4], DATA_MAIN, S("k"));
	for (int i = 0; i < 5; i++)
		data_submit(w->data, &b[i], count_done, &done);
	while (done < 5)
		usleep(1000);
	static const enum rc want[] = { RC_TAKEN, RC_OK, RC_TAKEN, RC_OK, RC_OK };
	for (int i = 0; i < 5; i++)
		assert_int_equal(b[i].rc, want[i]);
	assert_true(slice_eq(world_get(&other.w, "x"), S("1")));
	assert_true(slice_eq(world_get(&other.w, "y"), S("(none)")));
	assert_true(slice_eq(world_get(&other.w, "k"), S("(none)")));
	data_close(&other.w.data);
	arena_done(&other.w.a);
}

/* --- long scans --- */

/* One batch of more than a server takes in one message. */
static void large_batch(void **state)
{
	enum { VALUES = 12, OCTETS = 3000000 };
	struct world *w = *state;
	uint8_t *bytes = arena_try(&w->a, OCTETS);
	for (size_t i = 0; i < OCTETS; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 9);
	for (int last = 1; last >= 0;
		last--) { /* what is refused leaves nothing, though pieces of it were sent */
		for (int i = 0; i < VALUES; i++)
			data_put(&w->b, DATA_BLOB, arena_fmt(&w->a, "v%02d", i),
				slice_of(bytes, OCTETS));
		data_assert_absent(&w->b, DATA_BLOB, S("v11"));
		data_add(&w->b, DATA_MAIN, S("n"), 1);
		assert_int_equal(world_commit(w), last ? RC_OK : RC_TAKEN);
	}
	for (int i = 0; i < VALUES; i++) {
		struct slice v;
		assert_int_equal(data_get(w->data, DATA_BLOB, arena_fmt(&w->a, "v%02d", i), &w->a,
					 &v, &w->why),
			RC_OK);
		assert_true(slice_eq(v, slice_of(bytes, OCTETS)));
	}
	assert_int_equal(data_counter(world_get(w, "n")), 1);
}

struct order {
	size_t n, most;
	bool reverse, wrong;
	size_t bytes;
};

static bool in_order(void *ctx, struct slice key, struct slice value)
{
	struct order *o = ctx;
	char want[16];
	(void)snprintf(want, sizeof(want), "r%05zu", o->reverse ? ROWS - 1 - o->n : o->n);
	o->wrong |= !slice_eq(key, slice_str(want));
	o->bytes += value.len;
	return ++o->n != o->most;
}

static void long_scans(void **state)
{
	static uint8_t bytes[2000];
	struct world *w = *state;
	for (size_t i = 0; i < ROWS; i++)
		data_put(&w->b, DATA_MAIN, arena_fmt(&w->a, "r%05zu", i),
			slice_of(bytes, i * 7919 % sizeof(bytes)));
	assert_int_equal(world_commit(w), RC_OK);
	static const struct {
		size_t limit, most, want;
	} rows[] = { { 0, 0, ROWS }, { 1, 0, 1 }, { 64, 0, 64 }, { 65, 0, 65 }, { 3000, 0, 3000 },
		{ 0, 1500, 1500 }, { 0, 1, 1 }, { ROWS, 0, ROWS } };
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct order o = { .most = rows[i / 2].most, .reverse = i % 2 };
		struct data_range r = {
			.space = DATA_MAIN, .limit = rows[i / 2].limit, .reverse = o.reverse
		};
		assert_int_equal(data_scan(w->data, &r, in_order, &o, &w->why), RC_OK);
		assert_int_equal(o.n, rows[i / 2].want);
		assert_false(o.wrong);
	}
}

/* --- a server that goes away --- */

/* Adds one at a time; what was answered with OK is counted. */
static void *load(void *arg)
{
	struct node *n = arg;
	while (!atomic_load(n->stop)) {
		struct arena a;
		struct data_batch b;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		data_add(&b, DATA_MAIN, S("count"), 1);
		data_put(&b, DATA_MAIN, arena_fmt(&a, "l%d-%d", n->index, n->won), S("there"));
		if (data_commit_now(n->w.data, &b, NULL) == RC_OK)
			n->won++;
		else
			usleep(2000); /* as a client that tries again */
		arena_done(&a);
	}
	return NULL;
}

static void until(struct node *nodes, int more)
{
	int sum = 0, start = 0;
	for (int i = 0; i < LOADERS; i++)
		start += nodes[i].won;
	for (int i = 0; i < 20000 && sum < start + more; i++) {
		usleep(1000);
		sum = 0;
		for (int k = 0; k < LOADERS; k++)
			sum += nodes[k].won;
	}
	assert_true(sum >= start + more);
}

/* Four sessions write while it happens; each OK is in the store once, and nothing that was refused is. */
static void under_load(struct world *w, const char *const *words, unsigned pause_us)
{
	struct node nodes[LOADERS];
	_Atomic bool stop = false;
	int64_t sum = 0;
	for (int i = 0; i < LOADERS; i++) {
		nodes[i] = (struct node){ .w = *w, .index = i, .stop = &stop };
		assert_int_equal(pthread_create(&nodes[i].thread, NULL, load, &nodes[i]), 0);
	}
	for (; *words; words++) {
		until(nodes, 20);
		server_do(*words);
		if (words[1] && strcmp(words[1], "cut") != 0) {
			usleep(pause_us);
			server_do(*++words);
		}
	}
	until(nodes, 20);
	atomic_store(&stop, true);
	for (int i = 0; i < LOADERS; i++) {
		pthread_join(nodes[i].thread, NULL);
		sum += nodes[i].won;
	}
	assert_int_equal(data_counter(world_get(w, "count")), sum);
	for (int i = 0; i < LOADERS; i++)
		assert_true(slice_eq(
			world_get(w,
				(const char *)arena_fmt(&w->a, "l%d-%d", i, nodes[i].won - 1).at),
			S("there")));
}

static void killed_and_started(void **state)
{
	static const char *const words[] = { "kill", "start", NULL };
	under_load(*state, words, 50000);
}

static void connections_cut(void **state)
{
	static const char *const words[] = { "cut", "cut", "cut", "cut", "cut", "cut", NULL };
	under_load(*state, words, 0);
}

static void stopped(void **state)
{
	static const char *const words[] = { "pause", "go_on", "pause", "go_on", NULL };
	under_load(*state, words, 1500000);
}

/* While it does not answer, the first calls wait their time; then the breaker is open, and others hear of it at once. */
static void fails_fast(void **state)
{
	struct world *w = *state;
	struct slice v;
	server_do("pause");
	for (int i = 0; i <= BREAKER_FAILURES; i++) {
		uint64_t began = run_now_us();
		assert_int_equal(data_get(w->data, DATA_MAIN, S("a"), &w->a, &v, &w->why), RC_TEMP);
		assert_int_equal(run_now_us() - began > 300000, i < BREAKER_FAILURES);
	}
	server_do("go_on");
	enum rc rc = RC_TEMP;
	for (int i = 0; i < 1000 && rc == RC_TEMP; i++, usleep(10000))
		rc = data_get(w->data, DATA_MAIN, S("a"), &w->a, &v, &w->why);
	assert_int_equal(rc, RC_NONE);
}

static void promises_are_checked(void **state)
{
	struct world *w = *state;
	struct link_server at = *server_at();
	struct data_options o = { .type = w->engine, .server = &at };
	data_close(&w->data);
	server_do("stop");
	server_do("start_weak");
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_BAD);
	assert_int_equal(w->why.id, FAULT_CONFIG);
	assert_non_null(strstr(w->why.detail, "durability"));
	at.relaxed = true;
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	data_close(&w->data);
	server_do("stop");
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_TEMP);
	server_do("start");
	world_open(w);
}

static int impatient(void **state)
{
	server_patience(400);
	return world_begin(state);
}

static int patient(void **state)
{
	server_patience(20000);
	return world_end(state);
}

int test_remote(const char *engine)
{
	struct world w = { .engine = engine };
	char name[64];
	(void)snprintf(name, sizeof(name), "remote %s", engine);
#define T(f, begin, end) \
	{ \
#f, f, begin, end, &w \
	}
	const struct CMUnitTest tests[] = { T(nodes_swap, world_begin, world_end),
		T(nodes_assert_absence, world_begin, world_end),
		T(groups_beside_a_node, world_begin, world_end),
		T(large_batch, world_begin, world_end), T(long_scans, world_begin, world_end),
		T(fails_fast, impatient, patient), T(killed_and_started, world_begin, world_end),
		T(connections_cut, world_begin, world_end), T(stopped, impatient, patient),
		T(promises_are_checked, world_begin, world_end) };
#undef T
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
