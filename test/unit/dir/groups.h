/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_DIR_GROUPS_H
#define TEST_UNIT_DIR_GROUPS_H

int test_address(void);
/* On one engine: "memory", "sqlite", "rocksdb". */
int test_directory(const char *engine);

#endif
