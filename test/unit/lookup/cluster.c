/* cluster.c: The suite over a cluster of six: three masters, three replicas; redirections, and a master that dies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "groups.h"
#include "wire/resp.h"
#include "world.h"

enum { NODES = 6, TIMEOUT_MS = 3000 };

struct set_up {
	struct server nodes[NODES];
	char urls[NODES][64];
	const char *at[NODES];
	struct lookup *lookup;
};

static bool is_ok(void *arg)
{
	struct set_up *s = arg;
	for (size_t i = 0; i < NODES; i++) {
		char out[4096];
		if (s->nodes[i].pid == 0)
			continue;
		redis_cli(s->nodes[i].port, "CLUSTER INFO", out, sizeof(out));
		if (!strstr(out, "cluster_state:ok"))
			return false;
	}
	return true;
}

/* Each replica has its master's data. */
static bool has_replicas(void *arg)
{
	struct set_up *s = arg;
	size_t n = 0;
	for (size_t i = 0; i < NODES; i++) {
		char out[4096];
		redis_cli(s->nodes[i].port, "INFO replication", out, sizeof(out));
		n += strstr(out, "master_link_status:up") != NULL;
	}
	return n == 3 && is_ok(s);
}

static void start(struct set_up *s)
{
	char line[512] = "--cluster create", out[8192];
	for (size_t i = 0; i < NODES; i++) {
		struct server *n = &s->nodes[i];
		redis_server(n, world_port());
		server_arg(n, "--cluster-enabled");
		server_arg(n, "yes");
		server_arg(n, "--cluster-port");
		server_arg(n, "%u", world_port());
		server_arg(n, "--cluster-config-file");
		server_arg(n, "nodes-%u.conf", n->port);
		server_arg(n, "--cluster-node-timeout");
		server_arg(n, "1000");
		server_start(n);
		size_t len = strlen(line);
		(void)snprintf(line + len, sizeof(line) - len, " 127.0.0.1:%u", n->port);
		(void)snprintf(s->urls[i], sizeof(s->urls[i]), "redis://127.0.0.1:%u", n->port);
		s->at[i] = s->urls[i];
	}
	size_t end = strlen(line);
	(void)snprintf(line + end, sizeof(line) - end, " --cluster-replicas 1 --cluster-yes");
	redis_cli(s->nodes[0].port, line, out, sizeof(out));
	assert_non_null(strstr(out, "All 16384 slots covered"));
	world_until(has_replicas, s);
}

static struct lookup *open_over(struct set_up *s, bool from_replicas)
{
	struct redis_conf conf = redis_options(s->at, 3);
	struct lookup *lookup;
	conf.is_cluster = true;
	conf.reads_from_replicas = from_replicas;
	conf.timeout_ms = TIMEOUT_MS;
	assert_int_equal(lookup_open_redis(&conf, &lookup, NULL), RC_OK);
	return lookup;
}

/* "port id" of the master (or another one) of a slot. */
static void owner_of(struct set_up *s, bool not, unsigned slot, char id[41], unsigned *port)
{
	for (size_t i = 0; i < 3; i++) { /* --cluster create makes the first three masters */
		char out[4096];
		unsigned from, to;
		redis_cli(s->nodes[i].port, "CLUSTER NODES | grep myself", out, sizeof(out));
		const char *range = strstr(out, "connected ");
		assert_non_null(range);
		assert_int_equal(sscanf(range, "connected %u-%u", &from, &to), 2);
		if ((slot >= from && slot <= to) != not ) {
			(void)snprintf(id, 41, "%.40s", out);
			*port = s->nodes[i].port;
			return;
		}
	}
	fail();
}

static void cli(unsigned port, const char *fmt, unsigned slot, const char *what, const char *id)
{
	char line[256], out[256];
	(void)snprintf(line, sizeof(line), fmt, slot, what, id);
	redis_cli(port, line, out, sizeof(out));
	assert_string_equal(out, "OK\n");
}

