/* main.c: Runs the one suite of the data store on each engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	static const char *const engines[] = { "memory", "sqlite", "rocksdb" };
	int failed = test_faults();
	for (int i = 0; i < 3; i++)
		failed += test_engine(engines[i]) + test_threads(engines[i]) +
			  (i ? test_reopen(engines[i]) : 0);
	return failed ? 1 : 0;
}
