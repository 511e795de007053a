/* imap_lex_date.c: Dates and times of IMAP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"
#include "base/time.h"

static enum rc digits(struct slice *in, size_t least, size_t most, unsigned *out)
{
	size_t n = 0;
	unsigned value = 0;
	while (n < most && n < in->len && in->at[n] >= '0' && in->at[n] <= '9')
		value = value * 10 + (in->at[n++] - '0');
	if (n < least)
		return RC_BAD;
	*in = slice_tail(*in, n);
	*out = value;
	return RC_OK;
}

static enum rc sign(struct slice *in, uint8_t c)
{
	if (!in->len || in->at[0] != c)
		return RC_BAD;
	*in = slice_tail(*in, 1);
	return RC_OK;
}

/* date-text: 1*2DIGIT "-" month "-" 4DIGIT. */
static enum rc date_text(struct slice *in, int64_t *days)
{
	unsigned day, year;
	TRY(digits(in, 1, 2, &day));
	TRY(sign(in, '-'));
	int month = time_month(slice_head(*in, 3));
	*in = slice_tail(*in, 3);
	TRY(sign(in, '-'));
	TRY(digits(in, 4, 4, &year));
	struct time_parts date = { .year = (int)year, .month = month, .day = (int)day }, same;
	if (!year || !month)
		return RC_BAD;
	int64_t seconds = time_join(&date);
	time_split(seconds, &same);
	if (same.day != date.day || same.month != month)
		return RC_BAD; /* the 31st of April */
	*days = seconds / 86400;
	return RC_OK;
}

enum rc imap_lex_date(struct imap_lex *x, int64_t *days)
{
	struct slice in = x->rest;
	bool quoted = in.len && in.at[0] == '"';
	int64_t got;
	if (quoted)
		in = slice_tail(in, 1);
	TRY(date_text(&in, &got));
	if (quoted)
		TRY(sign(&in, '"'));
	*days = got;
	x->rest = in;
	return RC_OK;
}

static enum rc zone(struct slice *in, int64_t *seconds)
{
	unsigned hour, minute;
	bool minus = in->len && in->at[0] == '-';
	TRY(sign(in, minus ? '-' : '+'));
	TRY(digits(in, 2, 2, &hour));
	TRY(digits(in, 2, 2, &minute));
	if (hour > 23 || minute > 59)
		return RC_BAD;
	*seconds = (minus ? -1 : 1) * (int64_t)(hour * 3600 + minute * 60);
	return RC_OK;
}

enum rc imap_lex_date_time(struct imap_lex *x, int64_t *unix_s)
{
	struct slice in = x->rest;
	unsigned hour, minute, second;
	int64_t days, shift;
	TRY(sign(&in, '"'));
	if (in.len && in.at[0] == ' ')
		in = slice_tail(in, 1);
	TRY(date_text(&in, &days));
	TRY(sign(&in, ' '));
	TRY(digits(&in, 2, 2, &hour));
	TRY(sign(&in, ':'));
	TRY(digits(&in, 2, 2, &minute));
	TRY(sign(&in, ':'));
	TRY(digits(&in, 2, 2, &second));
	TRY(sign(&in, ' '));
	TRY(zone(&in, &shift));
	TRY(sign(&in, '"'));
	if (hour > 23 || minute > 59 || second > 60)
		return RC_BAD;
	*unix_s = days * 86400 + hour * 3600 + minute * 60 + second - shift;
	x->rest = in;
	return RC_OK;
}
