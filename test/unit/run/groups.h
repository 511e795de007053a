/* groups.h: The test groups of the room run. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_RUN_GROUPS_H
#define TEST_RUN_GROUPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_tasks(void);
int test_memory(void);

#endif
