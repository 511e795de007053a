/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_FILTER_GROUPS_H
#define TEST_UNIT_FILTER_GROUPS_H

int test_cases(void);

#endif
