/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_AUTH_GROUPS_H
#define TEST_UNIT_AUTH_GROUPS_H

int test_login(void);
int test_ban(void);
int test_cache(void);

#endif
