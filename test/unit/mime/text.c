/* text.c: HTML as text, and the text of parts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *in, *out;
} table[] = {
	{ "<p>Hello <b>world</b></p>", "Hello world\n" },
	{ "a&amp;b &lt;c&gt; &#246;&#xF6;&auml; &nosuch; &", "a&b <c> ööä &nosuch; &" },
	{ "<head><title>t</title><style>x{}</style></head><body>seen", "seen" },
	{ "<head><body>no end of head", "no end of head" },
	{ "<script>if (a < b) x()</script>y", "y" },
	{ "a<!-- hidden > --->b", "ab" },
	{ "a < b", "a < b" },
	{ "one<br>two<div>three</div>", "one\ntwo\nthree\n" },
	{ "<script>never closed", "" },
	{ "<a href=\"x", "" },
	{ "", "" },
};

static void strips_html(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		struct slice out;
		arena_init(&a, 0);
		assert_int_equal(mime_html_text(slice_str(table[i].in), &a, &out), RC_OK);
		assert_string_equal(arena_str(&a, out), table[i].out);
		arena_done(&a);
	}
}

static void reads_parts(void **)
{
	struct arena a;
	struct mime_part *p;
	struct slice out,
		m = S("Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
		      "Quoted-Printable\r\n\r\n<p>J=F6rg</p>\r\n");
	arena_init(&a, 0);
	assert_int_equal(mime_parse(m, &a, &p), RC_OK);
	assert_int_equal(mime_part_text(m, p, 1000, &a, &out), RC_OK);
	assert_true(slice_starts(out, S("Jörg")));
	m = S("Content-Type: image/png\r\n\r\nx");
	assert_int_equal(mime_parse(m, &a, &p), RC_OK);
	assert_int_equal(mime_part_text(m, p, 1000, &a, &out), RC_NONE);
	arena_done(&a);
}

int test_text(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strips_html),
		cmocka_unit_test(reads_parts) };
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
