/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_DATA_GROUPS_H
#define TEST_UNIT_DATA_GROUPS_H

/* On one engine: "memory", "sqlite", "rocksdb". */
int test_engine(const char *engine);
int test_threads(const char *engine);
int test_reopen(const char *engine);
int test_faults(void);
/* Of a store on a server: other writers, long scans, a server that goes away. */
int test_remote(const char *engine);
int test_crc32c(void);
/* Of RocksDB alone. */
int test_writes(void);

#endif
