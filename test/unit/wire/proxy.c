/* proxy.c: PROXY headers, text and binary. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proxy.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *text;
	enum rc rc;
	enum proxy_family family;
	uint16_t port;
} texts[] = {
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 1024 25\r\nEHLO", RC_OK, PROXY_IPV4, 1024 },
	{ "PROXY TCP6 2001:db8::1 ::1 9 25\r\nEHLO", RC_OK, PROXY_IPV6, 9 },
	{ "PROXY UNKNOWN\r\nEHLO", RC_OK, PROXY_NONE, 0 },
	{ "PROXY UNKNOWN ff 1 2\r\nEHLO", RC_OK, PROXY_NONE, 0 },
	{ "PROXY TCP4 1.2.3.4", RC_MORE, PROXY_NONE, 0 },
	{ "PRO", RC_MORE, PROXY_NONE, 0 },
	{ "", RC_MORE, PROXY_NONE, 0 },
	{ "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", RC_BAD, PROXY_NONE, 0 },
	{ "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", RC_BAD, PROXY_NONE, 0 },
	{ "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", RC_BAD, PROXY_NONE, 0 },
	{ "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", RC_BAD, PROXY_NONE, 0 },
	{ "PROXY TCP4 ::1 1.2.3.4 1 2\r\n", RC_BAD, PROXY_NONE, 0 },
	{ "EHLO x\r\n", RC_BAD, PROXY_NONE, 0 },
};

static void reads_text(void **)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct slice in = slice_str(texts[i].text);
		struct proxy_head head;
		assert_int_equal(proxy_parse(&in, &head), texts[i].rc);
		if (texts[i].rc != RC_OK) {
			assert_int_equal(in.len, slice_str(texts[i].text).len);
			continue;
		}
		assert_int_equal(head.family, texts[i].family);
		assert_int_equal(head.src_port, texts[i].port);
		assert_true(slice_eq(in, S("EHLO")));
	}
}

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static void reads_binary(void **)
{
	struct proxy_head head;
	struct slice in = S(SIG "\x21\x11\0\x14\xc0\0\2\1\xc0\0\2\2\4\0\0\x19\x20\0\5\1\0\0\0\0X");
	assert_int_equal(proxy_parse(&in, &head), RC_OK);
	assert_int_equal(head.family, PROXY_IPV4);
	assert_int_equal(head.src_port, 1024);
	assert_int_equal(head.src[3], 1);
	assert_true(head.is_tls);
	assert_true(slice_eq(in, S("X")));
	in = S(SIG "\x20\0\0\0");
	assert_int_equal(proxy_parse(&in, &head), RC_OK);
	assert_int_equal(head.family, PROXY_NONE);
	in = S(SIG "\x21\x11\0\x0c\xc0\0\2\1");
	assert_int_equal(proxy_parse(&in, &head), RC_MORE);
	in = S(SIG "\x21\x11\0\x04\xc0\0\2\1");
	assert_int_equal(proxy_parse(&in, &head), RC_BAD);
	in = S(SIG "\x11\x11\0\0");
	assert_int_equal(proxy_parse(&in, &head), RC_BAD);
	in = S(SIG "\x21\x11\xff\xff");
	assert_int_equal(proxy_parse(&in, &head), RC_LIMIT);
}

int test_proxy(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_text),
		cmocka_unit_test(reads_binary),
	};
	return cmocka_run_group_tests_name("wire/proxy", tests, NULL, NULL);
}
