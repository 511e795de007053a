/* groups.h: The test groups of the room cert. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CERT_GROUPS_H
#define TEST_CERT_GROUPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_tls(void);

#endif
