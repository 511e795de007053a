/* run.c: The machine over a host whose answers are counted, late or wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "sieve/host.h"
#include "sieve/sieve.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A message without parts whose every field is "one" and "two"; a kind of question is answered after `late` tries, and
 * from then on at once. */
struct world {
	struct sieve_host host;
	enum rc first; /* what the first `late` tries are told */
	unsigned late, tries;
	uint64_t known; /* kinds */
};

static enum rc answer(struct world *w, unsigned kind)
{
	if (w->known >> kind & 1)
		return RC_OK;
	if (w->tries++ < w->late)
		return w->first;
	w->tries = 0;
	w->known |= 1ull << kind;
	return RC_OK;
}

static enum rc fields(void *of, size_t part, struct slice name, struct arena *a,
	struct sieve_field **out, size_t *n)
{
	(void)part;
	TRY(answer(of, 63));
	struct sieve_field *at = arena_new(a, 2 * sizeof(*at));
	at[0] = (struct sieve_field){ name, S("one"), S("one") };
	at[1] = (struct sieve_field){ name, S("two"), S("two") };
	*out = at;
	*n = 2;
	return RC_OK;
}

static enum rc ask(void *of, const struct sieve_ask *q, struct arena *a, struct slice *out)
{
	(void)a;
	TRY(answer(of, q->kind));
	*out = S("");
	return q->kind == SIEVE_ASK_MAILBOX ? RC_OK : RC_NONE;
}

/* What a script does; the run's rules and the world are given. "keep" alone means the implicit one. */
static enum rc outcome(struct world *w, const struct sieve_rules *rules, const char *script,
	size_t steps, struct sieve_error *why, char text[200])
{
	struct arena a;
	struct sieve_program *p;
	struct sieve_run *r;
	const struct sieve_action *at;
	size_t n;
	enum rc rc;
	arena_init(&a, 8 << 20);
	w->host = (struct sieve_host){ .of = w, .size = 100, .fields = fields, .ask = ask };
	assert_int_equal(sieve_compile(rules, slice_str(script), &a, &p, why), RC_OK);
	assert_int_equal(sieve_run_new(p, rules, &w->host, &a, &r), RC_OK);
	do
		rc = sieve_run_go(r, steps, why);
	while (rc == RC_WAIT || rc == RC_MORE);
	sieve_run_actions(r, &at, &n);
	text[0] = 0;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(text);
		snprintf(text + len, 200 - len, "%s%s%s%.*s", i ? " " : "",
			sieve_action_name(at[i].kind), at[i].is_implicit ? "." : "",
			FMT(at[i].text));
	}
	sieve_run_done(r);
	arena_done(&a);
	return rc;
}

static const char waits[] =
	"require [\"mailbox\", \"fileinto\", \"editheader\", \"variables\", \"duplicate\"];"
	"if mailboxexists \"a\" { fileinto \"a\"; }"
	"addheader \"x\" \"three\";"
	"if header :matches \"x\" \"t*e\" { fileinto \"${1}\"; }"
	"deleteheader :index 1 \"x\";"
	"if header \"x\" \"three\" { fileinto \"never\"; }"
	"if duplicate { discard; }";

static void waiting_changes_nothing(void **state)
{
	struct sieve_error why;
	char text[200];
	(void)state;
	for (unsigned late = 0; late < 4; late++) {
		for (size_t steps = 1; steps < 4; steps++) {
			struct world w = { .first = RC_WAIT, .late = late };
			if (outcome(&w, NULL, waits, steps, &why, text) != RC_OK)
				fail_msg("late %u: %u: %s", late, why.column, why.text);
			assert_string_equal(
				text, "fileintoa addheaderx fileintohre deleteheaderx rememberone");
		}
	}
}

static void what_the_host_cannot_say_keeps(void **state)
{
	struct sieve_error why;
	char text[200];
	(void)state;
	struct world w = { .first = RC_TEMP, .late = 1 };
	assert_int_equal(outcome(&w, NULL, waits, 100, &why, text), RC_TEMP);
	assert_string_equal(text, "keep.");
	assert_true(why.line == 1 && why.text[0]);
}

static void limits_end_a_run(void **state)
{
	static const struct {
		struct sieve_rules rules;
		const char *script, *text;
	} rows[] = {
		{ { .steps_max = 2 }, "keep;discard;keep;", "too many steps" },
		{ { .redirects_max = 1 }, "redirect \"a@b.c\"; redirect \"b@b.c\";",
			"too many addresses" },
		{ { .actions_max = 1 }, "require \"fileinto\"; fileinto \"a\"; fileinto \"b\";",
			"too many actions" },
		{ { .octets_max = 5 }, "if header \"a\" \"b\" { keep; }", "compares too much" },
		{ { .variables_max = 1 },
			"require \"variables\"; set \"a\" \"1\"; set \"b\" \"2\"; set \"a\" \"3\";",
			"too many variables" },
		{ { .steps_max = 9 },
			"require \"regex\"; if header :regex \"a\" \"^(([a-z])+.)+[A-Z]([a-z])+$\" "
			"{ keep; }",
			NULL },
	};
	struct sieve_error why;
	char text[200];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w = { 0 };
		enum rc rc = outcome(&w, &rows[i].rules, rows[i].script, 100, &why, text);
		assert_int_equal(rc, rows[i].text ? RC_LIMIT : RC_OK);
		assert_string_equal(text, "keep.");
		if (rows[i].text && !strstr(why.text, rows[i].text))
			fail_msg("%s: %s", rows[i].script, why.text);
	}
}

static void a_thousand_variables_of_growing_length_stay_bounded(void **state)
{
	struct sieve_error why;
	struct buf b;
	char text[200];
	(void)state;
	buf_init(&b, 0, NULL);
	buf_str(&b, "require [\"variables\", \"reject\"]; set \"a\" \"0123456789\";");
	for (int i = 0; i < 1000; i++)
		buf_str(&b, "set \"a\" \"${a}${a}${a}\";");
	buf_str(&b, "set :length \"a\" \"${a}\"; reject \"${a}\";");
	buf_byte(&b, 0);
	struct world w = { 0 };
	assert_int_equal(outcome(&w, NULL, (const char *)b.at, 100, &why, text), RC_OK);
	assert_string_equal(text, "reject8192");
	buf_done(&b);
}

int test_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_changes_nothing),
		cmocka_unit_test(what_the_host_cannot_say_keeps),
		cmocka_unit_test(limits_end_a_run),
		cmocka_unit_test(a_thousand_variables_of_growing_length_stay_bounded),
	};
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
