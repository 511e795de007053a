/* decode.c: Transfer encodings, encoded words and base subjects. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	enum mime_encoding encoding;
	const char *in, *out;
} bodies[] = {
	{ MIME_BASE64, "SGVsbG8=", "Hello" },
	{ MIME_BASE64, "SGVs\r\nbG8=\r\n", "Hello" },
	{ MIME_BASE64, "SGVsbG8", "Hello" },
	{ MIME_BASE64, "SGVs*bG8=!", "Hello" },
	{ MIME_BASE64, "SGk=SGk=", "HiHi" },
	{ MIME_BASE64, "", "" },
	{ MIME_QP, "a=3Db=\r\nc=3d", "a=bc=" },
	{ MIME_QP, "soft= \t\r\nbreak=\nx", "softbreakx" },
	{ MIME_QP, "a=zzb=", "a=zzb" },
	{ MIME_QP, "J=C3=B6rg\r\n", "Jörg\r\n" },
	{ MIME_8BIT, "as=3Dis", "as=3Dis" },
};

static void undoes_encodings(void **)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct arena a;
		struct slice out;
		arena_init(&a, 0);
		assert_int_equal(
			mime_decode(bodies[i].encoding, slice_str(bodies[i].in), &a, &out), RC_OK);
		assert_string_equal(arena_str(&a, out), bodies[i].out);
		arena_done(&a);
	}
}

/* RFC 2047 8, and what is found besides. */
static const struct {
	const char *in, *out;
} words[] = {
	{ "plain", "plain" },
	{ "=?ISO-8859-1?Q?a?=", "a" },
	{ "=?ISO-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
	{ "=?utf-8?B?w7Y=?=", "ö" },
	{ "=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "ö" },
	{ "=?utf-8*de?q?=C3=B6?=", "ö" },
	{ "=?iso-2022-jp?B?GyRCRnwbKEI=?=", "日" },
	{ "x =?utf-8?q?y?= z", "x y z" },
	{ "=?utf-8?q?spaces in it?=", "spaces in it" },
	{ "=?utf-8?x?bad?=", "=?utf-8?x?bad?=" },
	{ "=?utf-8?q?open", "=?utf-8?q?open" },
	{ "=?", "=?" },
	{ "J\xf6rg", "Jörg" },
	{ "J\xc3\xb6rg =?utf-8?q?=C3=B6?=", "Jörg ö" },
	{ "folded\r\n\tline", "folded\tline" },
	{ "", "" },
};

static void decodes_words(void **)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct arena a;
		arena_init(&a, 0);
		assert_string_equal(
			arena_str(&a, mime_words(slice_str(words[i].in), &a)), words[i].out);
		arena_done(&a);
	}
}

/* What would cost the square of its length when looked at naively. */
static void stays_linear(void **)
{
	static const char *const pieces[] = { "=?a?q? ", "          ", "=?a?q?b?= ", "=?=?" };
	for (size_t p = 0; p < 4; p++) {
		struct arena a;
		struct buf b;
		arena_init(&a, 0);
		buf_init(&b, 0, &a);
		buf_str(&b, "=?");
		while (b.len < 400000)
			buf_str(&b, pieces[p]);
		(void)mime_words(buf_slice(&b), &a);
		arena_done(&a);
	}
}

static const struct {
	const char *in, *out;
} subjects[] = {
	{ "Hello", "Hello" },
	{ "Re: Hello", "Hello" },
	{ "RE: re: Fwd: Hello", "Hello" },
	{ "Re[2]: Hello", "Hello" },
	{ "[list] Re: Hello", "Hello" },
	{ "Re: [list] Hello (fwd)", "Hello" },
	{ "[list]", "[list]" },
	{ "[Fwd: Re: Hello]", "Hello" },
	{ "AW: WG: Hallo", "Hallo" },
	{ "Re", "Re" },
	{ "Re:", "" },
	{ "", "" },
	{ "  Re : x  ", "x" },
};

static void finds_base_subjects(void **)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct arena a;
		arena_init(&a, 0);
		assert_string_equal(arena_str(&a, mime_base_subject(slice_str(subjects[i].in))),
			subjects[i].out);
		arena_done(&a);
	}
}

int test_decode(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(undoes_encodings),
		cmocka_unit_test(decodes_words), cmocka_unit_test(stays_linear),
		cmocka_unit_test(finds_base_subjects) };
	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
