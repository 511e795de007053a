/* time.c: Calendar arithmetic and the dates of mail. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };
static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static const int64_t first_second = -62135596800, last_second = 253402300799;

/* Days since 1970 of a civil date, years beginning in March so that the leap day comes last. */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void time_split(int64_t unix_s, struct time_parts *t)
{
	if (unix_s < first_second)
		unix_s = first_second;
	if (unix_s > last_second)
		unix_s = last_second;
	int64_t day = unix_s / 86400, rest = unix_s % 86400;
	if (rest < 0) {
		rest += 86400;
		day--;
	}
	t->weekday = (int)((day % 7 + 11) % 7);
	t->hour = (int)(rest / 3600);
	t->minute = (int)(rest / 60 % 60);
	t->second = (int)(rest % 60);
	day += 719468;
	int64_t era = (day >= 0 ? day : day - 146096) / 146097;
	int64_t doe = day - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	t->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	t->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	t->year = (int)(yoe + era * 400 + (t->month <= 2));
}

int64_t time_join(const struct time_parts *t)
{
	int64_t year = t->year + (t->month - 1) / 12;
	int month = (t->month - 1) % 12 + 1;
	return days_of(year, month, t->day) * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
}

void time_rfc5322(int64_t unix_s, struct buf *out)
{
	struct time_parts t;
	time_split(unix_s, &t);
	buf_fmt(out, "%s, %d %s %04d %02d:%02d:%02d +0000", days[t.weekday], t.day,
		months[t.month - 1], t.year, t.hour, t.minute, t.second);
}

void time_iso(int64_t unix_s, struct buf *out)
{
	struct time_parts t;
	time_split(unix_s, &t);
	buf_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour, t.minute,
		t.second);
}

void time_imap(int64_t unix_s, struct buf *out)
{
	struct time_parts t;
	time_split(unix_s, &t);
	buf_fmt(out, "%2d-%s-%04d %02d:%02d:%02d +0000", t.day, months[t.month - 1], t.year, t.hour,
		t.minute, t.second);
}

int time_month(struct slice name)
{
	for (int i = 0; i < 12; i++)
		if (slice_eq_nocase(name, slice_of(months[i], 3)))
			return i + 1;
	return 0;
}
