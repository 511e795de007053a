/* ban.c: Which addresses a ban holds, what is spared, what is kept, and when failures become one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/ban.h"
#include "data/data.h"
#include "groups.h"
#include "run/run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct house {
	struct data *data;
	struct lookup *lookup;
	struct bans *bans;
	struct arena a;
	struct fault why;
};

static const struct ban_terms terms = { .window = { LOOKUP_FIXED, 3, 3600000 }, .ban_ms = 3600000 };

static void open_bans(struct house *h)
{
	const struct ban_deps deps = { .data = h->data, .lookup = h->lookup, .terms = terms };
	assert_int_equal(bans_open(&deps, &h->bans, &h->why), RC_OK);
}

static int begin(void **state)
{
	static struct house h;
	const struct data_options o = { .type = "memory", .path = "" };
	h = (struct house){ .data = NULL };
	assert_int_equal(data_open(&o, &h.data, &h.why), RC_OK);
	h.lookup = lookup_open_data(h.data, NULL);
	arena_init(&h.a, 0);
	open_bans(&h);
	*state = &h;
	return 0;
}

static int end(void **state)
{
	struct house *h = *state;
	bans_close(&h->bans);
	lookup_close(&h->lookup);
	data_close(&h->data);
	arena_done(&h->a);
	return 0;
}

static struct net_cidr net(const char *text)
{
	struct net_cidr n;
	assert_int_equal(net_cidr_parse(slice_str(text), &n), RC_OK);
	return n;
}

static bool has(struct house *h, const char *address)
{
	return bans_has(h->bans, net(address).at);
}

static enum rc add(struct house *h, const char *text, int64_t until)
{
	const struct ban ban = {
		.net = net(text), .since = 1, .until = until, .reason = S("why"), .by = S("me")
	};
	return bans_add(h->bans, &ban, &h->why);
}

static enum rc take_off(struct house *h, const char *text)
{
	struct net_cidr n = net(text);
	return bans_remove(h->bans, &n, &h->why);
}

static void holds_its_network(void **state)
{
	struct house *h = *state;
	assert_false(has(h, "192.0.2.1"));
	assert_int_equal(add(h, "192.0.2.130/25", 0), RC_OK);
	assert_int_equal(add(h, "2001:db8::/47", 0), RC_OK);
	assert_int_equal(add(h, "203.0.113.7", 0), RC_OK);
	static const struct {
		const char *address;
		bool is;
	} rows[] = { { "192.0.2.128", true }, { "192.0.2.255", true }, { "192.0.2.127", false },
		{ "192.0.3.200", false }, { "2001:db8:1::9", true }, { "2001:db8:2::9", false },
		{ "203.0.113.7", true }, { "203.0.113.8", false }, { "::ffff:203.0.113.7", true } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(has(h, rows[i].address), rows[i].is);
	assert_int_equal(take_off(h, "192.0.2.0/24"), RC_NONE);
	assert_int_equal(take_off(h, "192.0.2.128/25"), RC_OK);
	assert_false(has(h, "192.0.2.200"));
}

static void spares(void **state)
{
	struct house *h = *state;
	const struct net_cidr spared[] = { net("10.0.0.0/8"), net("2001:db8::1") };
	assert_int_equal(add(h, "10.1.2.3", 0), RC_OK);
	struct ban_terms with = terms;
	with.spared = spared;
	with.spared_n = 2;
	bans_change(h->bans, &with);
	assert_false(has(h, "10.1.2.3")); /* it stays, without effect */
	static const char *const never[] = { "127.0.0.1", "127.9.9.9", "126.0.0.0/7", "::1", "::/0",
		"10.200.0.0/16", "8.0.0.0/5", "2001:db8::/32" };
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(add(h, never[i], 0), RC_DENIED);
	bans_change(h->bans, &terms);
	assert_true(has(h, "10.1.2.3"));
	assert_int_equal(add(h, "127.0.0.1", 0), RC_DENIED);
}

static void are_kept(void **state)
{
	struct house *h = *state;
	struct ban *all;
	size_t n;
	assert_int_equal(add(h, "192.0.2.1", 0), RC_OK);
	assert_int_equal(add(h, "2001:db8::/32", run_unix(NULL) + 1000), RC_OK);
	assert_int_equal(add(h, "192.0.2.9", run_unix(NULL) - 1), RC_OK); /* over already */
	assert_false(has(h, "192.0.2.9"));
	bans_close(&h->bans);
	open_bans(h);
	assert_int_equal(bans_list(h->bans, &h->a, &all, &n, &h->why), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(all[0].net.bits, 32);
	assert_true(slice_eq(all[1].reason, S("why")) && slice_eq(all[1].by, S("me")));
	assert_true(all[1].since == 1 && all[1].until == 0);
	struct buf b;
	buf_init(&b, 0, &h->a);
	for (size_t i = 0; i < n; i++)
		bans_write(&all[i].net, &b);
	assert_true(slice_eq(buf_slice(&b), S("2001:db8::/32192.0.2.1")));
}

static void failures_make_one(void **state)
{
	struct house *h = *state;
	for (int i = 0; i < 3; i++)
		assert_false(bans_failed(h->bans, S("192.0.2.1")));
	assert_false(bans_failed(h->bans, S("192.0.2.2")));
	assert_true(bans_failed(h->bans, S("192.0.2.1")));
	assert_true(has(h, "192.0.2.1") && !has(h, "192.0.2.2"));
	assert_int_equal(take_off(h, "192.0.2.1"), RC_OK);
	assert_false(bans_failed(h->bans, S("192.0.2.1"))); /* from the beginning */
	assert_false(has(h, "192.0.2.1"));
	for (int i = 0; i < 3; i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "2001:db8:0:1::%d", i);
		assert_false(bans_failed(h->bans, slice_str(text)));
	}
	assert_true(bans_failed(h->bans, S("2001:db8:0:1:2::")));
	assert_true(has(h, "2001:db8:0:1:ffff::") && !has(h, "2001:db8:0:2::"));
	for (int i = 0; i < 9; i++)
		assert_false(bans_failed(h->bans, S("127.0.0.1")) || bans_failed(h->bans, S("")));
}

int test_ban(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holds_its_network, begin, end),
		cmocka_unit_test_setup_teardown(spares, begin, end),
		cmocka_unit_test_setup_teardown(are_kept, begin, end),
		cmocka_unit_test_setup_teardown(failures_make_one, begin, end),
	};
	return cmocka_run_group_tests_name("auth/ban", tests, NULL, NULL);
}
