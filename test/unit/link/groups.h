/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_LINK_GROUPS_H
#define TEST_UNIT_LINK_GROUPS_H

int test_fetch(void);
int test_address(void);
int test_breaker(void);
int test_pool(void);

#endif
