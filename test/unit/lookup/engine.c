/* engine.c: What every engine of the lookup store does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 40 };

#define is(got, want) assert_true(slice_eq(got, S(want)))

static void ok(struct world *w, enum rc rc)
{
	if (rc != RC_OK)
		print_error("%s: %s\n", rc_name(rc), fault_text(&w->why));
	assert_int_equal(rc, RC_OK);
}

static void set(struct world *w, const struct lookup_key *key, const char *value, uint64_t ttl_ms)
{
	ok(w, lookup_set(w->lookup, key, slice_str(value), ttl_ms, &w->why));
}

static void values(void **state)
{
	struct world *w = *state;
	struct lookup_key k = key_of(LOOKUP_ACME, "", "values");
	is(value_of(w, &k), "(none)");
	set(w, &k, "one", 0);
	is(value_of(w, &k), "one");
	set(w, &k, "", 60000);
	is(value_of(w, &k), "");
	ok(w, lookup_set(w->lookup, &k, S("\0\r\n\377"), 0, &w->why));
	is(value_of(w, &k), "\0\r\n\377");
	ok(w, lookup_delete(w->lookup, &k, &w->why));
	is(value_of(w, &k), "(none)");
	ok(w, lookup_delete(w->lookup, &k, &w->why));
}

static void large_values(void **state)
{
	struct world *w = *state;
	struct lookup_key k = key_of(LOOKUP_ACME, "", "large");
	uint8_t *bytes = test_malloc(LOOKUP_VALUE_MAX + 1);
	for (size_t i = 0; i < LOOKUP_VALUE_MAX + 1; i++)
		bytes[i] = (uint8_t)(i * 7 % 251);
	struct slice all = slice_of(bytes, LOOKUP_VALUE_MAX);
	ok(w, lookup_set(w->lookup, &k, all, 0, &w->why));
	assert_true(slice_eq(value_of(w, &k), all));
	all.len++;
	assert_int_equal(lookup_set(w->lookup, &k, all, 0, &w->why), RC_LIMIT);
	test_free(bytes);
}

/* Prefix, group and name are kept apart, and hold any octets. */
static void keys_are_told_apart(void **state)
{
	struct world *w = *state;
	static const struct lookup_key keys[] = {
		{ LOOKUP_OAUTH, { 0 }, { 0 } },
		{ LOOKUP_OAUTH, { 0 }, S("ab") },
		{ LOOKUP_OAUTH, S("a"), S("b") },
		{ LOOKUP_OAUTH, S("ab"), { 0 } },
		{ LOOKUP_OAUTH, S("a"), S("b\0") },
		{ LOOKUP_OAUTH, S("a\0"), S("b") },
		{ LOOKUP_OAUTH, { 0 }, S("{tag} \r\n*?[x]") },
		{ LOOKUP_OAUTH, { 0 }, S("{tag} \r\n*?[y]") },
		{ LOOKUP_ACME, S("a"), S("b") },
	};
	enum { N = sizeof(keys) / sizeof(keys[0]) };
	for (size_t i = 0; i < N; i++)
		ok(w, lookup_set(w->lookup, &keys[i], arena_fmt(&w->a, "%zu", i), 0, &w->why));
	for (size_t i = 0; i < N; i++)
		assert_true(slice_eq(value_of(w, &keys[i]), arena_fmt(&w->a, "%zu", i)));
	uint8_t long_name[LOOKUP_NAME_MAX + 1] = { 1 };
	struct lookup_key k = { LOOKUP_OAUTH, S(""), slice_of(long_name, LOOKUP_NAME_MAX) };
	set(w, &k, "long", 0);
	is(value_of(w, &k), "long");
	k.name.len++;
	assert_int_equal(lookup_set(w->lookup, &k, S(""), 0, &w->why), RC_LIMIT);
	k = (struct lookup_key){ LOOKUP_OAUTH, slice_of(long_name, LOOKUP_GROUP_MAX + 1), S("") };
	assert_int_equal(lookup_set(w->lookup, &k, S(""), 0, &w->why), RC_LIMIT);
}

struct at {
	struct world *w;
	struct lookup_key key;
	struct lookup_add add;
	struct lookup_count got;
};

static bool is_gone(void *arg)
{
	struct at *at = arg;
	return slice_eq(value_of(at->w, &at->key), S("(none)"));
}

static void values_expire(void **state)
{
	struct world *w = *state;
	struct at at = { .w = w, .key = key_of(LOOKUP_GREYLIST, "", "short") };
	struct lookup_key later = key_of(LOOKUP_GREYLIST, "", "later");
	struct lookup_key never = key_of(LOOKUP_GREYLIST, "", "never");
	uint64_t began = run_now_ms(NULL);
	set(w, &at.key, "x", 60);
	set(w, &later, "x", 600000);
	set(w, &never, "x", 20);
	set(w, &never, "y", 0);
	world_until(is_gone, &at);
	assert_true(run_now_ms(NULL) >= began + 59);
	is(value_of(w, &later), "x");
	is(value_of(w, &never), "y");
	set(w, &at.key, "again", 600000);
	is(value_of(w, &at.key), "again");
}

