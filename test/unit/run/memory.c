/* memory.c: The budget: measuring, levels, hooks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "run/memory.h"

static size_t asked;

static void give(void *arg, size_t bytes)
{
	assert_ptr_equal(arg, &asked);
	asked += bytes;
}

static void levels(void **state)
{
	struct run_memory_stats s;
	(void)state;
	assert_true(run_memory_default() > 1 << 20);
	assert_int_equal(run_memory_hook("test", give, &asked), RC_OK);
	run_memory_limit((uint64_t)1 << 40);
	run_memory_sample(&s);
	assert_true(s.resident > 0 && s.percent < RUN_MEMORY_EVICT);
	assert_false(run_memory_refuse());
	assert_int_equal(asked, 0);
	run_memory_limit(s.resident * 10 / 9);
	run_memory_sample(&s);
	assert_true(asked > 0);
	run_memory_limit(s.resident / 2);
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
