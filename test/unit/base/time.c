/* time.c: Days of the calendar there and back, dates as text, UTF-8. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/random.h"
#include "base/utf8.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	int64_t unix_s;
	const char *mail, *iso, *imap;
} rows[] = {
	{ 0, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z",
		" 1-Jan-1970 00:00:00 +0000" },
	{ -1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z",
		"31-Dec-1969 23:59:59 +0000" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z",
		"29-Feb-2000 00:00:00 +0000" },
	{ 4107542400, "Mon, 1 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00Z",
		" 1-Mar-2100 00:00:00 +0000" },
	{ 1795602765, "Wed, 25 Nov 2026 10:32:45 +0000", NULL, NULL },
	{ INT64_MIN, NULL, "0001-01-01T00:00:00Z", NULL },
	{ INT64_MAX, NULL, "9999-12-31T23:59:59Z", NULL },
};

static void writes_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void (*const forms[])(
			int64_t, struct buf *) = { time_rfc5322, time_iso, time_imap };
		const char *const wanted[] = { rows[i].mail, rows[i].iso, rows[i].imap };
		for (size_t f = 0; f < 3; f++) {
			struct buf b;
			buf_init(&b, 0, NULL);
			forms[f](rows[i].unix_s, &b);
			buf_byte(&b, 0);
			if (wanted[f])
				assert_string_equal((char *)b.at, wanted[f]);
			buf_done(&b);
		}
	}
}

static void goes_there_and_back(void **state)
{
	(void)state;
	int last = -1;
	for (int64_t day = -800000; day < 2900000; day += 1) {
		struct time_parts t;
		time_split(day * 86400 + 86399, &t);
		if (t.year == 1 || t.year == 9999)
			continue;
		assert_int_equal(time_join(&t), day * 86400 + 86399);
		assert_true(last < 0 || t.weekday == (last + 1) % 7);
		last = t.weekday;
	}
	assert_int_equal(time_month(S("sEp")), 9);
	assert_int_equal(time_month(S("Foo")), 0);
}

static void checks_utf8(void **state)
{
	(void)state;
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xc3",
		"\xe2\x82", "\xff" };
	assert_true(utf8_valid(S("")));
	assert_true(utf8_valid(S("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90"
				 "\x80\x80\xf4\x8f\xbf\xbf")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(slice_str(bad[i])));
	for (uint32_t c = 0; c < 0x110000; c += 7) {
		struct buf b;
		buf_init(&b, 0, NULL);
		utf8_add(&b, c);
		struct slice s = buf_slice(&b);
		assert_int_equal(utf8_take(&s), c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
		assert_int_equal(s.len, 0);
		buf_done(&b);
	}
	assert_int_equal(utf8_cut(S("a\xc3\xa9"), 2).len, 1);
	assert_int_equal(utf8_cut(S("a\xc3\xa9"), 3).len, 3);
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(7) < 7);
}

int test_time(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(writes_dates),
		cmocka_unit_test(goes_there_and_back), cmocka_unit_test(checks_utf8) };
	return cmocka_run_group_tests_name("base time", tests, NULL, NULL);
}
