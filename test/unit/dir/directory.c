/* directory.c: The directory on every engine: changes, look-ups, caps, races. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir.h"
#include "crypto/password.h"
#include "groups.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
	const char *engine;
	char path[64], file[72];
	struct data *data;
	struct dir *dir;
	struct arena a;
	struct fault why;
};

static int begin(void **state)
{
	struct world *w = *state;
	struct data_options options = { .type = w->engine,
		.path = w->file,
		.cache_bytes = 1 << 20,
		.write_buffer_bytes = 1 << 20 };
	(void)snprintf(w->path, sizeof(w->path), "/tmp/veredus-dir-%d-XXXXXX", getpid());
	assert_non_null(mkdtemp(w->path));
	(void)snprintf(w->file, sizeof(w->file), "%s/db", w->path);
	assert_int_equal(data_open(&options, &w->data, &w->why), RC_OK);
	w->dir = dir_new(w->data, 64 * 1024);
	arena_init(&w->a, 0);
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	dir_free(&w->dir);
	data_close(&w->data);
	arena_done(&w->a);
	char cmd[128];
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->path);
	return system(cmd);
}

static uint32_t add(struct world *w, enum dir_kind kind, const char *address, const char *member)
{
	struct slice members[1] = { slice_str(member) };
	struct dir_new n = { .kind = kind,
		.address = slice_str(address),
		.members = members,
		.nmembers = member ? 1 : 0 };
	uint32_t id = 0;
	enum rc rc = dir_add(w->dir, &n, &id, &w->why);
	if (rc != RC_OK)
		print_message("%s: %s\n", address, fault_text(&w->why));
	assert_int_equal(rc, RC_OK);
	return id;
}

static void domain(struct world *w, const char *name)
{
	assert_int_equal(dir_domain_add(w->dir, slice_str(name), 7, &w->why), RC_OK);
}

static enum rc rcpt(struct world *w, const char *address, struct dir_rcpt *out)
{
	return dir_lookup_rcpt(w->dir, slice_str(address), &w->a, out, &w->why);
}

static void keeps_domains(void **state)
{
	struct world *w = *state;
	const struct dir_domain *all;
	struct dir_domain one;
	size_t n;
	domain(w, "Example.org");
	domain(w, "b\xc3\xbc"
		  "cher.example");
	assert_int_equal(dir_domain_add(w->dir, S("EXAMPLE.org."), 7, &w->why), RC_TAKEN);
	assert_int_equal(w->why.id, FAULT_EXISTS);
	assert_int_equal(dir_domain_add(w->dir, S("not a domain"), 7, &w->why), RC_BAD);
	assert_int_equal(dir_domain_is_local(w->dir, S("example.ORG"), &w->why), RC_OK);
	assert_int_equal(dir_domain_is_local(w->dir, S("xn--bcher-kva.example"), &w->why), RC_OK);
	assert_int_equal(dir_domain_is_local(w->dir, S("example.net"), &w->why), RC_NONE);
	assert_int_equal(dir_domain_list(w->dir, &(struct dir_page){ .most = 100 }, &w->a, &all, &n,
				 &w->why),
		RC_OK);
	assert_int_equal(n, 2);
	assert_true(slice_eq(all[0].name, S("example.org")));
	assert_int_equal(dir_domain_list(w->dir, &(struct dir_page){ all[0].name, 100 }, &w->a,
				 &all, &n, &w->why),
		RC_OK);
	assert_int_equal(n, 1);
	add(w, DIR_ACCOUNT, "ann@example.org", NULL);
	assert_int_equal(dir_domain_show(w->dir, S("example.org"), &w->a, &one, &w->why), RC_OK);
	assert_int_equal(one.addresses, 1);
	assert_int_equal(one.made_unix, 7);
	assert_int_equal(dir_domain_delete(w->dir, S("example.org"), &w->why), RC_DENIED);
	assert_int_equal(dir_domain_delete(w->dir, S("xn--bcher-kva.example"), &w->why), RC_OK);
	assert_int_equal(dir_domain_delete(w->dir, S("xn--bcher-kva.example"), &w->why), RC_NONE);
	assert_int_equal(dir_domain_is_local(w->dir, S("xn--bcher-kva.example"), &w->why), RC_NONE);
}

static void keeps_accounts(void **state)
{
	struct world *w = *state;
	struct slice aliases[] = { S("a.smith@example.org"), S("Sales@example.org") };
	struct dir_new n = { .kind = DIR_ACCOUNT,
		.address = S("Ann@Example.org"),
		.name = S("Ann Smith"),
		.aliases = aliases,
		.naliases = 2,
		.quota_bytes = 5000,
		.unix_now = 99 };
	struct dir_principal p;
	uint32_t id, other;
	assert_int_equal(dir_add(w->dir, &n, &id, &w->why), RC_NONE);
	assert_int_equal(w->why.id, FAULT_DOMAIN_UNKNOWN);
	domain(w, "example.org");
	assert_int_equal(dir_add(w->dir, &n, &id, &w->why), RC_OK);
	assert_int_equal(dir_add(w->dir, &n, &other, &w->why), RC_TAKEN);
	assert_int_equal(dir_find(w->dir, S("SALES@example.org"), &w->a, &p, &w->why), RC_OK);
	assert_int_equal(p.id, id);
	assert_int_equal(p.quota_bytes, 5000);
	assert_int_equal(p.made_unix, 99);
	assert_true(p.is_enabled);
	assert_true(slice_eq(p.address, S("ann@example.org")));
	assert_true(slice_eq(p.name, S("Ann Smith")));
	assert_int_equal(p.naliases, 2);
	assert_int_equal(dir_find(w->dir, S("ann"), &w->a, &p, &w->why), RC_OK);
	assert_int_equal(dir_alias_add(w->dir, id, S("x@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_alias_add(w->dir, id, S("X@example.org"), &w->why), RC_TAKEN);
	assert_int_equal(dir_alias_remove(w->dir, id, S("ann@example.org"), &w->why), RC_DENIED);
	assert_int_equal(dir_alias_remove(w->dir, id, S("sales@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_alias_remove(w->dir, id, S("sales@example.org"), &w->why), RC_NONE);
	assert_int_equal(dir_find(w->dir, S("sales@example.org"), &w->a, &p, &w->why), RC_NONE);
	assert_int_equal(dir_set_name(w->dir, id, S("A."), &w->why), RC_OK);
	assert_int_equal(dir_set_quota(w->dir, id, 1, &w->why), RC_OK);
	assert_int_equal(dir_set_enabled(w->dir, id, false, &w->why), RC_OK);
	assert_int_equal(dir_principal(w->dir, id, &w->a, &p, &w->why), RC_OK);
	assert_true(slice_eq(p.name, S("A.")));
	assert_int_equal(p.quota_bytes, 1);
	assert_false(p.is_enabled);
	assert_int_equal(dir_delete(w->dir, id, &w->why), RC_OK);
	assert_int_equal(dir_delete(w->dir, id, &w->why), RC_NONE);
	assert_int_equal(dir_find(w->dir, S("x@example.org"), &w->a, &p, &w->why), RC_NONE);
	assert_int_not_equal(add(w, DIR_ACCOUNT, "ann@example.org", NULL), id);
}

static void keeps_secrets(void **state)
{
	struct world *w = *state;
	struct dir_secret s;
	struct scram_keys keys;
	struct slice hash = S("{SSHA}POquzGBk8WcGwKKfsyewXaFEFLQBAgMEBQYHCA==");
	domain(w, "example.org");
	uint32_t id = add(w, DIR_ACCOUNT, "ann@example.org", NULL);
	assert_int_equal(dir_secret(w->dir, id, &w->a, &s, &w->why), RC_OK);
	assert_int_equal(s.n, 0);
	assert_false(s.has_scram);
	uint32_t before = s.generation;
	assert_int_equal(scram_keys_make(S("x"), &keys), RC_OK);
	assert_int_equal(dir_set_password(w->dir, id, hash, &keys, &w->why), RC_OK);
	assert_int_equal(dir_secret(w->dir, id, &w->a, &s, &w->why), RC_OK);
	assert_int_equal(s.n, 1);
	assert_true(slice_eq(s.hashes[0], hash));
	assert_true(s.has_scram);
	assert_memory_equal(s.scram.stored, keys.stored, SCRAM_LEN);
	assert_int_equal(s.generation, before + 1);
	assert_int_equal(dir_set_enabled(w->dir, id, false, &w->why), RC_OK);
	assert_int_equal(dir_secret(w->dir, id, &w->a, &s, &w->why), RC_OK);
	assert_int_equal(s.generation, before + 2);
	assert_int_equal(s.n, 1);
	assert_int_equal(dir_set_password(w->dir, id, S("plain"), NULL, &w->why), RC_BAD);
	uint32_t list = add(w, DIR_LIST, "list@example.org", "ann@example.org");
	assert_int_equal(dir_set_password(w->dir, list, hash, NULL, &w->why), RC_DENIED);
}

static void finds_recipients(void **state)
{
	struct world *w = *state;
	struct dir_rcpt r;
	domain(w, "example.org");
	uint32_t ann = add(w, DIR_ACCOUNT, "ann@example.org", NULL);
	uint32_t bob = add(w, DIR_ACCOUNT, "bob@example.org", NULL);
	assert_int_equal(rcpt(w, "Ann@EXAMPLE.org", &r), RC_OK);
	assert_int_equal(r.route, DIR_LOCAL);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], ann);
	assert_int_equal(r.detail.len, 0);
	assert_int_equal(rcpt(w, "ann+news@example.org", &r), RC_OK);
	assert_true(slice_eq(r.detail, S("news")));
	assert_int_equal(rcpt(w, "who@example.org", &r), RC_NONE);
	assert_int_equal(w->why.id, FAULT_USER_UNKNOWN);
	assert_int_equal(rcpt(w, "who@elsewhere.example", &r), RC_OK);
	assert_int_equal(r.route, DIR_REMOTE);
	assert_int_equal(rcpt(w, "\r\n", &r), RC_BAD);
	assert_int_equal(rcpt(w, "postmaster@example.org", &r), RC_NONE);
	assert_int_equal(dir_set_role(w->dir, bob, DIR_ADMIN, &w->why), RC_OK);
	assert_int_equal(rcpt(w, "Postmaster", &r), RC_OK);
	assert_int_equal(r.ids[0], bob);
	assert_int_equal(dir_set_role(w->dir, ann, DIR_ADMIN, &w->why), RC_OK);
	assert_int_equal(dir_delete(w->dir, bob, &w->why), RC_OK);
	assert_int_equal(rcpt(w, "postmaster@example.org", &r), RC_OK);
	assert_int_equal(r.ids[0], ann);
	assert_int_equal(
		dir_domain_catch_all(w->dir, S("example.org"), S("nobody@example.org"), &w->why),
		RC_NONE);
	assert_int_equal(
		dir_domain_catch_all(w->dir, S("example.org"), S("Ann@example.org"), &w->why),
		RC_OK);
	assert_int_equal(rcpt(w, "who+x@example.org", &r), RC_OK);
	assert_int_equal(r.ids[0], ann);
	assert_int_equal(r.detail.len, 0);
}

static void expands_lists(void **state)
{
	struct world *w = *state;
	struct dir_rcpt r;
	domain(w, "example.org");
	uint32_t ann = add(w, DIR_ACCOUNT, "ann@example.org", NULL);
	uint32_t bob = add(w, DIR_ACCOUNT, "bob@example.org", NULL);
	uint32_t staff = add(w, DIR_GROUP, "staff@example.org", "ann@example.org");
	uint32_t all = add(w, DIR_LIST, "all@example.org", "staff@example.org");
	assert_int_equal(dir_member_add(w->dir, all, S("Bob@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_member_add(w->dir, all, S("all@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_member_add(w->dir, all, S("gone@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_member_add(w->dir, all, S("y@far.example"), &w->why), RC_OK);
	assert_int_equal(dir_member_add(w->dir, all, S("y@FAR.example"), &w->why), RC_TAKEN);
	assert_int_equal(dir_member_add(w->dir, all, S("x@far.example"), &w->why), RC_OK);
	assert_int_equal(rcpt(w, "all@example.org", &r), RC_OK);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.ids[0], ann);
	assert_int_equal(r.ids[1], bob);
	assert_int_equal(r.nremote, 2);
	assert_true(slice_eq(r.remote[0], S("x@far.example")));
	assert_true(slice_eq(r.list, S("all@example.org")));
	assert_int_equal(dir_member_remove(w->dir, all, S("staff@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_member_remove(w->dir, all, S("staff@example.org"), &w->why), RC_NONE);
	assert_int_equal(rcpt(w, "all@example.org", &r), RC_OK);
	assert_int_equal(r.n, 1);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("staff@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_may_send_as(w->dir, bob, S("staff@example.org"), &w->why), RC_DENIED);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("all@example.org"), &w->why), RC_DENIED);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("ANN+x@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("bob@example.org"), &w->why), RC_DENIED);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("ann@far.example"), &w->why), RC_DENIED);
	assert_int_equal(dir_set_role(w->dir, ann, DIR_ADMIN, &w->why), RC_OK);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("any@example.org"), &w->why), RC_OK);
	assert_int_equal(dir_may_send_as(w->dir, ann, S("ann@far.example"), &w->why), RC_DENIED);
	(void)staff;
}

static void caps_depth(void **state)
{
	struct world *w = *state;
	struct dir_rcpt r;
	char one[64], two[64] = "end@example.org";
	domain(w, "example.org");
	add(w, DIR_ACCOUNT, two, NULL);
	for (int i = 0; i <= DIR_DEPTH_MOST; i++) {
		(void)snprintf(one, sizeof(one), "l%d@example.org", i);
		add(w, DIR_LIST, one, two);
		assert_int_equal(rcpt(w, one, &r), i < DIR_DEPTH_MOST ? RC_OK : RC_LIMIT);
		memcpy(two, one, sizeof(two));
	}
}

static void lists_pages(void **state)
{
	struct world *w = *state;
	const struct dir_principal *page;
	size_t n, seen = 0;
	domain(w, "example.org");
	domain(w, "example.net");
	for (int i = 0; i < 10; i++) {
		char address[64];
		(void)snprintf(
			address, sizeof(address), "u%d@example.%s", i, i % 2 ? "org" : "net");
		add(w, i == 4 ? DIR_LIST : DIR_ACCOUNT, address, NULL);
	}
	struct dir_filter f = { .kind = DIR_ACCOUNT, .most = 4 };
	do {
		assert_int_equal(dir_list(w->dir, &f, &w->a, &page, &n, &w->why), RC_OK);
		seen += n;
		f.after = n > 0 ? page[n - 1].id : f.after;
	} while (n > 0);
	assert_int_equal(seen, 9);
	f = (struct dir_filter){ .domain = S("Example.net"), .most = 100 };
	assert_int_equal(dir_list(w->dir, &f, &w->a, &page, &n, &w->why), RC_OK);
	assert_int_equal(n, 5);
}

struct racer {
	struct world *w;
	int from, made;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	for (int i = 0; i < 20; i++) {
		char address[64];
		uint32_t id;
		struct fault why;
		(void)snprintf(address, sizeof(address), "same%d@example.org", i);
		struct dir_new n = { .kind = DIR_ACCOUNT, .address = slice_str(address) };
		enum rc rc = dir_add(r->w->dir, &n, &id, &why);
		r->made += rc == RC_OK;
		if (rc != RC_OK && rc != RC_TAKEN)
			r->made += 1000;
	}
	return NULL;
}

/* [dir 1]: of two that want the same address one gets it. */
static void keeps_addresses_unique(void **state)
{
	struct world *w = *state;
	struct racer r[4];
	pthread_t t[4];
	domain(w, "example.org");
	for (int i = 0; i < 4; i++) {
		r[i] = (struct racer){ .w = w };
		assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
	}
	int made = 0;
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		made += r[i].made;
	}
	assert_int_equal(made, 20);
}

