/* archive.h: Old content moves to the cold tier on a schedule. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_ARCHIVE_H
#define MAIN_ARCHIVE_H

#include "main/house.h"

/* [data-retention] archiving-schedule, in local time, when [storage] blob is a tiered store; a reload counts within a minute.
 * A content at a time is a background job of its own. What failed is tried again at the next time; a time at which the
 * server did not run is left out. */
void archive_start(struct house *h);

#endif
