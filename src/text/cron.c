/* cron.c: Reads schedules of five fields, and walks the calendar for the next time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/cron.h"
#include "base/time.h"

/* A weekday comes back to a 29 February after 40 years at most. */
enum { MINUTE = 60, HOUR = 3600, DAY = 86400, YEARS = 41 };

static const int64_t last_from = 251000000000; /* in the year 9923 */

static const char weekday_names[7][4] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

struct field {
	unsigned lo, hi;
	enum { NUMBERS, MONTHS, WEEKDAYS } names;
};

static enum rc number(struct slice text, const struct field *f, uint64_t *out)
{
	for (unsigned i = 0; f->names == WEEKDAYS && i < 7; i++) {
		if (slice_eq_nocase(text, slice_of(weekday_names[i], 3))) {
			*out = i;
			return RC_OK;
		}
	}
	int month = f->names == MONTHS ? time_month(text) : 0;
	if (month) {
		*out = (uint64_t)month;
		return RC_OK;
	}
	TRY(slice_u64(text, f->hi, out));
	return *out < f->lo ? RC_BAD : RC_OK;
}

/* What follows the separator. RC_NONE: there is none. */
static enum rc part(struct slice *text, uint8_t separator, struct slice *after)
{
	size_t whole = text->len;
	*after = *text;
	*text = slice_split(after, separator);
	return text->len == whole ? RC_NONE : RC_OK;
}

static enum rc range(struct slice text, const struct field *f, uint64_t *bits)
{
	struct slice step, end;
	uint64_t from = f->lo, to = f->hi, every = 1;
	bool has_step = part(&text, '/', &step) == RC_OK;
	if (has_step)
		TRY(slice_u64(step, 1000, &every));
	if (!slice_eq(text, S("*"))) {
		bool has_end = part(&text, '-', &end) == RC_OK;
		TRY(number(text, f, &from));
		if (has_end)
			TRY(number(end, f, &to));
		else if (!has_step)
			to = from;
	}
	if (every == 0 || to < from)
		return RC_BAD;
	for (uint64_t i = from; i <= to; i += every)
		*bits |= (uint64_t)1 << i;
	return RC_OK;
}

/* Takes a field off the text. */
static enum rc take(struct slice *text, const struct field *f, uint64_t *bits, bool *any)
{
	size_t n = 0;
	*text = slice_trim(*text);
	while (n < text->len && text->at[n] != ' ' && text->at[n] != '\t')
		n++;
	struct slice rest = slice_head(*text, n), one;
	*text = slice_tail(*text, n);
	*bits = 0;
	*any = slice_starts(rest, S("*"));
	enum rc more = RC_OK;
	while (more == RC_OK) {
		one = rest;
		more = part(&one, ',', &rest);
		TRY(range(one, f, bits));
	}
	return RC_OK;
}

static bool day_fits(const struct cron *c, const struct time_parts *t)
{
	bool day = c->days >> t->day & 1, weekday = c->weekdays >> t->weekday & 1;
	if (!(c->months >> t->month & 1))
		return false;
	/* when both are given, either is enough: as cron does */
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/* The first full minute at or after `wall` that fits, as a clock shows it. 0: none. */
static int64_t next_wall(const struct cron *c, int64_t wall)
{
	int64_t at = (wall + MINUTE - 1) / MINUTE * MINUTE, end = wall + (int64_t)YEARS * 366 * DAY;
	while (at < end) {
		struct time_parts t;
		time_split(at, &t);
		if (!day_fits(c, &t))
			at = (at / DAY + 1) * DAY;
		else if (!(c->hours >> t.hour & 1))
			at = (at / HOUR + 1) * HOUR;
		else if (!(c->minutes >> t.minute & 1))
			at += MINUTE;
		else
			return at;
	}
	return 0;
}

enum rc cron_parse(struct slice text, struct cron *out)
{
	static const struct field fields[] = { { 0, 59, NUMBERS }, { 0, 23, NUMBERS },
		{ 1, 31, NUMBERS }, { 1, 12, MONTHS }, { 0, 7, WEEKDAYS } };
	uint64_t bits[5];
	bool any[5];
	for (size_t i = 0; i < 5; i++)
		TRY(take(&text, &fields[i], &bits[i], &any[i]));
	if (slice_trim(text).len)
		return RC_BAD;
	*out = (struct cron){ .minutes = bits[0],
		.hours = (uint32_t)bits[1],
		.days = (uint32_t)bits[2],
		.months = (uint32_t)bits[3],
		.weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
		.any_hour = any[1],
		.any_day = any[2],
		.any_weekday = any[4] };
	return next_wall(out, 1) ? RC_OK : RC_BAD;
}

bool cron_same(const struct cron *a, const struct cron *b)
{
	return a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
	       a->months == b->months && a->weekdays == b->weekdays && a->any_hour == b->any_hour &&
	       a->any_day == b->any_day && a->any_weekday == b->any_weekday;
}

/* --- local time --- */

struct zone {
	cron_offset_fn *offset;
	void *ctx;
};

static int64_t ahead(const struct zone *z, int64_t at)
{
	int64_t s = z->offset ? z->offset(z->ctx, at) : 0;
	return s > -DAY && s < DAY ? s : 0;
}

/* The first moment when the clock shows `wall`, or has gone past it without showing it. */
static int64_t first_shown(const struct zone *z, int64_t wall)
{
	int64_t before = ahead(z, wall - 2 * DAY), after = ahead(z, wall + 2 * DAY);
	int64_t lo = wall - (before > after ? before : after),
		hi = wall - (before > after ? after : before);
	if (lo + ahead(z, lo) == wall)
		return lo;
	while (hi - lo > 1) { /* at lo the clock is not there yet; at hi it is */
		int64_t mid = lo + (hi - lo) / 2;
		if (mid + ahead(z, mid) < wall)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

static int64_t next_once(const struct cron *c, int64_t from, const struct zone *z)
{
	int64_t now = from + ahead(z, from), before = from - 1 + ahead(z, from - 1) + 1;
	int64_t wall = next_wall(c, now < before ? now : before);
	while (wall && first_shown(z, wall) < from)
		wall = next_wall(c, wall + 1);
	return wall ? first_shown(z, wall) : 0;
}

/* The moment after `lo` from which on local time is ahead by another figure; at `hi` it is. */
static int64_t clock_change(const struct zone *z, int64_t lo, int64_t hi)
{
	int64_t was = ahead(z, lo);
	while (hi - lo > 1) {
		int64_t mid = lo + (hi - lo) / 2;
		if (ahead(z, mid) == was)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

static int64_t next_each(const struct cron *c, int64_t from, const struct zone *z)
{
	while (true) {
		int64_t by = ahead(z, from), wall = next_wall(c, from + by), at = wall - by;
		if (!wall)
			return 0;
		if (at - from >
			2 * DAY) /* near it, one change of the clock at most is in between */
			from = at - 2 * DAY;
		else if (ahead(z, at) == by)
			return at;
		else
			from = clock_change(z, from, at);
	}
}

int64_t cron_next(const struct cron *c, int64_t from, cron_offset_fn *offset, void *ctx)
{
	struct zone z = { offset, ctx };
	if (from > last_from)
		return 0;
	if (from < 4 * DAY)
		from = 4 * DAY;
	return c->any_hour ? next_each(c, from, &z) : next_once(c, from, &z);
}
