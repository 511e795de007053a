/* cron.c: Schedules of five fields, and when they come due. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include "base/time.h"

/* "*", "5", "1-5", "*\/10", "1-30/5", any of them with commas between, as bits lo..hi. */
static enum rc field(struct slice text, unsigned lo, unsigned hi, uint64_t *bits)
{
	*bits = 0;
	if (text.len == 0)
		return RC_BAD;
	while (text.len) {
		struct slice step = slice_split(&text, ',');
		struct slice range = slice_split(&step, '/');
		uint64_t from = lo, to = hi, every = 1;
		if (step.len)
			TRY(slice_u64(step, 1000, &every));
		if (!slice_eq(range, S("*"))) {
			struct slice end = range;
			struct slice begin = slice_split(&end, '-');
			TRY(slice_u64(begin, hi, &from));
			to = step.len ? hi : from;
			if (end.len)
				TRY(slice_u64(end, hi, &to));
		}
		if (every == 0 || from < lo || to < from)
			return RC_BAD;
		for (uint64_t i = from; i <= to; i += every)
			*bits |= (uint64_t)1 << i;
	}
	return RC_OK;
}

static struct slice word(struct slice *text)
{
	*text = slice_trim(*text);
	return slice_split(text, ' ');
}

enum rc conf_cron(struct slice text, struct conf_cron *out)
{
	struct slice month_day, week_day;
	uint64_t hours, days, months, weekdays;
	TRY(field(word(&text), 0, 59, &out->minutes));
	TRY(field(word(&text), 0, 23, &hours));
	month_day = word(&text);
	TRY(field(month_day, 1, 31, &days));
	TRY(field(word(&text), 1, 12, &months));
	week_day = word(&text);
	TRY(field(week_day, 0, 7, &weekdays));
	if (slice_trim(text).len)
		return RC_BAD;
	weekdays |= weekdays >> 7 & 1; /* 7 is Sunday, too */
	out->hours = (uint32_t)hours;
	out->days = (uint32_t)days;
	out->months = (uint32_t)months;
	out->weekdays = (uint32_t)weekdays & 0x7f;
	out->any_day = slice_eq(month_day, S("*"));
	out->any_weekday = slice_eq(week_day, S("*"));
	return RC_OK;
}

static bool day_fits(const struct conf_cron *c, const struct time_parts *t)
{
	bool day = c->days >> t->day & 1, weekday = c->weekdays >> t->weekday & 1;
	if (!(c->months >> t->month & 1))
		return false;
	/* when both are given, either is enough: as cron does */
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

int64_t conf_cron_next(const struct conf_cron *cron, int64_t unix_s)
{
	int64_t at = (unix_s + 59) / 60 * 60, end = unix_s + (int64_t)4 * 366 * 86400;
	while (at < end) {
		struct time_parts t;
		time_split(at, &t);
		if (!day_fits(cron, &t))
			at = (at / 86400 + 1) * 86400;
		else if (!(cron->hours >> t.hour & 1))
			at = (at / 3600 + 1) * 3600;
		else if (!(cron->minutes >> t.minute & 1))
			at += 60;
		else
			return at;
	}
	return 0;
}
