/* field.c: Header fields, folded, broken, with either line end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* name=value; of each, unfolded */
static struct slice shown(struct slice header, struct slice *rest, struct arena *a)
{
	struct mime_field f;
	struct buf b;
	buf_init(&b, 0, a);
	while (mime_field_next(&header, &f) == RC_OK)
		buf_fmt(&b, "%.*s=%.*s;", FMT(f.name), FMT(mime_unfold(f.value, a)));
	*rest = header;
	return b.len ? buf_slice(&b) : S("");
}

static const struct {
	const char *in, *out, *rest;
} table[] = {
	{ "A: b\r\nC: d\r\n\r\nbody", "A=b;C=d;", "body" },
	{ "A: b\nC: d\n\nbody", "A=b;C=d;", "body" },
	{ "A: b\r\n c\r\n\td\r\n\r\n", "A=b c\td;", "" },
	{ "A:b", "A=b;", "" },
	{ "A : b\r\n\r\n", "A=b;", "" },
	{ "From me\r\nA: b\r\n\r\n", "A=b;", "" },
	{ "A: b\r\nno field\r\nC: d\r\n\r\n", "A=b;C=d;", "" },
	{ "A:\r\nB: c\r\n\r\n", "A=;B=c;", "" },
	{ " lost fold\r\nA: b\r\n\r\n", "A=b;", "" },
	{ ": nameless\r\nA: b\r\n\r\n", "A=b;", "" },
	{ "\r\nbody", "", "body" },
	{ "", "", "" },
	{ "A: b\r\n \r\n\r\nx", "A=b;", "x" },
};

static void walks_headers(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		struct slice rest;
		arena_init(&a, 0);
		assert_string_equal(
			arena_str(&a, shown(slice_str(table[i].in), &rest, &a)), table[i].out);
		assert_string_equal(arena_str(&a, rest), table[i].rest);
		arena_done(&a);
	}
}

static void finds_fields(void **)
{
	struct slice v;
	assert_int_equal(
		mime_field_find(S("To: a\r\nSUBJECT: x\r\nSubject: y\r\n\r\n"), S("Subject"), &v),
		RC_OK);
	assert_true(slice_eq(slice_trim(v), S("x")));
	assert_int_equal(mime_field_find(S("To: a\r\n\r\nCc: b\r\n"), S("Cc"), &v), RC_NONE);
	assert_true(
		mime_is_field(S("A: b")) && !mime_is_field(S("no field")) && !mime_is_field(S("")));
}

int test_field(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(walks_headers),
		cmocka_unit_test(finds_fields) };
	return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
