/* time.h: Dates as text, from and to unix seconds. Pure: knows no clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/buf.h"

struct time_parts {
	int year, month, day; /* month 1..12 */
	int hour, minute, second;
	int weekday; /* 0: Sunday */
};

/* UTC. Years are held within 1..9999. */
void time_split(int64_t unix_s, struct time_parts *out);
/* The reverse; parts are not checked, months over 12 carry. */
int64_t time_join(const struct time_parts *t);

/* "Wed, 25 Nov 2026 07:12:45 +0000" (RFC 5322 3.3). */
void time_rfc5322(int64_t unix_s, struct buf *out);
/* "2026-11-25T07:12:45Z" (RFC 3339). */
void time_iso(int64_t unix_s, struct buf *out);
/* "25-Nov-2026 07:12:45 +0000" with a blank for a day below 10 (RFC 9051 date-time). */
void time_imap(int64_t unix_s, struct buf *out);
/* "Jan" .. "Dec" to 1..12, any case; 0: none. */
int time_month(struct slice name);

#endif
