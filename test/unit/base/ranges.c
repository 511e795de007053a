/* ranges.c: Sets of numbers against a plain bit map. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ranges.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TOP = 300 };

static uint32_t pick(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void compare(const struct ranges *r, const bool *map)
{
	uint64_t below = 0;
	for (uint32_t i = 0; i < TOP; i++) {
		assert_int_equal(ranges_has(r, i), map[i]);
		assert_int_equal(ranges_below(r, i), below);
		below += map[i];
	}
	assert_int_equal(ranges_count(r), below);
	for (size_t i = 1; i < r->n; i++)
		assert_true(r->at[i].lo > r->at[i - 1].hi + 1); /* [ranges 1] */
}

static void is_a_set(void **state)
{
	(void)state;
	uint32_t seed = 1;
	struct ranges r = { 0 }, copy = { 0 };
	bool map[TOP] = { false };
	struct buf b;
	for (unsigned turn = 0; turn < 2000; turn++) {
		uint32_t lo = pick(&seed) % TOP, hi = lo + pick(&seed) % 10;
		bool add = pick(&seed) % 2;
		hi = hi < TOP ? hi : TOP - 1;
		if (add)
			assert_int_equal(ranges_add(&r, lo, hi), RC_OK);
		else
			ranges_remove(&r, lo, hi);
		for (uint32_t i = lo; i <= hi; i++)
			map[i] = add;
		compare(&r, map);
	}
	buf_init(&b, 0, NULL);
	ranges_write(&r, &b);
	struct slice in = buf_slice(&b);
	assert_int_equal(ranges_read(&in, &copy), RC_OK);
	assert_int_equal(in.len, 0);
	compare(&copy, map);
	ranges_clear(&r);
	assert_int_equal(ranges_add(&r, 7, 9), RC_OK);
	assert_int_equal(ranges_add(&r, 1, 1), RC_OK);
	assert_int_equal(ranges_add(&r, UINT32_MAX, UINT32_MAX), RC_OK);
	buf_reset(&b);
	ranges_text(&r, &b);
	assert_true(slice_eq(buf_slice(&b), S("1,7:9,4294967295")));
	buf_done(&b);
	ranges_done(&r);
	ranges_done(&copy);
}

int test_ranges(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(is_a_set) };
	return cmocka_run_group_tests_name("base ranges", tests, NULL, NULL);
}
