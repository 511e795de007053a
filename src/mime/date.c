/* date.c: The Date field, and Message-IDs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "mime/mime.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

struct clock {
	struct time_parts t;
	int zone;
	bool has_day, has_month, has_year, has_time;
};

static int zone_name(struct slice s)
{
	static const struct {
		const char *name;
		int minutes;
	} zones[] = { { "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
		{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 }, { "CET", 60 },
		{ "CEST", 120 }, { "MET", 60 }, { "EET", 120 }, { "JST", 540 } };
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (slice_eq_nocase(s, slice_str(zones[i].name)))
			return zones[i].minutes;
	return 0;
}

static int number(struct slice *s, size_t most)
{
	int n = 0;
	size_t i = 0;
	while (i < s->len && i < most && is_digit(s->at[i]))
		n = n * 10 + (s->at[i++] - '0');
	*s = slice_tail(*s, i);
	return n;
}

/* "12:34", "12:34:56", also with dots. */
static void take_time(struct slice *in, int hour, struct clock *c)
{
	c->t.hour = hour;
	*in = slice_tail(*in, 1);
	c->t.minute = number(in, 2);
	if (in->len > 1 && (in->at[0] == ':' || in->at[0] == '.') && is_digit(in->at[1])) {
		*in = slice_tail(*in, 1);
		c->t.second = number(in, 2);
	}
	c->has_time = true;
}

static void take_number(struct slice *in, struct clock *c)
{
	struct slice before = *in;
	int n = number(in, 6);
	size_t digits = before.len - in->len;
	if (in->len > 1 &&
		(in->at[0] == ':' || (in->at[0] == '.' && c->has_year && !c->has_time)) &&
		is_digit(in->at[1]) && digits <= 2 && !c->has_time) {
		take_time(in, n, c);
	} else if (!c->has_day && digits <= 2) {
		c->t.day = n;
		c->has_day = true;
	} else if (!c->has_year) {
		/* RFC 5322 4.3: two digits below 50 are of this century, three count from 1900 */
		c->t.year = digits == 2   ? (n < 50 ? 2000 + n : 1900 + n)
			    : digits == 3 ? 1900 + n
					  : n;
		c->has_year = true;
	}
}

static void take_zone(struct slice *in, int sign, struct clock *c)
{
	*in = slice_tail(*in, 1);
	struct slice before = *in;
	int n = number(in, 4);
	if (before.len - in->len <= 2)
		n *= 100;
	if (in->len > 1 && in->at[0] == ':') {
		*in = slice_tail(*in, 1);
		n += number(in, 2);
	}
	c->zone = sign * (n / 100 * 60 + n % 100);
}

static void take_word(struct slice *in, struct clock *c)
{
	size_t n = 0;
	while (n < in->len && is_alpha(in->at[n]))
		n++;
	struct slice word = slice_head(*in, n);
	*in = slice_tail(*in, n);
	int month = word.len >= 3 ? time_month(slice_head(word, 3)) : 0;
	if (month && !c->has_month) {
		c->t.month = month;
		c->has_month = true;
	} else if (c->has_time) {
		c->zone = zone_name(word);
	}
}

/* "2026-11-25T07:12:45+01:00" (RFC 3339): the date in front is turned round, the rest reads as usual. */
static void take_iso(struct slice *in, struct clock *c)
{
	struct slice s = slice_trim(*in);
	uint64_t y, m, d;
	bool iso = s.len >= 10 && s.at[4] == '-' && s.at[7] == '-' &&
		   slice_u64(slice_head(s, 4), 9999, &y) == RC_OK &&
		   slice_u64(slice_head(slice_tail(s, 5), 2), 12, &m) == RC_OK && m >= 1 &&
		   slice_u64(slice_head(slice_tail(s, 8), 2), 31, &d) == RC_OK;
	if (!iso)
		return;
	c->t.year = (int)y;
	c->t.month = (int)m;
	c->t.day = (int)d;
	c->has_year = c->has_month = c->has_day = true;
	*in = slice_tail(s, 10);
}

enum rc mime_date(struct slice in, int64_t *unix_s, int *zone)
{
	struct clock c = { 0 };
	take_iso(&in, &c);
	while (in.len) {
		uint8_t ch = in.at[0];
		if (ch == '(')
			in = slice_tail(in, slice_find(in, ')'));
		else if (is_digit(ch))
			take_number(&in, &c);
		else if (is_alpha(ch))
			take_word(&in, &c);
		else if ((ch == '+' || ch == '-') && c.has_time && in.len > 1 && is_digit(in.at[1]))
			take_zone(&in, ch == '+' ? 1 : -1, &c);
		else
			in = slice_tail(in, 1);
	}
	bool ok = c.has_day && c.has_month && c.has_year && c.t.day >= 1 && c.t.day <= 31 &&
		  c.t.hour < 25 && c.t.minute < 60 && c.t.second < 62 && c.t.year > 0 &&
		  c.t.year < 10000;
	if (!ok)
		return RC_BAD;
	*unix_s = time_join(&c.t) - c.zone * 60;
	*zone = c.zone;
	return RC_OK;
}

enum rc mime_id_next(struct slice *rest, struct slice *id)
{
	while (true) {
		*rest = slice_tail(*rest, slice_find(*rest, '<'));
		if (rest->len == 0)
			return RC_NONE;
		struct slice s = slice_tail(*rest, 1);
		size_t end = slice_find(s, '>');
		*rest = slice_tail(s, end);
		struct slice found = slice_trim(slice_head(s, end));
		if (end == s.len || found.len == 0)
			continue;
		*id = found;
		return RC_OK;
	}
}
