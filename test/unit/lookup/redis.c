/* redis.c: The suite over one Redis: both protocols, TLS, ACL, and faults. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "groups.h"
#include "world.h"

struct set_up {
	struct server plain, safe;
	char url[64], safe_url[64], ca[128];
};

static struct lookup *open_with(const struct redis_conf *conf)
{
	struct lookup *lookup;
	struct fault why;
	assert_int_equal(lookup_open_redis(conf, &lookup, &why), RC_OK);
	return lookup;
}

static void make_certificate(const char *path)
{
	char cmd[512];
	(void)snprintf(cmd, sizeof(cmd),
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		"-subj /CN=redis -addext subjectAltName=IP:127.0.0.1 -keyout %s.key -out %s "
		"2>/dev/null",
		path, path);
	assert_int_equal(system(cmd), 0);
}

static void safe_server(struct set_up *s)
{
	struct server *r = &s->safe;
	(void)snprintf(s->ca, sizeof(s->ca), "%s/redis.crt", world_folder());
	make_certificate(s->ca);
	redis_server(r, world_port());
	(void)snprintf(r->args[r->n - 1], sizeof(r->args[0]), "0"); /* no port without TLS */
	static const char *const more[] = { "--tls-auth-clients", "no", "--tls-cert-file" };
	static const char *const users[] = { "--user", "default", "off", "--user", "veredus", "on",
		">pass:word", "~*", "+@all" };
	server_arg(r, "--tls-port");
	server_arg(r, "%u", r->port);
	for (size_t i = 0; i < 3; i++)
		server_arg(r, "%s", more[i]);
	server_arg(r, "%s", s->ca);
	server_arg(r, "--tls-key-file");
	server_arg(r, "%s.key", s->ca);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		server_arg(r, "%s", users[i]);
	server_start(r);
	(void)snprintf(s->safe_url, sizeof(s->safe_url), "rediss://127.0.0.1:%u", r->port);
}

static enum rc try_with(const struct redis_conf *conf, struct fault *why)
{
	struct lookup *lookup = open_with(conf);
	enum rc rc = lookup_ready(lookup, why);
	lookup_close(&lookup);
	return rc;
}

static void logs_in(void **state)
{
	struct set_up *s = *state;
	struct fault why = { 0 };
	const char *urls[] = { s->safe_url };
	struct redis_conf conf = redis_options(urls, 1);
	conf.tls_ca = s->ca;
	conf.user = "veredus";
	conf.secret = "pass:word";
	assert_int_equal(try_with(&conf, &why), RC_OK);
	conf.protocol = 2;
	assert_int_equal(try_with(&conf, &why), RC_OK);
	conf.secret = "wrong";
	assert_int_equal(try_with(&conf, &why), RC_TEMP);
	assert_non_null(strstr(fault_text(&why), "WRONGPASS"));
	conf.protocol = 3;
	assert_int_equal(try_with(&conf, &why), RC_TEMP);
	assert_non_null(strstr(fault_text(&why), "WRONGPASS"));
	char url[128];
	(void)snprintf(
		url, sizeof(url), "rediss://veredus:pass%%3Aword@127.0.0.1:%u/3", s->safe.port);
	urls[0] = url;
	conf.user = conf.secret = "";
	assert_int_equal(try_with(&conf, &why), RC_OK);
}

static void checks_the_certificate(void **state)
{
	struct set_up *s = *state;
	struct fault why = { 0 };
	const char *urls[] = { s->safe_url };
	struct redis_conf conf = redis_options(urls, 1);
	conf.user = "veredus";
	conf.secret = "pass:word";
	assert_int_equal(try_with(&conf, &why), RC_TEMP); /* the system knows no such authority */
	assert_non_null(strstr(fault_text(&why), "TLS"));
	conf.tls_allow_invalid = true;
	assert_int_equal(try_with(&conf, &why), RC_OK);
	conf.tls_ca = "/nowhere";
	struct lookup *lookup = NULL;
	assert_int_equal(lookup_open_redis(&conf, &lookup, &why), RC_BAD);
	urls[0] = "http://127.0.0.1";
	conf.tls_ca = "";
	assert_int_equal(lookup_open_redis(&conf, &lookup, &why), RC_BAD);
}

/* A server that has lost its scripts gets them again. */
static void sends_scripts_again(void **state)
{
	struct set_up *s = *state;
	const char *urls[] = { s->url };
	struct redis_conf conf = redis_options(urls, 1);
	struct lookup *lookup = open_with(&conf);
	const struct lookup_key k = key_of(LOOKUP_AUTH, "", "scripts");
	const struct lookup_add a = { { LOOKUP_FIXED, 10, 600000 }, 1 };
	struct lookup_count out;
	for (uint64_t i = 1; i <= 3; i++) {
		redis_cli(s->plain.port, "SCRIPT FLUSH", NULL, 0);
		assert_int_equal(lookup_add(lookup, &k, &a, &out, NULL), RC_OK);
		assert_int_equal(out.count, i);
	}
	lookup_close(&lookup);
}

/* The second of two servers answers when the first is gone. */
static void takes_the_next_url(void **state)
{
	struct set_up *s = *state;
	char nobody[64];
	(void)snprintf(nobody, sizeof(nobody), "redis://127.0.0.1:%u", world_port());
	const char *urls[] = { nobody, s->url };
	struct redis_conf conf = redis_options(urls, 2);
	struct fault why = { 0 };
	assert_int_equal(try_with(&conf, &why), RC_OK);
}

int test_redis(void)
{
	static struct set_up s;
	redis_server(&s.plain, world_port());
	server_start(&s.plain);
	(void)snprintf(s.url, sizeof(s.url), "redis://127.0.0.1:%u", s.plain.port);
	safe_server(&s);
	const char *urls[] = { s.url };
	struct redis_conf conf = redis_options(urls, 1);
	int failed = test_engine("lookup/engine/redis", open_with(&conf));
	conf.protocol = 2;
	redis_cli(s.plain.port, "FLUSHALL", NULL, 0);
	failed += test_engine("lookup/engine/redis/resp2", open_with(&conf));
	const char *safe[] = { s.safe_url };
	struct redis_conf with_tls = redis_options(safe, 1);
	with_tls.tls_ca = s.ca;
	with_tls.user = "veredus";
	with_tls.secret = "pass:word";
	failed += test_engine("lookup/engine/redis/tls", open_with(&with_tls));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(logs_in, &s),
		cmocka_unit_test_prestate(checks_the_certificate, &s),
		cmocka_unit_test_prestate(sends_scripts_again, &s),
		cmocka_unit_test_prestate(takes_the_next_url, &s),
	};
	failed += cmocka_run_group_tests_name("lookup/redis", tests, NULL, NULL);
	conf.protocol = 3;
	conf.timeout_ms = 1000;
	conf.retries = 1;
	failed += test_faults("lookup/faults/redis", open_with(&conf), &s.plain, 1000);
	with_tls.timeout_ms = 1000;
	failed += test_faults("lookup/faults/redis/tls", open_with(&with_tls), &s.safe, 1000);
	server_kill(&s.plain);
	server_kill(&s.safe);
	return failed;
}
