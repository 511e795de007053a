/* address.c: URLs of servers, taken apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/address.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void reads(void **)
{
	struct address a;
	assert_int_equal(address_read(S("redis://sentinel1:26379"), 1, &a), RC_OK);
	assert_string_equal(a.scheme, "redis");
	assert_string_equal(a.host, "sentinel1");
	assert_int_equal(a.port, 26379);
	assert_int_equal(address_read(S("rediss://ann:p%40ss:word@[::1]/3"), 6379, &a), RC_OK);
	assert_string_equal(a.host, "::1");
	assert_string_equal(a.user, "ann");
	assert_string_equal(a.secret, "p@ss:word");
	assert_true(a.port == 6379 && a.database == 3);
	assert_int_equal(address_read(S("127.0.0.1:80"), 1, &a), RC_OK);
	assert_true(a.port == 80 && a.scheme[0] == '\0' && a.secret[0] == '\0');
	assert_int_equal(address_read(S("redis://:secret@h"), 1, &a), RC_OK);
	assert_true(a.user[0] == '\0' && a.secret[0] == 's');
}

static void refuses(void **)
{
	static const char *const bad[] = { "", "redis://", ":80", "h:", "h:0", "h:70000", "h:x",
		"redis://u:%4@h", "redis://u:%00@h", "h/x", "waytoolongscheme_for_us://h" };
	struct address a;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(address_read(slice_str(bad[i]), 1, &a), RC_BAD);
}

int test_address(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests_name("link/address", tests, NULL, NULL);
}