static struct lookup_count add(struct at *at, uint64_t n)
{
	at->add.n = n;
	ok(at->w, lookup_add(at->w->lookup, &at->key, &at->add, &at->got, &at->w->why));
	return at->got;
}

static bool is_empty(void *arg)
{
	return add(arg, 0).count == 0;
}

static void fixed_windows(void **state)
{
	struct at at = { .w = *state,
		.key = key_of(LOOKUP_AUTH, "", "fixed"),
		.add = { { LOOKUP_FIXED, 3, 600000 }, 0 } };
	assert_int_equal(add(&at, 0).count, 0);
	assert_int_equal(add(&at, 1).count, 1);
	assert_int_equal(add(&at, 2).count, 3);
	assert_false(at.got.is_over);
	assert_int_equal(at.got.wait_ms, 0);
	assert_int_equal(add(&at, 1).count, 4);
	assert_true(at.got.is_over);
	assert_true(at.got.wait_ms > 500000 && at.got.wait_ms <= 600000);
	assert_int_equal(add(&at, 0).count, 4);
	ok(at.w, lookup_delete(at.w->lookup, &at.key, &at.w->why));
	assert_int_equal(add(&at, 0).count, 0);
	at.add.window.period_ms = 80;
	uint64_t began = run_now_ms(NULL);
	add(&at, 5);
	world_until(is_empty, &at);
	assert_true(run_now_ms(NULL) >= began + 79);
	at.add.window.period_ms = 600000;
	assert_int_equal(add(&at, 1).count, 1); /* another window begins */
}

static bool has_room(void *arg)
{
	return !add(arg, 1).is_over;
}

static void leaky_windows(void **state)
{
	struct at at = { .w = *state,
		.key = key_of(LOOKUP_SMTP, "", "leaky"),
		.add = { { LOOKUP_LEAKY, 5, 600000 }, 0 } };
	assert_int_equal(add(&at, 0).count, 0);
	for (uint64_t i = 1; i <= 5; i++) {
		assert_int_equal(add(&at, 1).count, i);
		assert_false(at.got.is_over);
	}
	add(&at, 1);
	assert_true(at.got.is_over && at.got.count == 5);
	assert_true(at.got.wait_ms > 60000 && at.got.wait_ms <= 120000); /* a fifth of the period */
	assert_true(add(&at, 2).wait_ms > 120000);
	at.key = key_of(LOOKUP_SMTP, "", "leaks");
	at.add.window = (struct lookup_window){ LOOKUP_LEAKY, 10, 400 };
	uint64_t began = run_now_ms(NULL);
	assert_false(add(&at, 10).is_over);
	world_until(has_room, &at); /* after a tenth of the period, not all of it */
	assert_true(run_now_ms(NULL) >= began + 39);
	world_until(is_empty, &at);
}

struct take {
	struct world *w;
	struct lookup_key key;
	uint64_t fence;
};

static bool gets_lock(void *arg)
{
	struct take *t = arg;
	const struct lookup_lock lock = { S("second"), 60000 };
	enum rc rc = lookup_lock(t->w->lookup, &t->key, &lock, &t->fence, &t->w->why);
	if (rc != RC_OK)
		assert_int_equal(rc, RC_TAKEN);
	return rc == RC_OK;
}

static void locks(void **state)
{
	struct world *w = *state;
	struct take t = { .w = w, .key = key_of(LOOKUP_LOCK_QUEUE, "", "lock") };
	struct lookup_lock mine = { S("first:1"), 60000 };
	uint64_t first, again;
	ok(w, lookup_lock(w->lookup, &t.key, &mine, &first, &w->why));
	assert_true(first > 0);
	assert_false(gets_lock(&t));
	ok(w, lookup_lock(w->lookup, &t.key, &mine, &again, &w->why));
	assert_true(again == first);
	assert_int_equal(lookup_unlock(w->lookup, &t.key, S("second"), &w->why), RC_NONE);
	ok(w, lookup_unlock(w->lookup, &t.key, S("first:1"), &w->why));
	assert_int_equal(lookup_unlock(w->lookup, &t.key, S("first:1"), &w->why), RC_NONE);
	assert_true(gets_lock(&t));
	assert_true(t.fence > first);
	ok(w, lookup_unlock(w->lookup, &t.key, S("second"), &w->why));
	mine.ttl_ms = 50;
	first = t.fence;
	ok(w, lookup_lock(w->lookup, &t.key, &mine, &again, &w->why));
	assert_true(again > first);
	world_until(gets_lock, &t); /* its time is up */
	assert_true(t.fence > again);
}

