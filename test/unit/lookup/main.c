/* main.c: Runs the one suite of the lookup store on each engine, over real servers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"

int main(void)
{
	world_begin();
	int failed = test_store() + test_memcached() + test_redis() + test_sharded() +
		     test_sentinel() + test_cluster();
	return failed ? 1 : 0;
}
