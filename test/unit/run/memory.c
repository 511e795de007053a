/* memory.c: The budget: measuring, levels, hooks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "base/metric.h"
#include "run/memory.h"

static size_t asked;

static void give(void *arg, size_t bytes)
{
	assert_ptr_equal(arg, &asked);
	asked += bytes;
}

enum { CACHED = 1000 };

static void size(void *arg, uint64_t *cached, uint64_t *beyond)
{
	assert_ptr_equal(arg, &asked);
	*cached = CACHED;
	*beyond = 0;
}

static void levels(void **state)
{
	struct run_memory_stats s;
	(void)state;
	const struct run_memory_keeper keeper = {
		.name = "test", .evict = give, .size = size, .arg = &asked
	};
	assert_int_equal(run_memory_keep(&keeper), RC_OK);
	run_memory_limit((uint64_t)1 << 40);
	run_memory_sample(&s);
	assert_true(s.rss > 0 && s.pss > 0 && s.pss <= s.rss && s.percent < RUN_MEMORY_EVICT);
	assert_true(s.anonymous + s.files == s.rss);
	uint64_t sum = s.rest;
	for (size_t k = 0; k < MEM_KINDS; k++)
		sum += s.kinds[k];
	for (size_t i = 0; i < s.keepers_n; i++)
		sum += s.keepers[i].beyond;
	assert_true(sum == s.allocated && s.allocated <= s.active && s.active <= s.resident);
	assert_true(s.cached == CACHED && s.keepers_n == 1);
	assert_true(metric_get(METRIC_MEMORY_RSS) == s.rss);
	assert_true(metric_get(METRIC_MEMORY_REST) == s.rest);
	assert_false(run_memory_refuse());
	assert_int_equal(asked, 0);
	run_memory_limit(s.rss * 10 / 9);
	run_memory_sample(&s);
	assert_true(asked > 0);
	run_memory_limit(s.rss / 2);
	run_memory_sample(&s);
	assert_true(run_memory_refuse());
	run_memory_limit((uint64_t)1 << 40);
	run_memory_sample(&s);
	assert_false(run_memory_refuse());
	run_memory_stats(&s);
	assert_true(s.limit == (uint64_t)1 << 40);
}

int test_memory(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(levels) };
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
