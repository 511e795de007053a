/* pool.c: Connections taken, put back, dropped; waiting for one; a server that fails. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pool.h"
#include "base/mem.h"
#include "groups.h"
#include "link/breaker.h"
#include "run/run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* The server: numbers for connections. */
struct server {
	bool is_down;
	_Atomic int opened, now;
};

struct link {
	struct server *server;
	int nth;
};

static enum rc dial(void *arg, uint64_t deadline_ms, void **connection, struct fault *why)
{
	struct server *s = arg;
	(void)deadline_ms;
	if (s->is_down)
		return fault_set(why, FAULT_STORE, "down");
	struct link *l = mem_new(MEM_OTHER, sizeof(*l));
	*l = (struct link){ s, ++s->opened };
	s->now++;
	*connection = l;
	return RC_OK;
}

static void hang_up(void *connection)
{
	struct link *l = connection;
	l->server->now--;
	mem_free(MEM_OTHER, l);
}

static const struct pool_kind kind = { dial, hang_up };

static struct pool *pool_of(struct server *s, size_t most)
{
	return pool_new(
		&(struct pool_conf){ .kind = &kind, .arg = s, .name = "server", .most = most });
}

static void uses_the_last_one_again(void **)
{
	struct server s = { 0 };
	struct pool *p = pool_of(&s, 2);
	struct fault why;
	void *a, *b;
	bool is_used;
	uint64_t soon = run_now_ms(NULL) + 1000;
	assert_int_equal(pool_take(p, soon, &a, &is_used, &why), RC_OK);
	assert_false(is_used);
	assert_int_equal(pool_take(p, soon, &b, &is_used, &why), RC_OK);
	pool_put(p, a);
	pool_put(p, b);
	assert_int_equal(pool_take(p, soon, &a, &is_used, &why), RC_OK);
	assert_true(is_used && a == b && s.opened == 2);
	pool_drop(p, a, false);
	assert_int_equal(s.now, 1);
	pool_free(&p);
	assert_int_equal(s.now, 0);
}

static void waits_no_longer_than_its_deadline(void **)
{
	struct server s = { 0 };
	struct pool *p = pool_of(&s, 1);
	struct fault why;
	void *a, *b;
	uint64_t began = run_now_ms(NULL);
	assert_int_equal(pool_take(p, began + 1000, &a, NULL, &why), RC_OK);
	assert_int_equal(pool_take(p, began + 50, &b, NULL, &why), RC_TEMP);
	assert_true(run_now_ms(NULL) >= began + 50);
	pool_put(p, a);
	assert_int_equal(pool_take(p, began + 50, &b, NULL, &why), RC_OK); /* there is one */
	pool_put(p, b);
	pool_free(&p);
}

static void *put_later(void *arg)
{
	void **pair = arg;
	pool_put(pair[0], pair[1]);
	return NULL;
}

static void hands_over_to_who_waits(void **)
{
	struct server s = { 0 };
	struct pool *p = pool_of(&s, 1);
	struct fault why;
	void *a, *b;
	pthread_t thread;
	assert_int_equal(pool_take(p, run_now_ms(NULL) + 1000, &a, NULL, &why), RC_OK);
	void *pair[2] = { p, a };
	assert_int_equal(pthread_create(&thread, NULL, put_later, pair), 0);
	assert_int_equal(pool_take(p, run_now_ms(NULL) + 20000, &b, NULL, &why), RC_OK);
	assert_ptr_equal(a, b);
	pthread_join(thread, NULL);
	pool_put(p, b);
	pool_free(&p);
}

static void fails_at_once_while_the_server_is_down(void **)
{
	struct server s = { .is_down = true };
	struct pool *p = pool_of(&s, 4);
	struct pool_stats stats;
	struct fault why;
	void *a;
	uint64_t far = run_now_ms(NULL) + 60000;
	for (int i = 0; i < BREAKER_FAILURES; i++)
		assert_int_equal(pool_take(p, far, &a, NULL, &why), RC_TEMP);
	pool_stats(p, &stats);
	assert_true(stats.is_broken && stats.open == 0);
	s.is_down = false;
	assert_int_equal(pool_take(p, far, &a, NULL, &why), RC_TEMP); /* not asked */
	assert_non_null(strstr(why.detail, "down")); /* but told why */
	assert_int_equal(s.opened, 0);
	while (pool_take(p, far, &a, NULL, &why) != RC_OK)
		;
	pool_put(p, a);
	pool_stats(p, &stats);
	assert_true(!stats.is_broken && stats.open == 1 && stats.idle == 1);
	pool_free(&p);
}

int test_pool(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses_the_last_one_again),
		cmocka_unit_test(waits_no_longer_than_its_deadline),
		cmocka_unit_test(hands_over_to_who_waits),
		cmocka_unit_test(fails_at_once_while_the_server_is_down),
	};
	return cmocka_run_group_tests_name("link/pool", tests, NULL, NULL);
}
