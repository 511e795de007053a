/* cron.h: Schedules of five fields, and when they come due, in local time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_CRON_H
#define TEXT_CRON_H

#include "base/slice.h"

/* Minute, hour, day of month, month, weekday: "*", numbers, names of months and weekdays ("jan", "sun"), ranges "1-5",
 * steps "*\/10" and "8-18/2", lists of these with commas. Days: when day of month and weekday are both given, either is
 * enough. Bit sets; weekday 0 is Sunday (7 is read as 0). any_*: the field begins with "*". */
struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays;
	bool any_hour, any_day, any_weekday;
};

/* RC_BAD: not a schedule, or one that never comes (30 February). */
enum rc cron_parse(struct slice text, struct cron *out);

bool cron_same(const struct cron *a, const struct cron *b);

/* By how many seconds local time is ahead of UTC at that moment: less than a day. */
typedef int64_t cron_offset_fn(void *ctx, int64_t unix_s);
/* The first time at or after `from` (unix seconds) that fits; offset NULL: UTC. 0: `from` is past the year 9900.
 * When the clock is set back, a time that comes twice is meant the first time; when it is set forward, one that is left
 * out is made up for at that moment. Where the hour is "*" each time counts that the clock shows. */
int64_t cron_next(const struct cron *c, int64_t from, cron_offset_fn *offset, void *ctx);

#endif
