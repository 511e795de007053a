/* main.c: Runs the one suite of the data store on each engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "server.h"
#include <stddef.h>
#include <string.h>

static int suite(const char *engine)
{
	int failed = test_engine(engine) + test_threads(engine);
	failed += strcmp(engine, "rocksdb") == 0 ? test_writes() : 0;
	return failed + (strcmp(engine, "memory") == 0 ? 0 : test_reopen(engine));
}

static int suite_on_server(const char *kind)
{
	server_start(kind);
	int failed = suite(kind) + test_remote(kind);
	server_end();
	return failed;
}

int main(int argc, char **argv)
{
	static const char *const engines[] = { "memory", "sqlite",
#ifndef __SANITIZE_THREAD__ /* RocksDB is not instrumented: its own locks are not seen */
		"rocksdb"
#endif
	};
	static const char *const servers[] = { "postgresql", "mysql" };
	int failed = argc > 1 ? 0 : test_faults();
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		failed += argc > 1 && strcmp(argv[1], engines[i]) != 0 ? 0 : suite(engines[i]);
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		failed += argc > 1 && strcmp(argv[1], servers[i]) != 0
				  ? 0
				  : suite_on_server(servers[i]);
	return failed ? 1 : 0;
}
