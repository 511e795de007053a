/* groups.h: The groups of tests in this folder; each returns how many failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_WIRE_GROUPS_H
#define TEST_UNIT_WIRE_GROUPS_H

int test_http1(void);
int test_imap_lex(void);
int test_imap_programs(void);
int test_memcached(void);
int test_pop3(void);
int test_proxy(void);
int test_resp(void);
int test_sasl(void);
int test_smtp(void);
int test_smtp_reply(void);

#endif
