/* compile.c: Which scripts compile, and where and why others do not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "sieve/sieve.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *script;
	unsigned line, column; /* 0: it compiles */
	const char *text; /* part of the sentence */
} scripts[] = {
	{ "", 0, 0, NULL },
	{ "# nothing\r\n/* at * all */\r\n", 0, 0, NULL },
	{ "keep;", 0, 0, NULL },
	{ "KEEP;", 0, 0, NULL },
	{ "keep", 1, 5, "the script ends here" },
	{ "keep\n;\n kep;", 3, 2, "no command kep" },
	{ "/* open", 1, 1, "never closed" },
	{ "require \"fileinto\"; fileinto \"a", 1, 30, "never closed" },
	{ "require \"fileinto\"; fileinto \"a\\\"\\b\";", 0, 0, NULL },
	{ "fileinto \"a\";", 1, 1, "wants require \"fileinto\"" },
	{ "require [\"fileinto\", \"nonsense\"];", 1, 22, "no extension \"nonsense\"" },
	{ "keep; require \"fileinto\";", 1, 7, "before all other" },
	{ "require \"fileinto\"; fileinto;", 1, 21, "takes 1 argument, here are 0" },
	{ "require \"fileinto\"; fileinto [\"a\", \"b\"];", 1, 30, "is a string, not a list" },
	{ "require \"fileinto\"; fileinto 5;", 1, 30, "is a string, not a number" },
	{ "keep \"x\";", 1, 1, "takes 0 arguments" },
	{ "keep { stop; }", 1, 1, "takes no block" },
	{ "keep true;", 1, 1, "takes no tests" },
	{ "if true { keep; } elsif false { discard; } else { stop; }", 0, 0, NULL },
	{ "if keep { stop; }", 1, 4, "is a command" },
	{ "true;", 1, 1, "is a test" },
	{ "else { keep; }", 1, 1, "behind an if" },
	{ "if true { keep; } else { keep; } else { keep; }", 1, 34, "behind an if" },
	{ "if true keep;", 1, 1, "wants a block" },
	{ "if { keep; }", 1, 1, "takes one test" },
	{ "if true;", 1, 1, "wants a block" },
	{ "if true { keep;", 1, 16, "the script ends here" },
	{ "}", 1, 1, "a command is wanted" },
	{ "if anyof { keep; }", 1, 4, "takes tests in parentheses" },
	{ "if anyof () { keep; }", 1, 11, "a test is wanted" },
	{ "if anyof (true, { keep; }", 1, 17, "a test is wanted" },
	{ "if not { keep; }", 1, 4, "takes one test" },
	{ "if size :over 100K { discard; }", 0, 0, NULL },
	{ "if size :over 100Q { discard; }", 1, 15, "ends in K, M, G" },
	{ "if size :over 9223372036854775808 { discard; }", 1, 15, "too large" },
	{ "if size :over 9223372036854775807G { discard; }", 1, 15, "too large" },
	{ "if size :over :under 1 { discard; }", 1, 15, "exclude each other" },
	{ "if size 100 { discard; }", 1, 4, "wants :over or :under" },
	{ "if header :is :contains \"a\" \"b\" { stop; }", 1, 15, "exclude each other" },
	{ "if header :is :is \"a\" \"b\" { stop; }", 1, 15, "given twice" },
	{ "if header :copy \"a\" \"b\" { stop; }", 1, 11, "does not take :copy" },
	{ "if header :nothing \"a\" \"b\" { stop; }", 1, 11, "no tag :nothing" },
	{ "if header \"a\" :is \"b\" { stop; }", 1, 4, "takes 2 arguments, here are 3" },
	{ "if header :comparator \"i;none\" \"a\" \"b\" { stop; }", 1, 23, "no comparator" },
	{ "if header :comparator :is \"a\" \"b\" { stop; }", 1, 23, ":comparator takes a string" },
	{ "if header :comparator \"i;ascii-numeric\" \"a\" \"1\" { stop; }", 1, 23,
		"wants require" },
	{ "require \"comparator-i;ascii-numeric\";\nif header :contains :comparator "
	  "\"i;ascii-numeric\" \"a\" \"1\" { stop; }",
		2, 4, "whole numbers" },
	{ "require \"relational\"; if header :count \"xx\" \"a\" \"1\" { stop; }", 1, 40,
		"eq, ne" },
	{ "if header :count \"gt\" \"a\" \"1\" { stop; }", 1, 11, "require \"relational\"" },
	{ "if address :user \"from\" \"a\" { stop; }", 1, 12, "require \"subaddress\"" },
	{ "if address \"subject\" \"a\" { stop; }", 1, 12, "no header field with addresses" },
	{ "if header \"a:b\" \"a\" { stop; }", 0, 0, NULL }, /* RFC 5228 2.4.2.2 */
	{ "require \"editheader\"; addheader \"a:b\" \"c\";", 1, 33, "no name of a header field" },
	{ "require \"envelope\"; if envelope \"sender\" \"a\" { stop; }", 1, 33,
		"part of an envelope" },
	{ "redirect \"nobody\";", 1, 10, "no address" },
	{ "redirect \"a@b c\";", 1, 10, "no address" },
	{ "redirect \"a@example.com\";", 0, 0, NULL },
	{ "require \"regex\"; if header :regex \"a\" \"(b\" { stop; }", 1, 39, "missing" },
	{ "require \"variables\"; set \"a b\" \"c\";", 1, 26, "no name of a variable" },
	{ "require \"variables\"; set \"${a}\" \"c\";", 1, 26, "no name of a variable" },
	{ "require \"variables\"; set :lower :upper \"a\" \"c\";", 1, 33, "exclude each other" },
	{ "require \"variables\"; set \"a\" \"${other.b}\";", 1, 30, "no namespace" },
	{ "require [\"encoded-character\",\"fileinto\"]; fileinto \"${unicode:200000}\";", 1, 52,
		"does not exist" },
	{ "require \"ihave\"; if ihave \"nonsense\" { nonsense :of \"all\" 5 { kinds; } }", 0, 0,
		NULL },
	{ "require \"ihave\"; if ihave \"fileinto\" { fileinto \"a\"; }", 0, 0, NULL },
	{ "require \"ihave\"; if ihave \"fileinto\" { keep; } fileinto \"a\";", 1, 48, "require" },
	{ "require \"ihave\"; if not ihave \"fileinto\" { nonsense; } else { fileinto \"a\"; }", 0,
		0, NULL },
	{ "require \"ihave\"; if allof (ihave \"nonsense\", nonsense) { nonsense; }", 0, 0, NULL },
	{ "break;", 1, 1, "wants require" },
	{ "require \"foreverypart\"; break;", 1, 25, "there is none" },
	{ "require \"foreverypart\"; foreverypart { foreverypart :name \"x\" { break; } }", 0, 0,
		NULL },
	{ "require \"foreverypart\"; foreverypart :name \"x\" { break :name \"y\"; }", 1, 50,
		"none" },
	{ "require \"date\"; if date \"date\" \"fortnight\" \"1\" { stop; }", 1, 32,
		"part of a date" },
	{ "require \"date\"; if date :zone \"CET\" \"date\" \"hour\" \"1\" { }", 1, 31, "no zone" },
	{ "keep; \xff", 1, 7, "no UTF-8" },
	{ "# \xc3\xa9\nkeep; # \xc3\xa9\n\xc3\xa9;", 3, 1, "no meaning" },
	{ "/* \xc3\xa9 */ nonsense;", 1, 9, "no command" },
	{ "require \"reject\"; reject text: # a comment\r\nline\r\n..dot\r\n.\r\n;", 0, 0, NULL },
	{ "require \"reject\"; reject text:\r\nline\r\n", 1, 26, "never ended" },
	{ "require \"reject\"; reject text: line\r\n.\r\n;", 1, 32, "line end is wanted" },
	{ "require \"vacation\"; vacation :days 1 :days 2 \"x\";", 1, 38, "given twice" },
	{ "require [\"vacation\",\"vacation-seconds\"]; vacation :days 1 :seconds 2 \"x\";", 1, 59,
		"exclude" },
	{ "require \"vacation\"; vacation :seconds 2 \"x\";", 1, 30, "vacation-seconds" },
	{ "require \"fileinto\"; fileinto :copy \"x\";", 1, 30, "require \"copy\"" },
};

