/* breaker.c: When a breaker opens, whom it lets try, when it closes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/breaker.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void opens_and_tries(void **)
{
	struct breaker b;
	breaker_init(&b);
	for (unsigned i = 0; i < BREAKER_FAILURES; i++) {
		assert_true(breaker_lets(&b, 1000));
		assert_int_equal(breaker_bad(&b, 1000), i + 1 == BREAKER_FAILURES);
	}
	assert_false(breaker_lets(&b, 1000));
	assert_true(breaker_is_open(&b, 1000 + BREAKER_PAUSE_MS - 1));
	assert_true(breaker_lets(&b, 1000 + BREAKER_PAUSE_MS));
	assert_false(breaker_lets(&b, 1000 + BREAKER_PAUSE_MS)); /* one at a time */
	breaker_none(&b);
	assert_true(breaker_lets(&b, 1000 + BREAKER_PAUSE_MS));
	assert_false(breaker_bad(&b, 2000)); /* it was open already */
	assert_false(breaker_lets(&b, 2000 + 2 * BREAKER_PAUSE_MS - 1)); /* twice as long */
	assert_true(breaker_lets(&b, 2000 + 2 * BREAKER_PAUSE_MS));
	breaker_good(&b);
	assert_true(breaker_lets(&b, 2501) && breaker_lets(&b, 2501));
	breaker_done(&b);
}

static void late_failures_change_nothing(void **)
{
	struct breaker b;
	breaker_init(&b);
	for (unsigned i = 0; i < 10; i++)
		breaker_bad(&b, 1000); /* of calls that were under way when it opened */
	assert_false(breaker_lets(&b, 1000 + BREAKER_PAUSE_MS - 1));
	assert_true(breaker_lets(&b, 1000 + BREAKER_PAUSE_MS));
	breaker_done(&b);
}

int test_breaker(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_and_tries),
		cmocka_unit_test(late_failures_change_nothing),
	};
	return cmocka_run_group_tests_name("link/breaker", tests, NULL, NULL);
}