/* The cache answers without the store, stays under its cap, and another node's change is seen after dir_forget. */
static void caches(void **state)
{
	struct world *w = *state;
	struct dir_rcpt r;
	struct dir_stats s;
	struct data_stats before, after;
	domain(w, "example.org");
	uint32_t ann = add(w, DIR_ACCOUNT, "ann@example.org", NULL);
	struct dir *other = dir_new(w->data, 64 * 1024);
	assert_int_equal(rcpt(w, "ann@example.org", &r), RC_OK);
	data_stats(w->data, &before);
	assert_int_equal(rcpt(w, "ann@example.org", &r), RC_OK);
	assert_int_equal(rcpt(w, "ann@example.org", &r), RC_OK);
	data_stats(w->data, &after);
	assert_int_equal(before.keys_read, after.keys_read);
	assert_int_equal(dir_delete(other, ann, &w->why), RC_OK);
	dir_forget(w->dir);
	assert_int_equal(rcpt(w, "ann@example.org", &r), RC_NONE);
	for (int i = 0; i < 2000; i++) {
		char address[64];
		(void)snprintf(address, sizeof(address), "stranger%d@example.org", i);
		assert_int_equal(rcpt(w, address, &r), RC_NONE);
	}
	dir_stats(w->dir, &s);
	assert_true(s.bytes <= 64 * 1024);
	assert_true(s.evictions > 0);
	dir_free(&other);
}

