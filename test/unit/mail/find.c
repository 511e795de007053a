/* find.c: Words are found in bytes at every place and length as a plain search over folded bytes finds them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/find.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HAY = 100, ROUNDS = 200000 };

static size_t plainly(struct slice in, struct slice lower)
{
	uint8_t folded[HAY];
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	return slice_search(slice_of(folded, in.len), lower);
}

/* Few different octets, so that there are many half hits; the octets beside letters by one bit are among them. */
static void as_a_plain_search(void **state)
{
	static const char hay_set[] = "aAbB@`[{ \xe4\xc4", lower_set[] = "aab@`[{ \xe4";
	uint64_t x = 88172645463325252u;
	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		uint8_t hay[HAY], lower[8];
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		size_t n = x % (HAY + 1), m = 1 + (x >> 8) % sizeof(lower);
		uint64_t y = x;
		for (size_t i = 0; i < n; i++) {
			y = y * 6364136223846793005u + 1442695040888963407u;
			hay[i] = (uint8_t)hay_set[(y >> 33) % (sizeof(hay_set) - 1)];
		}
		for (size_t i = 0; i < m; i++) {
			y = y * 6364136223846793005u + 1442695040888963407u;
			lower[i] = (uint8_t)lower_set[(y >> 33) % (sizeof(lower_set) - 1)];
		}
		struct slice in = slice_of(hay, n), what = slice_of(lower, m);
		assert_int_equal(find_text(in, what), plainly(in, what));
	}
}

static void at_the_edges(void **state)
{
	(void)state;
	assert_int_equal(find_text(S("abc"), S("")), 0);
	assert_int_equal(find_text(S(""), S("a")), 0);
	assert_int_equal(find_text(S("ab"), S("abc")), 2);
	assert_int_equal(find_text(S("0123456789abcdeNEEDLE"), S("needle")), 15);
	assert_true(find_is_ascii(S("")));
	for (size_t n = 1; n < 50; n++) {
		uint8_t bytes[50];
		memset(bytes, 127, sizeof(bytes));
		assert_true(find_is_ascii(slice_of(bytes, n)));
		bytes[n - 1] = 128;
		assert_false(find_is_ascii(slice_of(bytes, n)));
	}
}

int test_find(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_a_plain_search),
		cmocka_unit_test(at_the_edges) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
