/* toml_scalar.c: TOML's integers, floats, booleans, dates and times. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/toml_int.h"
#include <math.h>

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Digits with single underscores between them, at the head; how many octets. */
static size_t digits(struct slice s)
{
	size_t n = 0;
	while (n < s.len && (is_digit(s.at[n]) || (s.at[n] == '_' && n > 0 && s.at[n - 1] != '_')))
		n++;
	while (n > 0 && s.at[n - 1] == '_')
		n--;
	return n;
}

/* The number of `want` digits at `*s`, in lo..hi; taken. */
static bool field(struct slice *s, size_t want, unsigned lo, unsigned hi, unsigned *out)
{
	unsigned v = 0;
	if (s->len < want)
		return false;
	for (size_t i = 0; i < want; i++) {
		if (!is_digit(s->at[i]))
			return false;
		v = v * 10 + (unsigned)(s->at[i] - '0');
	}
	*s = slice_tail(*s, want);
	*out = v;
	return v >= lo && v <= hi;
}

static bool letter(struct slice *s, uint8_t c)
{
	if (s->len == 0 || s->at[0] != c)
		return false;
	*s = slice_tail(*s, 1);
	return true;
}

static bool is_date(struct slice *s)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned y, m, d;
	if (!field(s, 4, 0, 9999, &y) || !letter(s, '-') || !field(s, 2, 1, 12, &m) ||
		!letter(s, '-') || !field(s, 2, 1, 31, &d))
		return false;
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	return d <= days[m - 1] && (leap || m != 2 || d <= 28);
}

static bool is_time(struct slice *s)
{
	unsigned v;
	if (!field(s, 2, 0, 23, &v) || !letter(s, ':') || !field(s, 2, 0, 59, &v) ||
		!letter(s, ':') || !field(s, 2, 0, 60, &v))
		return false;
	if (!letter(s, '.'))
		return true;
	size_t n = 0;
	while (n < s->len && is_digit(s->at[n]))
		n++;
	*s = slice_tail(*s, n);
	return n > 0;
}

static bool is_offset(struct slice *s)
{
	unsigned v;
	if (letter(s, 'Z') || letter(s, 'z'))
		return true;
	return (letter(s, '+') || letter(s, '-')) && field(s, 2, 0, 23, &v) && letter(s, ':') &&
	       field(s, 2, 0, 59, &v);
}

static bool is_datetime(struct slice s)
{
	if (s.len > 2 && s.at[2] == ':')
		return is_time(&s) && s.len == 0;
	if (!is_date(&s))
		return false;
	if (s.len == 0)
		return true;
	if (!letter(&s, 'T') && !letter(&s, 't') && !letter(&s, ' '))
		return false;
	return is_time(&s) && (s.len == 0 || (is_offset(&s) && s.len == 0));
}

/* The value's octets: up to a blank, comma, bracket, comment or line end; a blank between date and time is inside. */
static struct slice token(struct slice in)
{
	size_t n = 0;
	while (n < in.len && !memchr(" \t\r\n,]}#", in.at[n], 8)) {
		n++;
		if (n == 10 && in.len > 13 && in.at[4] == '-' && in.at[10] == ' ' &&
			is_digit(in.at[11]) && is_digit(in.at[12]) && in.at[13] == ':')
			n++;
	}
	return slice_head(in, n);
}

static unsigned digit_of(uint8_t c)
{
	if (is_digit(c))
		return c - (unsigned)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 99;
}

/* RC_LIMIT: over 64 bits. */
static enum rc whole(struct slice s, unsigned base, bool minus, int64_t *out)
{
	uint64_t v = 0, most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	bool after_digit = false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '_' && after_digit && i + 1 < s.len) {
			after_digit = false;
			continue;
		}
		unsigned d = digit_of(s.at[i]);
		if (d >= base)
			return RC_BAD;
		if (v > (most - d) / base)
			return RC_LIMIT;
		v = v * base + d;
		after_digit = true;
	}
	if (!after_digit)
		return RC_BAD;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return RC_OK;
}

static enum rc integer(struct slice s, int64_t *out)
{
	static const struct {
		char letter;
		unsigned base;
	} bases[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
	bool minus = s.len && s.at[0] == '-';
	bool sign = s.len && (minus || s.at[0] == '+');
	for (size_t i = 0; i < 3; i++) {
		if (s.len > 2 && s.at[0] == '0' && s.at[1] == bases[i].letter)
			return whole(slice_tail(s, 2), bases[i].base, false, out);
	}
	s = slice_tail(s, sign);
	if (s.len > 1 && s.at[0] == '0')
		return RC_BAD;
	return whole(s, 10, minus, out);
}

static bool is_float(struct slice s)
{
	if (s.len && (s.at[0] == '+' || s.at[0] == '-'))
		s = slice_tail(s, 1);
	size_t n = digits(s);
	if (n == 0 || (n > 1 && s.at[0] == '0'))
		return false;
	s = slice_tail(s, n);
	bool more = false;
	if (letter(&s, '.')) {
		n = digits(s);
		if (n == 0)
			return false;
		s = slice_tail(s, n);
		more = true;
	}
	if (letter(&s, 'e') || letter(&s, 'E')) {
		if (!letter(&s, '+'))
			letter(&s, '-');
		n = digits(s);
		if (n == 0)
			return false;
		s = slice_tail(s, n);
		more = true;
	}
	return more && s.len == 0;
}

static bool special(struct slice s, double *out)
{
	bool minus = s.len && s.at[0] == '-';
	if (minus || (s.len && s.at[0] == '+'))
		s = slice_tail(s, 1);
	if (slice_eq(s, S("inf")))
		*out = minus ? -INFINITY : INFINITY;
	else if (slice_eq(s, S("nan")))
		*out = minus ? -NAN : NAN;
	else
		return false;
	return true;
}

static enum rc floating(struct toml_read *r, struct slice s, double *out)
{
	char text[400];
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '_')
			continue;
		if (n + 1 >= sizeof(text))
			return toml_fail(r, "the number has too many digits");
		text[n++] = (char)s.at[i];
	}
	text[n] = 0;
	*out = strtod(text, NULL);
	return RC_OK;
}

enum rc toml_scalar(struct toml_read *r, struct toml_item *out)
{
	struct slice s = token(r->in);
	enum rc rc;
	if (slice_eq(s, S("true")) || slice_eq(s, S("false"))) {
		out->type = TOML_BOOLEAN;
		out->boolean = s.len == 4;
	} else if (special(s, &out->number)) {
		out->type = TOML_FLOAT;
	} else if (is_float(s)) {
		out->type = TOML_FLOAT;
		TRY(floating(r, s, &out->number));
	} else if ((rc = integer(s, &out->integer)) != RC_BAD) {
		out->type = TOML_INTEGER;
		if (rc == RC_LIMIT)
			return toml_fail(r, "the number does not fit in 64 bits");
	} else if (is_datetime(s)) {
		out->type = TOML_DATETIME;
		out->text = s;
	} else if (s.len == 0) {
		return toml_fail(r, "a value is missing");
	} else {
		return toml_fail(
			r, "\"%.*s\" is no value: strings need quotes", FMT(slice_head(s, 60)));
	}
	r->in = slice_tail(r->in, s.len);
	return RC_OK;
}
