/* memcached.c: Meta commands written, replies read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/memcached.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void writes(void **)
{
	struct arena a;
	struct buf b;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	memcached_get(&b, S("foo"));
	memcached_set(&b, &(struct memcached_put){ .key = S("fo"), .value = S("v"), .ttl_s = 9 });
	memcached_set(&b,
		&(struct memcached_put){ .key = S("f"), .value = S(""), .cas = 7, .is_add = true });
	memcached_delete(&b, S("\377\377\377"), 3);
	assert_true(slice_eq(buf_slice(&b),
		S("mg Zm9v b v c\r\nms Zm8= 1 b T9\r\nv\r\nms Zg== 0 b T0 C7 ME\r\n\r\n"
		  "md //// b C3\r\n")));
	arena_done(&a);
}

static void reads(void **)
{
	static const char all[] =
		"VA 4 c12 b\r\na\r\nb\r\nHD c9\r\nEN\r\nNS\r\nEX b\r\nNF\r\nMN\r\n"
		"SERVER_ERROR out of memory\r\n";
	static const enum memcached_code codes[] = { MEMCACHED_VA, MEMCACHED_HD, MEMCACHED_EN,
		MEMCACHED_NS, MEMCACHED_EX, MEMCACHED_NF, MEMCACHED_MN, MEMCACHED_ERROR };
	struct slice in = slice_of(all, sizeof(all) - 1);
	struct memcached_reply r;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(memcached_parse(&in, 100, &r), RC_OK);
		assert_int_equal(r.code, codes[i]);
		if (i == 0)
			assert_true(slice_eq(r.value, S("a\r\nb")) && r.cas == 12);
		if (i == 1)
			assert_int_equal(r.cas, 9);
	}
	assert_int_equal(in.len, 0);
	assert_true(slice_eq(r.text, S("SERVER_ERROR out of memory")));
	for (size_t i = 0; i < sizeof("VA 4 c12 b\r\na\r\nb\r\n") - 1; i++) {
		in = slice_of(all, i);
		assert_int_equal(memcached_parse(&in, 100, &r), RC_MORE);
		assert_int_equal(in.len, i);
	}
}

static void refuses(void **)
{
	static const char *const bad[] = { "HD\n", "XX\r\n", "VA x\r\n", "VA 1\r\nabc\r\n", "\r\n",
		"HD cx\r\n" };
	struct memcached_reply r;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct slice in = slice_str(bad[i]);
		assert_int_equal(memcached_parse(&in, 100, &r), RC_BAD);
	}
	struct slice in = S("VA 101\r\n");
	assert_int_equal(memcached_parse(&in, 100, &r), RC_LIMIT);
}

int test_memcached(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests_name("wire/memcached", tests, NULL, NULL);
}
