/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_CRYPTO_GROUPS_H
#define TEST_UNIT_CRYPTO_GROUPS_H

int test_hash(void);
int test_password(void);
int test_scram(void);
int test_sigv4(void);

#endif
