/* groups.h: The groups of tests of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_CONF_GROUPS_H
#define UNIT_CONF_GROUPS_H

int test_conf(void);

#endif