/* One batch for many; what is there already is left out whole, also when it comes twice in the same batch. */
static void adds_many(void **state)
{
	struct world *w = *state;
	struct slice alias[] = { S("x@example.org"), S("bob@example.org") };
	struct dir_new what[] = {
		{ .kind = DIR_ACCOUNT, .address = S("ann@example.org") },
		{ .kind = DIR_ACCOUNT, .address = S("bob@example.org") },
		{ .kind = DIR_ACCOUNT, .address = S("ANN@example.org") },
		{ .kind = DIR_ACCOUNT,
			.address = S("cyd@example.org"),
			.aliases = alias,
			.naliases = 2 },
		{ .kind = DIR_ACCOUNT, .address = S("dan@example.org") },
		{ .kind = DIR_ACCOUNT, .address = S("eve@elsewhere.test") },
	};
	uint32_t ids[6];
	size_t at = 0;
	struct dir_rcpt out;
	struct dir_principal p;
	domain(w, "example.org");
	assert_int_equal(dir_add_many(w->dir, what, 6, ids, &at, &w->why), RC_NONE);
	assert_int_equal(w->why.id, FAULT_DOMAIN_UNKNOWN);
	assert_int_equal(at, 5);
	assert_int_equal(rcpt(w, "ann@example.org", &out), RC_NONE);
	assert_int_equal(dir_add_many(w->dir, what, 5, ids, &at, &w->why), RC_OK);
	assert_true(ids[0] != 0 && ids[1] > ids[0] && ids[4] > ids[1]);
	assert_true(ids[2] == 0 && ids[3] == 0);
	assert_int_equal(rcpt(w, "x@example.org", &out), RC_NONE);
	assert_int_equal(dir_find(w->dir, S("dan@example.org"), &w->a, &p, &w->why), RC_OK);
	assert_int_equal(p.id, ids[4]);
	assert_int_equal(add(w, DIR_ACCOUNT, "cyd@example.org", NULL), ids[4] + 1);
}

int test_directory(const char *engine)
{
	struct world w = { .engine = engine };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(keeps_domains, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(keeps_accounts, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(keeps_secrets, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(finds_recipients, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(expands_lists, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(caps_depth, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(lists_pages, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(keeps_addresses_unique, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(caches, begin, end, &w),
		cmocka_unit_test_prestate_setup_teardown(adds_many, begin, end, &w),
	};
	return cmocka_run_group_tests_name(engine, tests, NULL, NULL);
}
