/* sharded.c: Several stores as one; adding one moves only its share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"

enum { KEYS = 2000 };

static struct data *memory(void)
{
	struct data *data;
	struct fault why;
	const struct data_options o = { .type = "memory", .path = "" };
	assert_int_equal(data_open(&o, &data, &why), RC_OK);
	return data;
}

static struct lookup *spread(struct data *const *data, size_t n, bool is_modulo)
{
	static const char *const names[] = { "one", "two", "three", "four" };
	struct lookup_shard shards[4];
	for (size_t i = 0; i < n; i++)
		shards[i] = (struct lookup_shard){ names[i], lookup_open_data(data[i], NULL) };
	return lookup_open_sharded(shards, n, is_modulo);
}

static struct lookup_key nth(struct arena *a, size_t i)
{
	return key_of(LOOKUP_OAUTH, "", (const char *)arena_fmt(a, "key-%zu", i).at);
}

static void fill(struct lookup *l, struct arena *a)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct lookup_key k = nth(a, i);
		assert_int_equal(lookup_set(l, &k, S("x"), 0, NULL), RC_OK);
	}
}

static size_t found(struct lookup *l, struct arena *a)
{
	size_t n = 0;
	struct slice value;
	for (size_t i = 0; i < KEYS; i++) {
		struct lookup_key k = nth(a, i);
		n += lookup_get(l, &k, a, &value, NULL) == RC_OK;
	}
	return n;
}

/* Of 2000 keys over three stores, one of four is elsewhere when a fourth comes: 500, give or take. */
static void adding_one_moves_its_share(void **)
{
	struct data *data[4] = { memory(), memory(), memory(), memory() };
	struct arena a;
	arena_init(&a, 0);
	struct lookup *three = spread(data, 3, false);
	fill(three, &a);
	for (size_t i = 0; i < 3; i++) {
		struct lookup *one = lookup_open_data(data[i], NULL);
		size_t n = found(one, &a);
		assert_true(n > KEYS / 3 - 150 && n < KEYS / 3 + 150);
		lookup_close(&one);
	}
	struct lookup *four = spread(data, 4, false);
	size_t stayed = found(four, &a);
	assert_true(stayed > KEYS * 3 / 4 - 150 && stayed < KEYS * 3 / 4 + 150);
	lookup_close(&three);
	lookup_close(&four);
	arena_done(&a);
	for (size_t i = 0; i < 4; i++)
		data_close(&data[i]);
}

static int suite(bool is_modulo)
{
	struct data *data[3] = { memory(), memory(), memory() };
	int failed =
		test_engine(is_modulo ? "lookup/engine/sharded/modulo" : "lookup/engine/sharded",
			spread(data, 3, is_modulo));
	for (size_t i = 0; i < 3; i++)
		data_close(&data[i]);
	return failed;
}

/* Redis and Memcached together. */
static int mixed(void)
{
	static struct server redis, memcached;
	struct lookup_shard shards[2] = { { .name = "redis" }, { .name = "memcached" } };
	char urls[2][64];
	const char *one[] = { urls[0] }, *two[] = { urls[1] };
	struct redis_conf r = redis_options(one, 1);
	const struct memcached_conf m = {
		.urls = two, .urls_n = 1, .timeout_ms = 1000, .connections = 8, .tls_ca = ""
	};
	redis_server(&redis, world_port());
	memcached_server(&memcached, world_port());
	server_start(&redis);
	server_start(&memcached);
	(void)snprintf(urls[0], sizeof(urls[0]), "127.0.0.1:%u", redis.port);
	(void)snprintf(urls[1], sizeof(urls[1]), "127.0.0.1:%u", memcached.port);
	assert_int_equal(lookup_open_redis(&r, &shards[0].lookup, NULL), RC_OK);
	assert_int_equal(lookup_open_memcached(&m, &shards[1].lookup, NULL), RC_OK);
	int failed =
		test_engine("lookup/engine/sharded/mixed", lookup_open_sharded(shards, 2, false));
	server_kill(&redis);
	server_kill(&memcached);
	return failed;
}

int test_sharded(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_one_moves_its_share),
	};
	return cmocka_run_group_tests_name("lookup/sharded", tests, NULL, NULL) + suite(false) +
	       suite(true) + mixed();
}
