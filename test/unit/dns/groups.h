/* groups.h: The test groups of the room dns. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_DNS_GROUPS_H
#define TEST_DNS_GROUPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_script(void);
int test_resolver(void);

#endif
