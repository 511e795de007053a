/* main.c: Runs the unit tests of the room dir: pure ones once, the others on each engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	int failed = test_address() + test_directory("memory") + test_directory("sqlite");
#ifndef __SANITIZE_THREAD__ /* RocksDB is not instrumented: its own locks are not seen */
	failed += test_directory("rocksdb");
#endif
	return failed ? 1 : 0;
}
