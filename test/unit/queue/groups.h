/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_QUEUE_GROUPS_H
#define TEST_UNIT_QUEUE_GROUPS_H

int test_deliver(void);
int test_downgrade(void);
int test_dsn(void);
int test_local(void);
int test_many(void);
int test_reuse(void);
int test_route(void);

#endif
