/* faults.c: A server that is killed, stopped, started again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include <signal.h>

enum { SLACK_MS = 5000 }; /* a busy machine has its own pauses */

struct patient {
	struct lookup *lookup;
	struct server *server;
	uint64_t timeout_ms;
};

bool faults_set_works(struct lookup *lookup, const char *name, uint64_t timeout_ms)
{
	struct fault why = { 0 };
	const struct lookup_key k = key_of(LOOKUP_ACME, "", name);
	uint64_t began = run_now_ms(NULL);
	enum rc rc = lookup_set(lookup, &k, S("x"), 0, &why);
	assert_true(run_now_ms(NULL) <= began + timeout_ms + SLACK_MS);
	if (rc != RC_OK) {
		assert_int_equal(rc, RC_TEMP);
		assert_int_equal(why.id, FAULT_STORE);
		assert_true(why.detail[0] != '\0');
	}
	return rc == RC_OK;
}

static bool works(void *arg)
{
	struct patient *p = arg;
	return faults_set_works(p->lookup, "faults", p->timeout_ms);
}

/* Until the breaker is open: then a call costs nothing. */
static bool fails_at_once(void *arg)
{
	uint64_t began = run_now_us();
	assert_false(works(arg));
	return run_now_us() - began < 1000;
}

static void killed_and_started_again(void **state)
{
	struct patient *p = *state;
	assert_true(works(p));
	server_kill(p->server);
	world_until(fails_at_once, p);
	server_start(p->server);
	world_until(works, p);
}

/* Started again before anybody noticed: connections are old, but no call fails. */
static void started_again_unseen(void **state)
{
	struct patient *p = *state;
	assert_true(works(p));
	server_kill(p->server);
	server_start(p->server);
	assert_true(works(p));
}

static void stopped_and_continued(void **state)
{
	struct patient *p = *state;
	assert_true(works(p));
	server_signal(p->server, SIGSTOP);
	uint64_t began = run_now_ms(NULL);
	assert_false(works(p));
	assert_true(run_now_ms(NULL) >= began + p->timeout_ms - 100); /* it had its time */
	world_until(fails_at_once, p);
	server_signal(p->server, SIGCONT);
	world_until(works, p);
}

int test_faults(const char *name, struct lookup *lookup, struct server *server, uint64_t timeout_ms)
{
	struct patient p = { lookup, server, timeout_ms };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(killed_and_started_again, &p),
		cmocka_unit_test_prestate(started_again_unseen, &p),
		cmocka_unit_test_prestate(stopped_and_continued, &p),
	};
	int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
	lookup_close(&lookup);
	return failed;
}
