/* main.c: Runs the one suite of the data store on each engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include <stddef.h>

int main(void)
{
	static const char *const engines[] = { "memory", "sqlite",
#ifndef __SANITIZE_THREAD__ /* RocksDB is not instrumented: its own locks are not seen */
		"rocksdb"
#endif
	};
	int failed = test_faults() + test_crc32c();
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		failed += test_engine(engines[i]) + test_threads(engines[i]) +
			  (i ? test_reopen(engines[i]) : 0);
	return failed ? 1 : 0;
}
