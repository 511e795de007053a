/* toml.c: What is TOML 1.0, what it means, and what is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/toml.h"
#include "base/buf.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The tree in one line: t{k=v,...} a[...], strings as they are. */
static void show(const struct toml_item *i, struct buf *out)
{
	switch (i->type) {
	case TOML_STRING:
	case TOML_DATETIME:
		buf_fmt(out, i->type == TOML_STRING ? "'%.*s'" : "<%.*s>", FMT(i->text));
		return;
	case TOML_INTEGER:
		buf_fmt(out, "%lld", (long long)i->integer);
		return;
	case TOML_FLOAT:
		buf_fmt(out, "%gf", i->number);
		return;
	case TOML_BOOLEAN:
		buf_str(out, i->boolean ? "true" : "false");
		return;
	case TOML_ARRAY:
	case TOML_TABLE:
		break;
	}
	buf_str(out, i->type == TOML_ARRAY ? "[" : "{");
	for (const struct toml_item *c = i->first; c; c = c->next) {
		if (i->type == TOML_TABLE)
			buf_fmt(out, "%.*s=", FMT(c->key));
		show(c, out);
		buf_str(out, c->next ? "," : "");
	}
	buf_str(out, i->type == TOML_ARRAY ? "]" : "}");
}

static const struct {
	const char *in, *out;
} good[] = {
	{ "", "{}" },
	{ "\xef\xbb\xbf# only a comment", "{}" },
	{ "a=1\r\nb = 'x' # y\r\n", "{a=1,b='x'}" },
	{ "a.b.c = 1\na.b.d = 2", "{a={b={c=1,d=2}}}" },
	{ "a . 'b.c' . \"d\" = 1", "{a={b.c={d=1}}}" },
	{ "\"\" = 1\n'' . x = 2", NULL },
	{ "3.14 = 'pi'\n1234 = 5\n-_- = 0", "{3={14='pi'},1234=5,-_-=0}" },
	{ "i = [+99, 42, 0, -17, 1_000, 0xDEAD_beef, 0o755, 0b1101, +0, -0]",
		"{i=[99,42,0,-17,1000,3735928559,493,13,0,0]}" },
	{ "i = 9223372036854775807\nj = -9223372036854775808",
		"{i=9223372036854775807,j=-9223372036854775808}" },
	{ "f = [1.0, 3.1415, -0.01, 5e+22, 1e06, -2E-2, 6.626e-34, 224_617.445_991, inf, -inf, "
	  "+inf, 0e0]",
		"{f=[1f,3.1415f,-0.01f,5e+22f,1e+06f,-0.02f,6.626e-34f,224617f,inff,-inff,inff,0f]"
		"}" },
	{ "b = [true, false]", "{b=[true,false]}" },
	{ "d = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.999-07:00, 1979-05-27T07:32:00, "
	  "1979-05-27, 07:32:00.5, 2024-02-29]",
		"{d=[<1979-05-27T07:32:00Z>,<1979-05-27 "
		"07:32:00.999-07:00>,<1979-05-27T07:32:00>,<1979-05-27>,<07:32:00.5>,<2024-02-29>]"
		"}" },
	{ "d = 1979-05-27 # comment", "{d=<1979-05-27>}" },
	{ "s = \"a\\tb\\u00e9\\U0001F600\\\"\\\\\"", "{s='a\tb\xc3\xa9\xf0\x9f\x98\x80\"\\'}" },
	{ "s = 'C:\\n\"x\"'", "{s='C:\\n\"x\"'}" },
	{ "s = \"\"\"\nRoses\nViolets\"\"\"", "{s='Roses\nViolets'}" },
	{ "s = \"\"\"a \\\n\n   b \\  \n  c\"\"\"", "{s='a b c'}" },
	{ "s = '''\r\nx\\y\r\n'''", "{s='x\\y\n'}" },
	{ "s = \"\"\"\"a\"\" \"\"\"\"\"", "{s='\"a\"\" \"\"'}" },
	{ "s = ''''a''''''", NULL },
	{ "s = ''''a'''''", "{s=''a'''}" },
	{ "s = \"\"\"\"\"\"", "{s=''}" },
	{ "a = [ 1, 'x', [ ], { y = 2 }, # c\n\n 3, # d\n ]", "{a=[1,'x',[],{y=2},3]}" },
	{ "t = { a.b = 1, a.c = 2, 'd' = {} }", "{t={a={b=1,c=2},d={}}}" },
	{ "[a.b]\nx=1\n[a]\ny=2", "{a={b={x=1},y=2}}" },
	{ "[x.y.z.w]\n[x]\nk=1", "{x={y={z={w={}}},k=1}}" },
	{ "[[p]]\nn=1\n[[p]]\n[[p]]\nn=3", "{p=[{n=1},{},{n=3}]}" },
	{ "[[f]]\nn='a'\n[f.phys]\nc=1\n[[f.v]]\nn='x'\n[[f.v]]\nn='y'\n[[f]]\nn='b'\n[[f.v]]\nn='"
	  "z'",
		"{f=[{n='a',phys={c=1},v=[{n='x'},{n='y'}]},{n='b',v=[{n='z'}]}]}" },
	{ "[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = "
	  "true",
		"{fruit={apple={color=1,taste={sweet=true},texture={smooth=true}}}}" },
	{ "[ j . \"\xca\x9e\" . 'l' ]", "{j={\xca\x9e={l={}}}}" },
	{ "true = 1\ninf.nan = 2", "{true=1,inf={nan=2}}" },
};

