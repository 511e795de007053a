/* sentinel.c: The suite over a master that Sentinels name, and a fail-over under load. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "groups.h"
#include "world.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SENTINELS = 3, WRITERS = 4, TIMEOUT_MS = 2000 };

struct set_up {
	struct server redis[2], sentinels[SENTINELS];
	char urls[SENTINELS][64];
	const char *at[SENTINELS];
	struct lookup *lookup;
	_Atomic bool is_over;
	_Atomic unsigned good, bad;
};

static void sentinel_server(struct server *s, unsigned master)
{
	char path[128];
	*s = (struct server){ .port = world_port() };
	(void)snprintf(path, sizeof(path), "%s/sentinel-%u.conf", world_folder(), s->port);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fprintf(f,
		"port %u\nbind 127.0.0.1\ndir %s\nsentinel monitor veredus-master 127.0.0.1 %u 2\n"
		"sentinel down-after-milliseconds veredus-master 800\n"
		"sentinel failover-timeout veredus-master 4000\n",
		s->port, world_folder(), master);
	assert_int_equal(fclose(f), 0);
	server_arg(s, "redis-sentinel");
	server_arg(s, "%s", path);
}

/* Every Sentinel knows the replica and both others. */
static bool is_settled(void *arg)
{
	struct set_up *s = arg;
	for (size_t i = 0; i < SENTINELS; i++) {
		char out[4096];
		redis_cli(s->sentinels[i].port, "SENTINEL MASTER veredus-master | paste - -", out,
			sizeof(out));
		if (!strstr(out, "num-slaves\t1\n") || !strstr(out, "num-other-sentinels\t2\n"))
			return false;
	}
	char out[4096];
	redis_cli(s->redis[1].port, "INFO replication", out, sizeof(out));
	return strstr(out, "master_link_status:up") != NULL;
}

static void start(struct set_up *s)
{
	redis_server(&s->redis[0], world_port());
	redis_server(&s->redis[1], world_port());
	server_arg(&s->redis[1], "--replicaof");
	server_arg(&s->redis[1], "127.0.0.1 %u", s->redis[0].port);
	server_start(&s->redis[0]);
	server_start(&s->redis[1]);
	for (size_t i = 0; i < SENTINELS; i++) {
		sentinel_server(&s->sentinels[i], s->redis[0].port);
		server_start(&s->sentinels[i]);
		(void)snprintf(s->urls[i], sizeof(s->urls[i]), "redis://127.0.0.1:%u",
			s->sentinels[i].port);
		s->at[i] = s->urls[i];
	}
	world_until(is_settled, s);
}

static struct lookup *open_over(struct set_up *s)
{
	struct redis_conf conf = redis_options(s->at, SENTINELS);
	struct lookup *lookup;
	conf.master = "veredus-master";
	conf.timeout_ms = TIMEOUT_MS;
	assert_int_equal(lookup_open_redis(&conf, &lookup, NULL), RC_OK);
	return lookup;
}

static void *writes(void *arg)
{
	struct set_up *s = arg;
	char name[32];
	for (unsigned i = 0; !s->is_over; i++) {
		(void)snprintf(name, sizeof(name), "load-%u", i % 100);
		if (faults_set_works(s->lookup, name, TIMEOUT_MS))
			s->good++;
		else
			s->bad++;
	}
	return NULL;
}

static bool has_written(void *arg)
{
	return ((struct set_up *)arg)->good > 200;
}

static bool has_failed(void *arg)
{
	return ((struct set_up *)arg)->bad > 0;
}

/* The master dies under load: calls fail in passing, and go on by themselves with the new one. */
static void fails_over(void **state)
{
	struct set_up *s = *state;
	pthread_t threads[WRITERS];
	s->lookup = open_over(s);
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writes, s), 0);
	world_until(has_written, s);
	server_kill(&s->redis[0]);
	world_until(has_failed, s);
	s->good = 0;
	world_until(has_written, s);
	s->is_over = true;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	char out[256];
	redis_cli(s->redis[1].port, "ROLE | head -1", out, sizeof(out));
	assert_string_equal(out, "master\n");
	lookup_close(&s->lookup);
}

/* All Sentinels name the new master. */
static bool is_agreed(void *arg)
{
	struct set_up *s = arg;
	char port[16];
	(void)snprintf(port, sizeof(port), "%u\n", s->redis[1].port);
	for (size_t i = 0; i < SENTINELS; i++) {
		char out[256];
		redis_cli(s->sentinels[i].port, "SENTINEL GET-MASTER-ADDR-BY-NAME veredus-master",
			out, sizeof(out));
		if (!strstr(out, port))
			return false;
	}
	return true;
}

/* A Sentinel that is gone is passed over; a name that none knows is a fault that says so. */
static void asks_the_others(void **state)
{
	struct set_up *s = *state;
	struct fault why = { 0 };
	world_until(is_agreed, s);
	server_kill(&s->sentinels[0]);
	struct lookup *lookup = open_over(s);
	assert_int_equal(lookup_ready(lookup, &why), RC_OK);
	lookup_close(&lookup);
	struct redis_conf conf = redis_options(s->at, SENTINELS);
	conf.master = "nobody";
	assert_int_equal(lookup_open_redis(&conf, &lookup, &why), RC_OK);
	assert_int_equal(lookup_ready(lookup, &why), RC_TEMP);
	assert_non_null(strstr(fault_text(&why), "nobody"));
	lookup_close(&lookup);
}

int test_sentinel(void)
{
	static struct set_up s;
	start(&s);
	int failed = test_engine("lookup/engine/sentinel", open_over(&s));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(fails_over, &s),
		cmocka_unit_test_prestate(asks_the_others, &s),
	};
	failed += cmocka_run_group_tests_name("lookup/sentinel", tests, NULL, NULL);
	for (size_t i = 0; i < SENTINELS; i++)
		server_kill(&s.sentinels[i]);
	server_kill(&s.redis[0]);
	server_kill(&s.redis[1]);
	return failed;
}
