/* cleanup.h: What is tidied up on a schedule: leftovers, content that nobody links, old change logs. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_CLEANUP_H
#define MAIN_CLEANUP_H

#include "main/house.h"

/* [data-retention] data-cleanup-schedule, in local time; a reload counts within a minute. A part is done in pieces of
 * some tens of milliseconds, each a background job of its own, so that checkpoints come in between; sessions are served by
 * other threads. It holds some tens of keys at a time, or the log records of one batch. What failed is tried again at the
 * next time; a time at which the server did not run is left out. */
void cleanup_start(struct house *h);

#endif
