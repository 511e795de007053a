/* groups.h: The groups of tests of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_HTTP_GROUPS_H
#define UNIT_HTTP_GROUPS_H

int test_server(void);

#endif