static void deletes_by_prefix(void **state)
{
	struct world *w = *state;
	static const char *const groups[] = { "", "a*", "a?", "[ab]", "ab", "a*b" };
	enum { N = sizeof(groups) / sizeof(groups[0]) };
	struct lookup_key k[N][20], other = key_of(LOOKUP_LOCK_DAV, "a*", "other");
	struct at at = { .w = w,
		.key = key_of(LOOKUP_SCAN, "a*", "count"),
		.add = { { LOOKUP_FIXED, 3, 600000 }, 0 } };
	for (size_t g = 0; g < N; g++)
		for (size_t i = 0; i < 20; i++) {
			k[g][i] = key_of(LOOKUP_SCAN, groups[g],
				(const char *)arena_fmt(&w->a, "%zu", i).at);
			set(w, &k[g][i], "x", 0);
		}
	set(w, &other, "x", 0);
	add(&at, 2);
	ok(w, lookup_delete_prefix(w->lookup, LOOKUP_SCAN, S("a*"), &w->why));
	for (size_t g = 0; g < N; g++)
		for (size_t i = 0; i < 20; i++)
			assert_int_equal(slice_eq(value_of(w, &k[g][i]), S("(none)")), g == 1);
	assert_int_equal(add(&at, 0).count, 0);
	ok(w, lookup_delete_prefix(w->lookup, LOOKUP_SCAN, S(""), &w->why));
	for (size_t g = 0; g < N; g++)
		is(value_of(w, &k[g][3]), "(none)");
	is(value_of(w, &other), "x");
	ok(w, lookup_delete_prefix(w->lookup, LOOKUP_LOCK_DAV, S("a*"), &w->why));
	is(value_of(w, &other), "(none)");
}

/* ---- at once ---- */

struct many {
	struct lookup *lookup;
	_Atomic int inside, turns, faults;
};

static void *adds(void *arg)
{
	struct many *m = arg;
	const struct lookup_key k = key_of(LOOKUP_IMAP, "", "many");
	const struct lookup_add a = { { LOOKUP_FIXED, 1000, 600000 }, 1 };
	struct lookup_count out;
	for (int i = 0; i < ROUNDS; i++)
		m->faults += lookup_add(m->lookup, &k, &a, &out, NULL) != RC_OK;
	return NULL;
}

static void *takes_turns(void *arg)
{
	struct many *m = arg;
	const struct lookup_key k = key_of(LOOKUP_LOCK_TASK, "", "many");
	char name[32];
	(void)snprintf(name, sizeof(name), "%p", (void *)&name);
	const struct lookup_lock lock = { slice_str(name), 600000 };
	for (int got = 0; got < 5;) {
		uint64_t fence;
		enum rc rc = lookup_lock(m->lookup, &k, &lock, &fence, NULL);
		if (rc == RC_TAKEN)
			continue;
		m->faults += rc != RC_OK || m->inside++ != 0;
		m->inside--;
		m->turns++;
		got++;
		m->faults += lookup_unlock(m->lookup, &k, lock.owner, NULL) != RC_OK;
	}
	return NULL;
}

static void at_once(struct many *m, void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, m), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(m->faults, 0);
}

static void counts_of_many_threads(void **state)
{
	struct world *w = *state;
	struct many m = { .lookup = w->lookup };
	struct at at = { .w = w,
		.key = key_of(LOOKUP_IMAP, "", "many"),
		.add = { { LOOKUP_FIXED, 1000, 600000 }, 0 } };
	at_once(&m, adds);
	assert_int_equal(add(&at, 0).count, THREADS * ROUNDS);
}

static void locks_of_many_threads(void **state)
{
	struct many m = { .lookup = ((struct world *)*state)->lookup };
	at_once(&m, takes_turns);
	assert_int_equal(m.turns, THREADS * 5);
}

static void is_ready(void **state)
{
	struct world *w = *state;
	ok(w, lookup_ready(w->lookup, &w->why));
}

int test_engine(const char *name, struct lookup *lookup)
{
	struct world w = { .lookup = lookup };
	arena_init(&w.a, 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(is_ready, &w),
		cmocka_unit_test_prestate(values, &w),
		cmocka_unit_test_prestate(large_values, &w),
		cmocka_unit_test_prestate(keys_are_told_apart, &w),
		cmocka_unit_test_prestate(values_expire, &w),
		cmocka_unit_test_prestate(fixed_windows, &w),
		cmocka_unit_test_prestate(leaky_windows, &w),
		cmocka_unit_test_prestate(locks, &w),
		cmocka_unit_test_prestate(deletes_by_prefix, &w),
		cmocka_unit_test_prestate(counts_of_many_threads, &w),
		cmocka_unit_test_prestate(locks_of_many_threads, &w),
	};
	print_message("--- %s\n", name);
	int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
	arena_done(&w.a);
	lookup_close(&lookup);
	return failed;
}
