/* commands.c: Every verb: what it does, what it prints, what it refuses and how it says why. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"
#include "groups.h"
#include "text/json_read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

struct row {
	const char *words;
	enum rc rc;
	const char *says; /* somewhere in the answer */
};

static void all(struct desk *d, const struct row *rows, size_t n)
{
	int wrong = 0;
	for (size_t i = 0; i < n; i++) {
		enum rc rc = desk_run(d, rows[i].words);
		if (rc == rows[i].rc && strstr(d->said, rows[i].says))
			continue;
		print_error("%s: %s, not %s: %s\n", rows[i].words, rc_name(rc), rc_name(rows[i].rc),
			d->said);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#define ALL(d, rows) all(d, rows, sizeof(rows) / sizeof((rows)[0]))

static void domains(void **state)
{
	static const struct row rows[] = {
		{ "domain add second.test", RC_OK, "" },
		{ "domain add SECOND.test", RC_TAKEN, "SECOND.test: the domain is here already" },
		{ "domain add not_a..domain", RC_BAD, "not_a..domain" },
		{ "domain list", RC_OK, "domain=second.test" },
		{ "domain list --json", RC_OK, "[{\"domain\":\"example.org\",\"catch-all\":\"\"}" },
		{ "domain show example.org", RC_OK, "addresses            5\n" },
		{ "domain show third.test", RC_NONE, "third.test" },
		{ "domain catch-all example.org ann@example.org", RC_OK, "" },
		{ "domain show example.org", RC_OK, "catch-all            ann@example.org\n" },
		{ "domain catch-all example.org nobody@example.org", RC_NONE,
			"nobody@example.org" },
		{ "domain catch-all example.org", RC_OK, "" },
		{ "domain show example.org --json", RC_OK, "\"catch-all\":\"\"" },
		{ "domain delete example.org", RC_DENIED,
			"example.org: the domain still has addresses; delete these first" },
		{ "domain delete second.test", RC_OK, "" },
		{ "domain delete second.test", RC_NONE, "second.test" },
	};
	struct desk d;
	(void)state;
	desk_begin(&d);
	ALL(&d, rows);
	desk_end(&d);
}

static void accounts(void **state)
{
	static const struct row rows[] = {
		{ "account add cyd@example.org --name=Cyd --quota=2GB --alias=c1@example.org "
		  "--alias=c2@example.org --role=admin < a password",
			RC_OK, "" },
		{ "account show cyd@example.org", RC_OK, "quota                2147483648\n" },
		{ "account show c1@example.org", RC_OK, "alias                c2@example.org\n" },
		{ "account show cyd@example.org --json", RC_OK,
			"\"role\":\"admin\",\"enabled\":true,\"quota\":2147483648,\"aliases\":["
			"\"c1@example.org\",\"c2@example.org\"],\"messages\":0,\"bytes\":0}" },
		{ "account add cyd@example.org", RC_TAKEN, "cyd@example.org" },
		{ "account add x@nowhere.test", RC_NONE, "nowhere.test" },
		{ "account add x y@example.org", RC_MORE, "usage: veredus account add" },
		{ "account add bad@@example.org", RC_BAD,
			"\"bad@@example.org\" is no address; write name@domain" },
		{ "account add dan@example.org --quota=much", RC_BAD,
			"\"much\" is no size; write 500MB or 2GB" },
		{ "account add dan@example.org --role=boss", RC_BAD,
			"\"boss\" is no role; write admin or user" },
		{ "account add dan@example.org --quata=1GB", RC_MORE, "no option --quata here" },
		{ "account show dan@example.org", RC_NONE, "dan@example.org" },
		{ "account set cyd@example.org --role=user --quota=0 --enabled=no --name=C", RC_OK,
			"" },
		{ "account show cyd@example.org --json", RC_OK,
			"\"name\":\"C\",\"role\":\"user\",\"enabled\":false,\"quota\":0" },
		{ "account set cyd@example.org", RC_MORE, "usage: veredus account set" },
		{ "account set cyd@example.org --enabled=perhaps", RC_BAD, "yes or no" },
		{ "account set nobody@example.org --name=x", RC_NONE, "nobody@example.org" },
		{ "account alias cyd@example.org c3@example.org", RC_OK, "" },
		{ "account alias cyd@example.org al@example.org", RC_TAKEN, "al@example.org" },
		{ "account unalias cyd@example.org c3@example.org", RC_OK, "" },
		{ "account unalias cyd@example.org cyd@example.org", RC_DENIED, "" },
		{ "account passwd cyd@example.org", RC_BAD, "standard input" },
		{ "account passwd cyd@example.org < another one", RC_OK, "" },
		{ "account list", RC_OK, "address=cyd@example.org" },
		{ "account list --json", RC_OK, "[{\"address\":\"ann@example.org\",\"id\":1" },
		{ "account delete staff@example.org", RC_NONE,
			"staff@example.org is no account but a group; see veredus group show" },
		{ "account delete cyd@example.org", RC_OK, "" },
		{ "account delete cyd@example.org", RC_NONE, "cyd@example.org" },
	};
	struct desk d;
	(void)state;
	desk_begin(&d);
	ALL(&d, rows);
	desk_end(&d);
}

static void loads_many(void **state)
{
	static const struct row rows[] = {
		{ "account load < # two\na1@example.org:\n\na2@example.org::1:1:Two\n", RC_OK,
			"added                2\n" },
		{ "account load --json < a1@example.org:\na3@example.org:\n", RC_OK,
			"\"added\":1,\"there already\":1" },
		{ "account show a2@example.org", RC_OK, "name                 Two\n" },
		{ "account load < a4@example.org:\nx@nowhere.test:\n", RC_NONE, "line 2: " },
		{ "account load < a5@example.org:{NONSENSE}x\n", RC_BAD, "line 1: " },
		{ "account show a4@example.org", RC_NONE, "" },
	};
	struct desk d;
	(void)state;
	desk_begin(&d);
	ALL(&d, rows);
	desk_end(&d);
}

static void groups(void **state)
{
	static const struct row rows[] = {
		{ "group list", RC_OK, "address=staff@example.org members=2\n" },
		{ "list list --json", RC_OK, "[{\"address\":\"news@example.org\",\"members\":2}]" },
		{ "group add all@example.org --member=ann@example.org", RC_OK, "" },
		{ "group join all@example.org bob@example.org", RC_OK, "" },
		{ "group show all@example.org", RC_OK, "member               bob@example.org\n" },
		{ "group show all@example.org --json", RC_OK,
			"\"members\":[\"ann@example.org\",\"bob@example.org\"]}" },
		{ "group leave all@example.org ann@example.org", RC_OK, "" },
		{ "group leave all@example.org ann@example.org", RC_NONE, "ann@example.org" },
		{ "group show news@example.org", RC_NONE, "is no group but a list" },
		{ "list show ann@example.org", RC_NONE, "is no list but an account" },
		{ "list join news@example.org x@far.test", RC_OK, "" },
		{ "list show news@example.org", RC_OK, "member               x@far.test\n" },
		{ "list add all@example.org", RC_TAKEN, "all@example.org" },
		{ "group delete all@example.org", RC_OK, "" },
		{ "group delete all@example.org", RC_NONE, "all@example.org" },
		{ "group frobnicate", RC_MORE, "veredus group join ADDRESS MEMBER\n" },
	};
	struct desk d;
	(void)state;
	desk_begin(&d);
	ALL(&d, rows);
	desk_end(&d);
}

static void others(void **state)
{
	static const struct row rows[] = {
		{ "queue list", RC_OK, "" },
		{ "queue list --json", RC_OK, "[]\n" },
		{ "queue show 12", RC_NONE, "12" },
		{ "queue why x", RC_BAD, "\"x\" is no queue id" },
		{ "queue retry 12", RC_NONE, "12" },
		{ "queue cancel 12", RC_NONE, "12" },
		{ "queue pause 12", RC_NONE, "12" },
		{ "queue resume 12", RC_NONE, "12" },
		{ "queue show", RC_MORE, "usage: veredus queue show ID\n" },
		{ "config list", RC_OK, "server.hostname = \"mx\"" },
		{ "config get log.level", RC_OK, "\"info\"\n" },
		{ "config get log.level --json", RC_OK, "\"origin\":\"f:1\"" },
		{ "config get log.nothing", RC_NONE, "see veredus config list" },
		{ "config reload", RC_OK, "" },
		{ "status", RC_OK, "version              1.2.3\n" },
		{ "status --json", RC_OK, "{\"version\":\"1.2.3\"" },
		{ "status now", RC_MORE, "usage: veredus status\n" },
		{ "metrics", RC_OK, "# TYPE veredus_connections_total counter\n" },
		{ "metrics", RC_OK, "veredus_sessions{service=\"queue\"" },
		{ "metrics --json", RC_OK, "\"veredus_memory_bytes{kind=\\\"arena\\\"}\":" },
		{ "frobnicate", RC_MORE, "no such command" },
		{ "", RC_MORE, "no such command" },
	};
	struct desk d;
	(void)state;
	desk_begin(&d);
	ALL(&d, rows);
	desk_end(&d);
}

/* Whatever prints, prints JSON that a parser takes; a refusal, too. */
static void json_is_json(void **state)
{
	static const char *const words[] = { "status", "metrics", "domain list",
		"domain show example.org", "account list", "account show ann@example.org",
		"group list", "group show staff@example.org", "list show news@example.org",
		"queue list", "config get log.level", "account show \"no\"body", "queue show x" };
	struct desk d;
	(void)state;
	desk_begin(&d);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char line[200];
		struct arena a;
		const struct json_item *v;
		struct fault why;
		arena_init(&a, 0);
		snprintf(line, sizeof(line), "%s --json", words[i]);
		(void)!desk_run(&d, line);
		if (json_read(slice_str(d.said), 4, &a, &v, &why) != RC_OK)
			fail_msg("%s: %s: %s", line, fault_text(&why), d.said);
		arena_done(&a);
	}
	desk_end(&d);
}

int test_commands(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(domains), cmocka_unit_test(accounts),
		cmocka_unit_test(loads_many), cmocka_unit_test(groups), cmocka_unit_test(others),
		cmocka_unit_test(json_is_json) };
	return cmocka_run_group_tests_name("admin commands", tests, NULL, NULL);
}
