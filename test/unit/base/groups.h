/* groups.h: The groups of tests of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_BASE_GROUPS_H
#define UNIT_BASE_GROUPS_H

int test_time(void);
int test_event(void);
int test_metric(void);
int test_ranges(void);
int test_fifo(void);

#endif