static const char *const bad[] = { "a", "a =", "= 1", "a = 1 b = 2", "a = 1\na = 2",
	"a.b = 1\na.b.c = 2", "a = 1\na.b = 2", "[a]\n[a]", "[a]\nb = 1\n[a.b]\n", "[[a]]\n[a]",
	"[a]\n[[a]]", "a = []\n[[a]]", "a = [{}]\n[a.b]", "a = {}\n[a.b]", "a = { b = 1 }\na.c = 2",
	"[a.b.c]\nz=9\n[a]\nb.c.t=1", "[fruit]\napple.color=1\n[fruit.apple]", "a.b=1\n[a]", "[]",
	"[a.]", "[.a]", "[a..b]", "[a", "[[a]", "[ [a]]", "[a] b = 1", "a = \"x", "a = 'x\ny'",
	"a = \"\\q\"", "a = \"\\u00\"", "a = \"\\ud800\"", "a = \"\\U00110000\"", "a = \"\x01\"",
	"a = \"\"\"x\"\"", "a = \"\"\"x \\ y\"\"\"", "\"\"\"k\"\"\" = 1", "a = 01", "a = 1__0",
	"a = _1", "a = 1_", "a = 0x", "a = 0x_1", "a = +0x1", "a = 0b2", "a = 0o8", "a = 1.",
	"a = .1", "a = 1.e2", "a = 1e", "a = 1_.0", "a = 00.1", "a = 1e1.5", "a = True", "a = Inf",
	"a = nope", "a = 9223372036854775808", "a = 2023-02-29", "a = 2023-13-01", "a = 24:00:00",
	"a = 07:32", "a = 1979-05-27T07:32Z", "a = 1979-05-27T07:32:00.",
	"a = 1979-05-27T07:32:00+25:00", "a = 2023-1-01", "a = [1 2]", "a = [1,,2]", "a = [,1]",
	"a = [1", "a = { b = 1, }", "a = { b = 1\n}", "a = {b=1", "a = {b}", "a = {b=1,b=2}",
	"a = {b.c=1, b={}}", "# \x01", "a = 1\rb = 2", "\r", "a = \"\xff\"", "\xff", "a b = 1",
	"a = 1 # \x7f", "k\xc3\xa9y = 1", "a = \"\"\"\"\"\"\"\"\"", "a = [[1]\n" };

static void reads_toml(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena a;
		struct toml_item *root;
		struct fault why = { 0 };
		struct buf out;
		arena_init(&a, 0);
		buf_init(&out, 0, &a);
		enum rc rc = toml_parse(slice_str(good[i].in), &a, &root, NULL, &why);
		if (!good[i].out && rc != RC_OK) { /* only must not crash */
			arena_done(&a);
			continue;
		}
		if (rc != RC_OK)
			print_message("%s\n%s\n", good[i].in, fault_text(&why));
		assert_int_equal(rc, RC_OK);
		show(root, &out);
		buf_byte(&out, 0);
		if (good[i].out)
			assert_string_equal((char *)out.at, good[i].out);
		arena_done(&a);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena a;
		struct toml_item *root;
		struct fault why = { 0 };
		arena_init(&a, 0);
		enum rc rc = toml_parse(slice_str(bad[i]), &a, &root, NULL, &why);
		if (rc != RC_BAD)
			print_message("accepted: %s\n", bad[i]);
		assert_int_equal(rc, RC_BAD);
		arena_done(&a);
	}
}

static void says_the_line(void **state)
{
	(void)state;
	struct arena a;
	struct toml_item *root;
	struct fault why = { 0 };
	unsigned line = 0;
	arena_init(&a, 0);
	assert_int_equal(
		toml_parse(S("a = '''\n\n'''\nb = [\n1,\n]\nc = x"), &a, &root, &line, &why),
		RC_BAD);
	assert_int_equal(line, 7);
	assert_int_equal(
		toml_parse(S("a = '''\n\n'''\n[b]\nc = [\n1,\n2]"), &a, &root, &line, &why), RC_OK);
	assert_int_equal(toml_get(toml_get(root, S("b")), S("c"))->line, 5);
	assert_null(toml_get(root, S("c")));
	struct buf deep;
	buf_init(&deep, 0, &a);
	buf_str(&deep, "a = ");
	for (int i = 0; i < 100000; i++)
		buf_byte(&deep, '[');
	assert_int_equal(toml_parse(buf_slice(&deep), &a, &root, &line, &why), RC_LIMIT);
	arena_done(&a);
}

int test_toml(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_toml), cmocka_unit_test(refuses),
		cmocka_unit_test(says_the_line) };
	return cmocka_run_group_tests_name("text toml", tests, NULL, NULL);
}
