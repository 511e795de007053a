/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_LOOKUP_GROUPS_H
#define TEST_UNIT_LOOKUP_GROUPS_H

#include "lookup/lookup.h"

/* What every engine does; takes the store. */
int test_engine(const char *name, struct lookup *lookup);
/* The data store's engine alone. */
int test_store(void);
/* Real servers: each runs test_engine, and its own faults. */
int test_redis(void);
int test_sentinel(void);
int test_cluster(void);
int test_memcached(void);
int test_sharded(void);

#endif
