/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_TRUST_GROUPS_H
#define TEST_UNIT_TRUST_GROUPS_H

int test_spf(void);
int test_dkim(void);
int test_dmarc(void);

#endif
