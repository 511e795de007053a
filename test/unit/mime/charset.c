/* charset.c: Character sets to UTF-8, declared, misdeclared and undeclared. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *charset;
	struct slice in;
	const char *out;
} table[] = {
	{ "utf-8", S("J\xc3\xb6rg"), "Jörg" },
	{ "UTF-8", S("J\xf6rg"), "J\xef\xbf\xbdrg" },
	{ "", S("J\xf6rg"), "Jörg" },
	{ "us-ascii", S("J\xf6rg"), "Jörg" },
	{ "us-ascii", S("J\xc3\xb6rg"), "Jörg" },
	{ "iso-8859-1", S("J\xf6rg \x80"), "Jörg €" },
	{ "windows-1252", S("\x93x\x94"), "“x”" },
	{ "iso-8859-2", S("\xb1"), "ą" },
	{ "windows-1251", S("\xcf\xf0"), "Пр" },
	{ "koi8-r", S("\xf0\xd2"), "Пр" },
	{ "iso-2022-jp", S("\x1b\x24\x42\x46\x7c\x1b\x28\x42"), "日" },
	{ "shift_jis", S("\x93\xfa"), "日" },
	{ "euc-jp", S("\xc6\xfc"), "日" },
	{ "gb2312", S("\xc8\xd5"), "日" },
	{ "big5", S("\xa4\xe9"), "日" },
	{ "ks_c_5601-1987", S("\xc7\xd1"), "한" },
	{ "utf-7", S("J+APY-rg"), "Jörg" },
	{ "unicode-1-1-utf-7", S("J+APY-rg"), "Jörg" },
	{ "utf-16be", S("\0J\0\xf6"), "Jö" },
	{ "utf-16le", S("J\0\xf6\0"), "Jö" },
	{ "x-unknown", S("J\xf6rg"), "Jörg" },
	{ "no-such-charset", S("J\xf6rg"), "Jörg" },
	{ "../../etc/passwd", S("J\xf6rg"), "Jörg" },
	{ "utf-8//IGNORE", S("x"), "x" },
	{ "shift_jis", S("a\x93"), "a\xef\xbf\xbd" },
};

static void converts(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		struct slice out;
		arena_init(&a, 0);
		assert_int_equal(
			mime_to_utf8(slice_str(table[i].charset), table[i].in, &a, &out), RC_OK);
		assert_string_equal(arena_str(&a, out), table[i].out);
		arena_done(&a);
	}
}

static void knows_names(void **)
{
	assert_true(mime_charset_known(S("utf-8")) && mime_charset_known(S("ISO-8859-15")));
	assert_false(mime_charset_known(S("klingon")) || mime_charset_known(S("utf-8//TRANSLIT")));
}

int test_charset(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(converts),
		cmocka_unit_test(knows_names) };
	return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
