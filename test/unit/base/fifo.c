/* fifo.c: What a cache lets go: bytes are counted right, a scan leaves what is used, what comes back stays. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fifo.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEYS = 20000, HOT = 80, SIZE = 100, ROOM = 10000 };

struct cache {
	struct fifo fifo;
	struct fifo_node nodes[KEYS]; /* the key is the index */
	unsigned hits, misses;
};

static uint64_t hash_of(size_t key)
{
	uint64_t h = (key + 1) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static void use(struct cache *c, size_t key)
{
	struct fifo_node *n = &c->nodes[key];
	if (n->is_listed) {
		fifo_hit(n);
		c->hits++;
		return;
	}
	c->misses++;
	*n = (struct fifo_node){ 0 };
	fifo_add(&c->fifo, n, hash_of(key), SIZE);
	while (fifo_bytes(&c->fifo) > c->fifo.max)
		assert_non_null(fifo_evict(&c->fifo));
}

static struct cache *new_cache(void)
{
	struct cache *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	fifo_init(&c->fifo, ROOM);
	return c;
}

/* LRU would lose all of the hot ones to each pass. */
static void scan_leaves_what_is_used(void **state)
{
	struct cache *c = new_cache();
	(void)state;
	for (int round = 0; round < 5; round++)
		for (size_t k = 0; k < HOT; k++)
			use(c, k);
	c->hits = c->misses = 0;
	for (size_t k = HOT; k < KEYS; k++) {
		use(c, k);
		if (k % 200 == 0)
			use(c, k / 200 % HOT);
	}
	unsigned left = 0;
	for (size_t k = 0; k < HOT; k++)
		left += c->nodes[k].is_listed;
	assert_true(left >= HOT * 9 / 10);
	free(c);
}

static void what_comes_back_stays(void **state)
{
	struct cache *c = new_cache();
	(void)state;
	size_t k = 0;
	for (; k < 150; k++)
		use(c, k);
	assert_false(c->nodes[45].is_listed);
	use(c, 45);
	assert_true(c->nodes[45].is_main);
	free(c);
}

static void bytes_are_counted(void **state)
{
	struct cache *c = new_cache();
	(void)state;
	srand(7);
	for (int i = 0; i < 200000; i++) {
		size_t k = (size_t)rand() % 500;
		if (rand() % 10 == 0)
			fifo_remove(&c->fifo, &c->nodes[k]);
		else
			use(c, k);
		assert_true(fifo_bytes(&c->fifo) <= ROOM);
	}
	size_t n = 0;
	for (size_t k = 0; k < KEYS; k++)
		n += c->nodes[k].is_listed;
	assert_int_equal(fifo_count(&c->fifo), n);
	assert_int_equal(fifo_bytes(&c->fifo), n * SIZE);
	assert_true(n >= 60);
	while (fifo_evict(&c->fifo))
		n--;
	assert_int_equal(n, 0);
	assert_int_equal(fifo_bytes(&c->fifo), 0);
	free(c);
}

int test_fifo(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_leaves_what_is_used),
		cmocka_unit_test(what_comes_back_stays),
		cmocka_unit_test(bytes_are_counted),
	};
	return cmocka_run_group_tests_name("base: fifo", tests, NULL, NULL);
}
