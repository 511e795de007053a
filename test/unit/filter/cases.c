/* cases.c: test/samples/sieve/: scripts, messages and what is to be done with them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/probe.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <glob.h>

/* "=== name" begins a case, "--- section" its sections. A message counts for the cases behind it too. "want" has a line
 * for each action, or "error LINE COLUMN part of the sentence". */
struct one {
	struct slice name, script, message, facts, want;
};

static struct slice load(const char *path, struct arena *a)
{
	struct buf b;
	FILE *f = fopen(path, "rb");
	size_t n;
	buf_init(&b, 0, a);
	assert_non_null(f);
	do {
		uint8_t *at = buf_room(&b, 65536);
		n = fread(at, 1, 65536, f);
		buf_added(&b, n);
	} while (n);
	fclose(f);
	return buf_slice(&b);
}

static struct slice take_line(struct slice *rest)
{
	return slice_split(rest, '\n');
}

/* The lines up to the next mark. */
static struct slice section(struct slice *rest)
{
	const uint8_t *at = rest->at;
	while (rest->len && !slice_starts(*rest, S("--- ")) && !slice_starts(*rest, S("=== ")))
		take_line(rest);
	return slice_of(at, (size_t)(rest->at - at));
}

static void read_case(struct slice *rest, struct one *c)
{
	*c = (struct one){ .name = slice_tail(take_line(rest), 4), .message = c->message };
	while (slice_starts(*rest, S("--- "))) {
		struct slice name = slice_tail(take_line(rest), 4);
		struct slice text = section(rest);
		if (slice_eq(name, S("script")))
			c->script = text;
		else if (slice_eq(name, S("message")))
			c->message = text;
		else if (slice_eq(name, S("facts")))
			c->facts = text;
		else
			c->want = text;
	}
}

static bool has(struct slice got, struct slice part, const struct one *c)
{
	if (slice_search(got, part) < got.len)
		return true;
	print_error("%.*s: wanted %.*s, not %.*s\n", FMT(c->name), FMT(part), FMT(got));
	return false;
}

static bool compare(const struct one *c, struct slice got, struct arena *a)
{
	struct buf b;
	struct slice rest = c->want;
	if (slice_starts(rest, S("error "))) {
		rest = slice_trim(slice_tail(rest, 6));
		struct slice line = slice_split(&rest, ' '), column = slice_split(&rest, ' ');
		buf_init(&b, 0, a);
		json_quote(rest, &b);
		return has(got,
			       arena_fmt(a, "{\"line\":%.*s,\"column\":%.*s,", FMT(line),
				       FMT(column)),
			       c) &&
		       has(got, slice_of(b.at + 1, b.len - 2), c);
	}
	buf_init(&b, 0, a);
	buf_str(&b, "{\"actions\":[");
	while (rest.len) {
		buf_add(&b, take_line(&rest));
		if (rest.len)
			buf_byte(&b, ',');
	}
	buf_str(&b, "]}");
	if (slice_eq(got, buf_slice(&b)))
		return true;
	print_error("%.*s\nwanted %.*s\ngot    %.*s\n", FMT(c->name), FMT(buf_slice(&b)), FMT(got));
	return false;
}

static bool run(const struct one *c)
{
	struct arena a;
	struct buf out;
	struct json j;
	struct fault why = { 0 };
	const struct json_item *facts = NULL;
	arena_init(&a, 0);
	buf_init(&out, 0, &a);
	json_init(&j, &out);
	if (c->facts.len && json_read(c->facts, 8, &a, &facts, &why) != RC_OK)
		fail_msg("%.*s: facts: %s", FMT(c->name), fault_text(&why));
	json_object(&j, NULL);
	assert_int_equal(filter_probe(c->script, c->message, facts, 0, &a, &j), RC_OK);
	json_end(&j);
	bool fine = compare(c, buf_slice(&out), &a);
	arena_done(&a);
	return fine;
}

static void each_case_does_what_is_wanted(void **state)
{
	glob_t g = { 0 };
	size_t n = 0, failed = 0;
	(void)state;
	assert_int_equal(glob("test/samples/sieve/*.case", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct arena a;
		struct one c = { .name = S("") };
		arena_init(&a, 0);
		struct slice rest = load(g.gl_pathv[i], &a);
		take_line(&rest);
		for (; slice_starts(rest, S("=== ")); n++) {
			read_case(&rest, &c);
			failed += !run(&c);
		}
		assert_int_equal(rest.len, 0);
		arena_done(&a);
	}
	assert_true(n >= 50);
	assert_int_equal(failed, 0);
	globfree(&g);
}

/* Many keys and many parts of a long body take no more memory than one. */
static void long_bodies_are_searched(void **state)
{
	struct arena a;
	struct buf script, message, out;
	struct json j;
	(void)state;
	arena_init(&a, 0);
	buf_init(&script, 0, &a);
	buf_init(&message, 0, &a);
	buf_init(&out, 0, &a);
	buf_str(&script,
		"require [\"body\", \"comparator-i;unicode-casemap\", \"regex\"]; if anyof (");
	for (int k = 0; k < 3; k++) {
		static const char *const tags[] = { ":contains", ":regex",
			":contains :comparator \"i;unicode-casemap\"" };
		buf_fmt(&script, "body %s [\"none\"", tags[k]);
		for (int i = 0; i < 9; i++)
			buf_fmt(&script, ", \"none%d\"", i);
		buf_str(&script, "], ");
	}
	buf_str(&script, "false) { keep; } elsif body :contains \"THE END\" { discard; }");
	buf_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int part = 0; part < 7; part++) {
		buf_str(&message, "--b\r\n\r\n");
		for (int i = 0; i < 12000; i++)
			buf_str(&message, "a line of the text, which is long, and of others too, "
					  "it says nothing\r\n");
	}
	buf_str(&message, "the end\r\n--b--\r\n");
	json_init(&j, &out);
	json_object(&j, NULL);
	assert_int_equal(
		filter_probe(buf_slice(&script), buf_slice(&message), NULL, 0, &a, &j), RC_OK);
	json_end(&j);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.at, "{\"actions\":[{\"action\":\"discard\"}]}");
	arena_done(&a);
}

int test_cases(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_does_what_is_wanted),
		cmocka_unit_test(long_bodies_are_searched),
	};
	return cmocka_run_group_tests_name("cases", tests, NULL, NULL);
}
