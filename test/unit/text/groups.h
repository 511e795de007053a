/* groups.h: The groups of tests of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_TEXT_GROUPS_H
#define UNIT_TEXT_GROUPS_H

int test_toml(void);
int test_json(void);
int test_cron(void);
int test_object_xml(void);
int test_profile(void);

#endif
