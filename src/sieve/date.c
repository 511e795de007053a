/* date.c: date and currentdate (RFC 5260 4, 5). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "sieve/ops_int.h"

enum { DAY_S = 86400, JULIAN_1970 = 40587 };

static int64_t days_of(int64_t s)
{
	return s / DAY_S - (s % DAY_S < 0);
}

static struct slice std11(struct arena *a, const struct time_parts *t, const char *zone)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	return arena_fmt(a, "%s, %02d %s %04d %02d:%02d:%02d %s", days[t->weekday], t->day,
		months[t->month - 1], t->year, t->hour, t->minute, t->second, zone);
}

static struct slice zone_text(struct arena *a, int minutes, const char *between)
{
	int all = minutes < 0 ? -minutes : minutes;
	return arena_fmt(a, "%c%02d%s%02d", minutes < 0 ? '-' : '+', all / 60, between, all % 60);
}

/* RFC 5260 4.2; the empty slice: no such part. */
static struct slice part_of(struct arena *a, struct slice part, int64_t unix_s, int zone)
{
	struct time_parts t;
	int64_t local = unix_s + (int64_t)zone * 60;
	time_split(local, &t);
	const struct {
		const char *name;
		int digits, number;
	} numbers[] = { { "year", 4, t.year }, { "month", 2, t.month }, { "day", 2, t.day },
		{ "hour", 2, t.hour }, { "minute", 2, t.minute }, { "second", 2, t.second },
		{ "weekday", 1, t.weekday } };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (slice_eq_nocase(part, slice_str(numbers[i].name)))
			return arena_fmt(a, "%0*d", numbers[i].digits, numbers[i].number);
	}
	if (slice_eq_nocase(part, S("date")))
		return arena_fmt(a, "%04d-%02d-%02d", t.year, t.month, t.day);
	if (slice_eq_nocase(part, S("time")))
		return arena_fmt(a, "%02d:%02d:%02d", t.hour, t.minute, t.second);
	if (slice_eq_nocase(part, S("julian")))
		return arena_fmt(a, "%lld", (long long)(days_of(local) + JULIAN_1970));
	if (slice_eq_nocase(part, S("iso8601")))
		return arena_fmt(a, "%04d-%02d-%02dT%02d:%02d:%02d%.*s", t.year, t.month, t.day,
			t.hour, t.minute, t.second, FMT(zone_text(a, zone, ":")));
	if (slice_eq_nocase(part, S("std11")))
		return std11(a, &t, (const char *)zone_text(a, zone, "").at);
	if (slice_eq_nocase(part, S("zone")))
		return zone_text(a, zone, "");
	return S("");
}

/* "+hhmm". RC_BAD: it is none. */
static enum rc read_zone(struct slice s, int *minutes)
{
	uint64_t n;
	if (s.len != 5 || (s.at[0] != '+' && s.at[0] != '-') ||
		slice_u64(slice_tail(s, 1), 2359, &n) != RC_OK || n % 100 > 59)
		return RC_BAD;
	*minutes = (int)(n / 100 * 60 + n % 100) * (s.at[0] == '-' ? -1 : 1);
	return RC_OK;
}

bool sieve_is_zone(struct slice s)
{
	int minutes;
	return read_zone(s, &minutes) == RC_OK;
}

static enum rc zone_of(struct sieve_run *r, const struct sieve_op *op, int original, int *zone)
{
	const struct sieve_value *v = sieve_op_value(op, TAG_ZONE);
	struct slice text;
	*zone = sieve_op_has(op, TAG_ORIGINALZONE) ? original : r->host->zone_minutes;
	if (!v)
		return RC_OK;
	TRY(sieve_expand(r, &v->texts[0], &text));
	if (read_zone(text, zone) != RC_OK)
		return sieve_err(
			r, op, "\"%.*s\" is no zone like +0100", FMT(slice_head(text, 40)));
	return RC_OK;
}

/* The date of a field: all of it, or what stands behind its last semicolon, as in Received. */
static enum rc add_date(struct sieve_matcher *m, const struct sieve_field *f, struct slice part)
{
	struct sieve_run *r = m->r;
	int64_t unix_s;
	int original, zone;
	size_t semicolon = slice_rfind(f->raw, ';');
	struct slice raw = semicolon < f->raw.len ? slice_tail(f->raw, semicolon + 1) : f->raw;
	enum rc rc = r->host->date(r->host->of, raw, &unix_s, &original);
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	TRY(zone_of(r, m->op, original, &zone));
	return sieve_matcher_add(m, part_of(&r->step, part, unix_s, zone));
}

enum rc sieve_do_date(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct sieve_field *at;
	struct slice name, part;
	size_t n;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[2]));
	TRY(sieve_string(r, op, 0, &name));
	TRY(sieve_string(r, op, 1, &part));
	TRY(sieve_fields(r, 0, name, &at, &n));
	sieve_pick(op, &at, &n);
	/* RFC 5260 4: of several fields the first alone. */
	if (n)
		TRY(add_date(&m, &at[0], part));
	return sieve_matcher_end(&m, yes);
}

enum rc sieve_do_currentdate(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct slice part;
	int zone;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	TRY(sieve_string(r, op, 0, &part));
	TRY(zone_of(r, op, r->host->zone_minutes, &zone));
	TRY(sieve_matcher_add(&m, part_of(&r->step, part, r->host->unix_now, zone)));
	return sieve_matcher_end(&m, yes);
}
