/* param.c: Content-Type and Content-Disposition with RFC 2231's continuations, and broken ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* type/subtype;name=value;... */
static struct slice shown(struct slice value, struct arena *a)
{
	struct mime_params p;
	struct buf b;
	buf_init(&b, 0, a);
	if (mime_params(value, a, &p) != RC_OK)
		return S("none");
	buf_fmt(&b, "%.*s/%.*s", FMT(p.type), FMT(p.subtype));
	for (size_t i = 0; i < p.n; i++)
		buf_fmt(&b, ";%.*s=%.*s", FMT(p.at[i].name), FMT(p.at[i].value));
	return buf_slice(&b);
}

static const struct {
	const char *in, *out;
} table[] = {
	{ "text/plain", "text/plain" },
	{ "text/plain; charset=utf-8", "text/plain;charset=utf-8" },
	{ "Text/HTML ; Charset = \"a b\" ;x=y", "Text/HTML;Charset=a b;x=y" },
	{ "text/plain; charset=us-ascii (Plain text)", "text/plain;charset=us-ascii" },
	{ "text/plain;;; charset=x;", "text/plain;charset=x" },
	{ "attachment; filename=a file.txt", "attachment/;filename=a file.txt" },
	{ "attachment; filename=\"a \\\"q\\\" b\"", "attachment/;filename=a \"q\" b" },
	{ "m/e; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/x\"", "m/e;URL=ftp://cs.utk.edu/x" },
	{ "a/x; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun", "a/x;title=This is ***fun" },
	{ "a/x; t*1*=%2A%2A; t*0*=us-ascii'en'This%20is; t*2=\"nt it!\"", "a/x;t=This is**nt it!" },
	{ "a/b; f*=utf-8''J%C3%B6rg", "a/b;f=Jörg" },
	{ "a/b; f*=iso-8859-1''J%F6rg; f=Joerg", "a/b;f=Jörg" },
	{ "text", "text/" },
	{ "/", "none" },
	{ "", "none" },
	{ "; charset=x", "none" },
	{ "a/b; x=\"open", "a/b;x=open" },
	{ "multipart/mixed; boundary=\"----=_x:y/z\"", "multipart/mixed;boundary=----=_x:y/z" },
};

static void reads_values(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		arena_init(&a, 0);
		assert_string_equal(arena_str(&a, shown(slice_str(table[i].in), &a)), table[i].out);
		arena_done(&a);
	}
}

int test_param(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_values) };
	return cmocka_run_group_tests_name("param", tests, NULL, NULL);
}
