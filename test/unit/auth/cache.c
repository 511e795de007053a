/* cache.c: The table of proved passwords: time runs out, space is bounded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void digest(uint8_t out[AUTH_DIGEST_LEN], uint64_t n)
{
	crypto_sha256(slice_of(&n, sizeof(n)), out);
}

static void forgets(void **state)
{
	(void)state;
	struct auth_cache *c = auth_cache_new(4096);
	uint64_t bytes, entries;
	uint8_t d[AUTH_DIGEST_LEN];
	digest(d, 1);
	assert_false(auth_cache_has(c, d, 5));
	auth_cache_add(c, d, 5, 100);
	assert_true(auth_cache_has(c, d, 99));
	assert_false(auth_cache_has(c, d, 100));
	auth_cache_add(c, d, 100, 200);
	auth_cache_add(c, d, 100, 300);
	auth_cache_stats(c, &bytes, &entries);
	assert_int_equal(entries, 1);
	for (uint64_t i = 0; i < 1000; i++) {
		digest(d, i);
		auth_cache_add(c, d, 100 + i, 2000 + i);
		assert_true(auth_cache_has(c, d, 1000));
	}
	auth_cache_stats(c, &bytes, &entries);
	assert_true(bytes <= 4096 + 256);
	assert_true(entries <= 4096 / 40);
	auth_cache_free(&c);
}

int test_cache(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(forgets) };
	return cmocka_run_group_tests_name("auth/cache", tests, NULL, NULL);
}
