/* locks.c: Who may open a maildrop, and when. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static enum fault_id take(struct pop3_locks *l, uint32_t account, bool exclusive, uint64_t now_ms)
{
	const struct pop3_lock_terms terms = {
		.is_exclusive = exclusive, .delay_ms = 100, .now_ms = now_ms
	};
	struct fault why = { 0 };
	enum rc rc = pop3_lock_take(l, account, &terms, &why);
	assert_true((rc == RC_OK) == (why.id == FAULT_NONE));
	return why.id;
}

static void one_at_a_time(void **)
{
	struct pop3_locks *l = pop3_locks_new();
	assert_int_equal(take(l, 1, true, 1000), FAULT_NONE);
	assert_int_equal(take(l, 1, true, 5000), FAULT_MAILDROP_IN_USE);
	assert_int_equal(take(l, 257, true, 5000), FAULT_NONE); /* its neighbour */
	assert_int_equal(take(l, 1, false, 5000), FAULT_NONE);
	pop3_lock_leave(l, 1);
	assert_int_equal(take(l, 1, true, 6000), FAULT_MAILDROP_IN_USE);
	pop3_lock_leave(l, 1);
	assert_int_equal(take(l, 1, true, 6000), FAULT_NONE);
	pop3_lock_leave(l, 1);
	pop3_lock_leave(l, 1); /* nothing is there to leave */
	assert_int_equal(take(l, 1, true, 7000), FAULT_NONE);
	pop3_locks_free(&l);
}

static void not_too_soon(void **)
{
	struct pop3_locks *l = pop3_locks_new();
	assert_int_equal(take(l, 1, true, 1000), FAULT_NONE);
	pop3_lock_leave(l, 1);
	assert_int_equal(take(l, 1, true, 1099), FAULT_LOGIN_TOO_SOON);
	assert_int_equal(take(l, 2, true, 1099), FAULT_NONE);
	assert_int_equal(take(l, 1, true, 1100), FAULT_NONE);
	pop3_locks_free(&l);
	assert_null(l);
}

int test_locks(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(not_too_soon),
	};
	return cmocka_run_group_tests_name("pop3/locks", tests, NULL, NULL);
}
