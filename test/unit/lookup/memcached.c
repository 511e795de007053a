/* memcached.c: The suite over Memcached, and what happens when it is killed, stopped, started again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "groups.h"
#include "world.h"

static struct lookup *open_over(const char *const *urls, size_t n)
{
	struct lookup *lookup;
	struct fault why;
	const struct memcached_conf conf = { .urls = urls,
		.urls_n = n,
		.timeout_ms = 1000,
		.retries = 1,
		.connections = 8,
		.tls_ca = "" };
	assert_int_equal(lookup_open_memcached(&conf, &lookup, &why), RC_OK);
	return lookup;
}

int test_memcached(void)
{
	static struct server one, two;
	char urls[2][64];
	const char *at[] = { urls[0], urls[1] };
	memcached_server(&one, world_port());
	memcached_server(&two, world_port());
	server_start(&one);
	server_start(&two);
	(void)snprintf(urls[0], sizeof(urls[0]), "memcached://127.0.0.1:%u", one.port);
	(void)snprintf(urls[1], sizeof(urls[1]), "127.0.0.1:%u", two.port);
	int failed = test_engine("lookup/engine/memcached", open_over(at, 2));
	failed += test_faults("lookup/faults/memcached", open_over(at, 1), &one, 1000);
	server_kill(&one);
	server_kill(&two);
	return failed;
}
