/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_MIME_GROUPS_H
#define TEST_UNIT_MIME_GROUPS_H

int test_address(void);
int test_charset(void);
int test_date(void);
int test_decode(void);
int test_field(void);
int test_param(void);
int test_samples(void);
int test_text(void);
int test_tree(void);

#endif
