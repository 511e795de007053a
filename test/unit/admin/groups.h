/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_ADMIN_GROUPS_H
#define TEST_UNIT_ADMIN_GROUPS_H

int test_report(void);
int test_commands(void);
int test_control(void);

#endif
