/* rcpt.c: Where recipients lead, and why some are refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct post_source stranger = {
	.door = S("smtp"), .with = S("ESMTP"), .peer = S("192.0.2.1"), .helo = S("client.test")
};

static struct post_mail *begin(struct world *w, const struct post_source *src)
{
	return post_begin(w->post, src, &(struct post_envelope){ .sender = S("joe@else.test") });
}

/* Each address on its own, asked by a stranger. */
static void leads_somewhere(void **state)
{
	static const struct {
		struct slice address;
		enum fault_id fault;
		size_t local, remote;
	} rows[] = {
		{ S("ann@example.org"), FAULT_NONE, 1, 0 },
		{ S("ANN@EXAMPLE.ORG"), FAULT_NONE, 1, 0 },
		{ S("al@example.org"), FAULT_NONE, 1, 0 },
		{ S("ann+tag@example.org"), FAULT_NONE, 1, 0 },
		{ S("\"ann\"@example.org"), FAULT_NONE, 1, 0 },
		{ S("staff@example.org"), FAULT_NONE, 2, 0 },
		{ S("news@example.org"), FAULT_NONE, 1, 1 },
		{ S("postmaster@example.org"), FAULT_NONE, 1, 0 },
		{ S("postmaster"), FAULT_NONE, 1, 0 },
		{ S("nobody@example.org"), FAULT_USER_UNKNOWN, 0, 0 },
		{ S("ann@elsewhere.test"), FAULT_RELAY_DENIED, 0, 0 },
	};
	struct world w;
	(void)state;
	world_begin(&w, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault why = { 0 };
		const struct post_rcpt *all;
		struct post_mail *m = begin(&w, &stranger);
		enum rc rc = post_rcpt_add(m, rows[i].address, S(""), 0, &why);
		assert_int_equal(why.id, rows[i].fault);
		assert_int_equal(rc, fault_row(rows[i].fault)->rc);
		assert_int_equal(post_rcpts(m, &all), rc == RC_OK);
		if (rc == RC_OK) {
			assert_true(slice_eq(all[0].address, rows[i].address));
			assert_int_equal(all[0].to.n, rows[i].local);
			assert_int_equal(all[0].to.nremote, rows[i].remote);
		}
		post_drop(&m);
		assert_null(m);
	}
	world_end(&w);
}

/* What is said names the address. */
static void says_which(void **state)
{
	struct world w;
	struct fault why = { 0 };
	(void)state;
	world_begin(&w, true);
	struct post_mail *m = begin(&w, &stranger);
	(void)!post_rcpt_add(m, S("nobody@example.org"), S(""), 0, &why);
	assert_non_null(strstr(fault_text(&why), "nobody@example.org"));
	assert_true(slice_starts(post_id(m), S("t")));
	post_drop(&m);
	world_end(&w);
}

static void keeps_its_limit(void **state)
{
	struct world w;
	struct fault why = { 0 };
	const struct post_rcpt *all;
	(void)state;
	world_begin(&w, true);
	struct post_mail *m = begin(&w, &stranger);
	for (int i = 0; i < 5; i++)
		assert_int_equal(post_rcpt_add(m, S("ann@example.org"), S("rfc822;x"),
					 POST_NOTIFY_NEVER, &why),
			RC_OK);
	assert_int_equal(post_rcpt_add(m, S("bob@example.org"), S(""), 0, &why), RC_LIMIT);
	assert_int_equal(why.id, FAULT_TOO_MANY_RCPT);
	assert_int_equal(post_rcpts(m, &all), 5);
	assert_true(slice_eq(all[4].orcpt, S("rfc822;x")) && all[4].notify == POST_NOTIFY_NEVER);
	post_drop(&m);
	world_end(&w);
}

static void relays_for_those_who_may(void **state)
{
	struct world w;
	struct fault why = { 0 };
	struct post_source own = stranger;
	(void)state;
	own.may_relay = true;
	world_begin(&w, true);
	struct post_mail *m = begin(&w, &own);
	assert_int_equal(post_rcpt_add(m, S("far@far.test"), S(""), 0, &why), RC_OK);
	post_drop(&m);
	world_end(&w);
}

int test_rcpt(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(leads_somewhere),
		cmocka_unit_test(says_which), cmocka_unit_test(keeps_its_limit),
		cmocka_unit_test(relays_for_those_who_may) };
	return cmocka_run_group_tests_name("post rcpt", tests, NULL, NULL);
}
