/* date.h: The Date field, strict and as found in the wild. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include "base/slice.h"

struct mime_date {
	int64_t unix_s;
	int zone_min; /* minutes east of UTC, as written: the sender's own day is that of unix_s + 60 * zone_min */
};

/* RFC 5322 3.3 and 4.3; also two-digit years, asctime order, ISO 8601, missing zones and seconds, zone names, stray
 * words and commas. RC_BAD: no date in it. */
enum rc mime_date_parse(struct slice value, struct mime_date *out);

#endif