static void scripts_compile_or_say_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct arena a;
		struct sieve_program *p;
		struct sieve_error why = { 0 };
		arena_init(&a, 0);
		enum rc rc = sieve_compile(NULL, slice_str(scripts[i].script), &a, &p, &why);
		if (rc != (scripts[i].line ? RC_BAD : RC_OK) || why.line != scripts[i].line ||
			why.column != scripts[i].column ||
			(scripts[i].text && !strstr(why.text, scripts[i].text)))
			fail_msg("%s\n%s, line %u, column %u: %s", scripts[i].script, rc_name(rc),
				why.line, why.column, why.text);
		arena_done(&a);
	}
}

static enum rc compile_with(struct sieve_rules rules, const char *script, struct sieve_error *why)
{
	struct arena a;
	struct sieve_program *p;
	arena_init(&a, 0);
	enum rc rc = sieve_compile(&rules, slice_str(script), &a, &p, why);
	arena_done(&a);
	return rc;
}

static void rules_are_kept(void **state)
{
	struct sieve_error why;
	struct slice refused[] = { S("redirect"), S("regex") };
	(void)state;
	assert_int_equal(
		compile_with((struct sieve_rules){ .script_max = 4 }, "keep;", &why), RC_LIMIT);
	assert_int_equal(why.line, 0);
	assert_int_equal(
		compile_with((struct sieve_rules){ .commands_max = 2 }, "keep;keep;keep;", &why),
		RC_LIMIT);
	assert_int_equal(why.column, 11);
	assert_int_equal(compile_with((struct sieve_rules){ .strings_max = 2 },
				 "require [\"copy\", \"copy\", \"copy\"];", &why),
		RC_LIMIT);
	assert_int_equal(why.column, 9);
	assert_int_equal(
		compile_with((struct sieve_rules){ .string_max = 3 }, "require \"copy\";", &why),
		RC_LIMIT);
	assert_int_equal(compile_with((struct sieve_rules){ .nesting_max = 3 },
				 "if not not not true { keep; }", &why),
		RC_LIMIT);
	assert_int_equal(why.column, 16);
	assert_int_equal(compile_with((struct sieve_rules){ .refused = refused, .refused_n = 2 },
				 "require \"regex\";", &why),
		RC_BAD);
	assert_string_equal(why.text, "there is no extension \"regex\" here");
}

static void memory_is_bounded(void **state)
{
	struct arena a;
	struct sieve_program *p;
	struct sieve_error why;
	struct buf b;
	(void)state;
	buf_init(&b, 0, NULL);
	for (size_t i = 0; i < 4000; i++)
		buf_str(&b, "if header \"a\" \"b\" { keep; }\n");
	arena_init(&a, 200000);
	assert_int_equal(sieve_compile(NULL, buf_slice(&b), &a, &p, &why), RC_LIMIT);
	arena_done(&a);
	buf_done(&b);
}

static void extensions_are_named_in_order(void **state)
{
	size_t n = 0;
	(void)state;
	for (; sieve_extension(n).len; n++) {
		if (n)
			assert_true(slice_cmp(sieve_extension(n - 1), sieve_extension(n)) < 0);
	}
	assert_int_equal(n, 41);
}

int test_compile(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_compile_or_say_why),
		cmocka_unit_test(rules_are_kept),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(extensions_are_named_in_order),
	};
	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