/* A slot on its way to another node: keys that are not there yet are asked for at the new one; then it has moved. */
static void follows_a_moving_slot(void **state)
{
	struct set_up *s = *state;
	struct world w = { .lookup = open_over(s, false) };
	const struct lookup_key k = key_of(LOOKUP_ACME, "", "moving");
	unsigned slot = resp_slot(S("\0\0moving")), from, to;
	char from_id[41], to_id[41];
	arena_init(&w.a, 0);
	owner_of(s, false, slot, from_id, &from);
	owner_of(s, true, slot, to_id, &to);
	assert_int_equal(lookup_delete(w.lookup, &k, &w.why), RC_OK); /* it knows the old routes */
	cli(to, "CLUSTER SETSLOT %u %s %s", slot, "IMPORTING", from_id);
	cli(from, "CLUSTER SETSLOT %u %s %s", slot, "MIGRATING", to_id);
	assert_int_equal(lookup_set(w.lookup, &k, S("asked"), 0, &w.why), RC_OK); /* ASK */
	assert_true(slice_eq(value_of(&w, &k), S("asked")));
	cli(to, "CLUSTER SETSLOT %u %s %s", slot, "NODE", to_id);
	cli(from, "CLUSTER SETSLOT %u %s %s", slot, "NODE", to_id);
	assert_true(slice_eq(value_of(&w, &k), S("asked"))); /* MOVED */
	assert_int_equal(lookup_set(w.lookup, &k, S("moved"), 0, &w.why), RC_OK);
	assert_true(slice_eq(value_of(&w, &k), S("moved")));
	lookup_close(&w.lookup);
	arena_done(&w.a);
}

struct hope {
	struct set_up *s;
	struct world *w;
	unsigned nth;
};

static bool reads_it(void *arg)
{
	struct hope *h = arg;
	char name[32];
	(void)snprintf(name, sizeof(name), "replica-%u", h->nth);
	const struct lookup_key k = key_of(LOOKUP_OAUTH, "", name);
	return slice_eq(value_of(h->w, &k), S("x"));
}

/* Replicas answer reads, a little behind; masters answer none then. */
static void reads_from_replicas(void **state)
{
	struct set_up *s = *state;
	struct world w = { .lookup = open_over(s, true) };
	arena_init(&w.a, 0);
	for (size_t i = 0; i < 3; i++)
		redis_cli(s->nodes[i].port, "CONFIG RESETSTAT", NULL, 0);
	for (unsigned i = 0; i < 30; i++) {
		struct hope h = { s, &w, i };
		char name[32];
		(void)snprintf(name, sizeof(name), "replica-%u", i);
		assert_true(faults_set_works(w.lookup, "seen", TIMEOUT_MS));
		const struct lookup_key k = key_of(LOOKUP_OAUTH, "", name);
		assert_int_equal(lookup_set(w.lookup, &k, S("x"), 0, &w.why), RC_OK);
		world_until(reads_it, &h);
	}
	for (size_t i = 0; i < 3; i++) {
		char out[4096];
		redis_cli(s->nodes[i].port, "INFO commandstats", out, sizeof(out));
		assert_null(strstr(out, "cmdstat_get:"));
		assert_non_null(strstr(out, "cmdstat_set:"));
	}
	lookup_close(&w.lookup);
	arena_done(&w.a);
}

static bool all_slots_work(void *arg)
{
	struct set_up *s = arg;
	for (unsigned i = 0; i < 50; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "slot-%u", i);
		if (!faults_set_works(s->lookup, name, TIMEOUT_MS))
			return false;
	}
	return true;
}

static void outlives_a_master(void **state)
{
	struct set_up *s = *state;
	s->lookup = open_over(s, false);
	assert_true(all_slots_work(s));
	server_kill(&s->nodes[0]); /* it was the first to be asked, too */
	world_until(all_slots_work, s);
	lookup_close(&s->lookup);
	s->lookup = open_over(s, false); /* who begins now finds the way as well */
	world_until(all_slots_work, s);
	lookup_close(&s->lookup);
}

int test_cluster(void)
{
	static struct set_up s;
	start(&s);
	int failed = test_engine("lookup/engine/cluster", open_over(&s, false));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(follows_a_moving_slot, &s),
		cmocka_unit_test_prestate(reads_from_replicas, &s),
		cmocka_unit_test_prestate(outlives_a_master, &s),
	};
	failed += cmocka_run_group_tests_name("lookup/cluster", tests, NULL, NULL);
	for (size_t i = 0; i < NODES; i++)
		server_kill(&s.nodes[i]);
	return failed;
}
