/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_MAIL_GROUPS_H
#define TEST_UNIT_MAIL_GROUPS_H

int test_mailboxes(void);
int test_record(void);
int test_find(void);
int test_ahead(void);
int test_check(void);
int test_trim(void);
int test_race(void);
int test_pages(void);

#endif
