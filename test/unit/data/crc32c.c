/* crc32c.c: The checksum by instruction against the library's own, and against RFC 3720. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/crc32c.h"
#include "groups.h"
#include "world.h"

#if defined(__x86_64__)
/* RFC 3720 B.4 */
static void known(void **state)
{
	char zeros[32] = { 0 }, ones[32], rising[32];
	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < sizeof(rising); i++)
		rising[i] = (char)i;
	assert_int_equal(crc32c_extend(0, zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(crc32c_extend(0, ones, sizeof(ones)), 0x62a8ab43);
	assert_int_equal(crc32c_extend(0, rising, sizeof(rising)), 0x46dd794e);
	assert_int_equal(crc32c_extend(0, "", 0), 0);
	assert_true(crc32c_check());
}

/* Every length and offset, and sums that go on: the files of either can be read by the other. */
static void as_the_library(void **state)
{
	char bytes[600];
	uint32_t seed = 4711;
	(void)state;
	assert_ptr_not_equal(crc32c_library, crc32c_extend);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (char)(seed >> 24);
	}
	for (size_t from = 0; from < 16; from++)
		for (size_t len = 0; from + len <= sizeof(bytes); len++)
			assert_int_equal(crc32c_extend(seed + (uint32_t)len, bytes + from, len),
				crc32c_library(seed + (uint32_t)len, bytes + from, len));
}
#endif

int test_crc32c(void)
{
#if defined(__x86_64__)
	const struct CMUnitTest tests[] = { cmocka_unit_test(known),
		cmocka_unit_test(as_the_library) };
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0; /* the library's own is used */
#endif
}
