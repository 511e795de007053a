/* cron.c: Schedules: what is one, and when they come due, also when the clock is set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/cron.h"
#include "base/time.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3", new_york[] = "EST5EDT,M3.2.0,M11.1.0",
		  lord_howe[] = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

static int64_t libc_offset(void *ctx, int64_t unix_s)
{
	struct tm tm;
	(void)ctx;
	assert_non_null(localtime_r(&unix_s, &tm));
	return tm.tm_gmtoff;
}

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void refuses(void **state)
{
	static const char *const bad[] = { "", "*", "* * * *", "* * * * * *", "60 * * * *",
		"* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8",
		"5- * * * *", "-5 * * * *", "9-5 * * * *", "1, * * * *", ",1 * * * *", "*/ * * * *",
		"*/0 * * * *", "*/1001 * * * *", "1/ * * * *", "1-2-3 * * * *", "1/2/3 * * * *",
		"a * * * *", "* * * * mo", "* * * * jan", "* * * sun *", "jan * * * *",
		"0 0 30 2 *", "0 0 31 4,6,9,11 *", "99999999999999999999 * * * *" };
	struct cron c;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cron_parse(slice_str(bad[i]), &c), RC_BAD);
}

static void reads(void **state)
{
	struct cron c;
	(void)state;
	assert_int_equal(cron_parse(S("\t5,10-20/5  */12\t1 Jan-mar,6 Sun,tue-7 "), &c), RC_OK);
	assert_true(c.minutes == (1 << 5 | 1 << 10 | 1 << 15 | 1 << 20));
	assert_int_equal(c.hours, 1 | 1 << 12);
	assert_int_equal(c.days, 1 << 1);
	assert_int_equal(c.months, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6);
	assert_int_equal(c.weekdays, 0x7d);
	assert_true(c.any_hour && !c.any_day && !c.any_weekday);
}

struct row {
	const char *cron, *tz;
	struct time_parts from, next; /* UTC */
};

static const struct row rows[] = {
	{ "0 2 * * *", NULL, { 2026, 11, 25, 7, 0, 1, 0 }, { 2026, 11, 26, 2, 0, 0, 0 } },
	{ "0 2 * * *", NULL, { 2026, 11, 25, 2, 0, 0, 0 }, { 2026, 11, 25, 2, 0, 0, 0 } },
	{ "*/15 * * * *", NULL, { 2026, 11, 25, 7, 1, 0, 0 }, { 2026, 11, 25, 7, 15, 0, 0 } },
	{ "0 0 29 2 *", NULL, { 2026, 1, 1, 0, 0, 0, 0 }, { 2028, 2, 29, 0, 0, 0, 0 } },
	{ "0 0 29 2 *", NULL, { 2096, 3, 1, 0, 0, 0, 0 }, { 2104, 2, 29, 0, 0, 0, 0 } },
	/* 1 July is a Tuesday in 1986 and 1997 */
	{ "0 2 */7 7 tue", NULL, { 1987, 1, 1, 0, 0, 0, 0 }, { 1997, 7, 1, 2, 0, 0, 0 } },
	{ "30 4 * * 7", NULL, { 2026, 11, 25, 0, 0, 0, 0 }, { 2026, 11, 29, 4, 30, 0, 0 } },
	{ "0 0 13 * fri", NULL, { 2026, 11, 25, 1, 0, 0, 0 }, { 2026, 11, 27, 0, 0, 0, 0 } },
	/* a field that begins with a star restricts, and does not widen: the first odd day that is a Friday */
	{ "0 0 */2 * fri", NULL, { 2026, 11, 1, 1, 0, 0, 0 }, { 2026, 11, 13, 0, 0, 0, 0 } },
	{ "5,10-20/5 0 1 1-3,6 *", NULL, { 2026, 2, 1, 0, 11, 0, 0 }, { 2026, 2, 1, 0, 15, 0, 0 } },
	/* summer: two hours ahead */
	{ "0 2 * * *", berlin, { 2026, 7, 1, 7, 0, 0, 0 }, { 2026, 7, 2, 0, 0, 0, 0 } },
	/* set forward from 2 to 3 at 1:00 UTC: what is left out is made up for */
	{ "30 2 * * *", berlin, { 2026, 3, 29, 0, 0, 0, 0 }, { 2026, 3, 29, 1, 0, 0, 0 } },
	{ "30 2 * * *", berlin, { 2026, 3, 29, 1, 0, 0, 0 }, { 2026, 3, 29, 1, 0, 0, 0 } },
	{ "30 2 * * *", berlin, { 2026, 3, 29, 1, 0, 1, 0 }, { 2026, 3, 30, 0, 30, 0, 0 } },
	{ "*/15 * * * *", berlin, { 2026, 3, 29, 0, 50, 0, 0 }, { 2026, 3, 29, 1, 0, 0, 0 } },
	{ "15 2 * * *", lord_howe, { 2026, 10, 3, 12, 0, 0, 0 }, { 2026, 10, 3, 15, 30, 0, 0 } },
	/* set back from 3 to 2 at 1:00 UTC: the first 2:30 counts */
	{ "30 2 * * *", berlin, { 2026, 10, 24, 23, 0, 0, 0 }, { 2026, 10, 25, 0, 30, 0, 0 } },
	{ "30 2 * * *", berlin, { 2026, 10, 25, 0, 31, 0, 0 }, { 2026, 10, 26, 1, 30, 0, 0 } },
	{ "30 1 * * *", new_york, { 2026, 11, 1, 5, 0, 0, 0 }, { 2026, 11, 1, 5, 30, 0, 0 } },
	{ "30 1 * * *", new_york, { 2026, 11, 1, 5, 30, 1, 0 }, { 2026, 11, 2, 6, 30, 0, 0 } },
	/* and each, where the hour is a star */
	{ "30 * * * *", berlin, { 2026, 10, 25, 0, 31, 0, 0 }, { 2026, 10, 25, 1, 30, 0, 0 } },
	{ "30 * 1 1 *", berlin, { 2026, 1, 2, 0, 0, 0, 0 }, { 2026, 12, 31, 23, 30, 0, 0 } },
};

static void finds_the_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct cron c;
		zone(r->tz ? r->tz : "UTC0");
		assert_int_equal(cron_parse(slice_str(r->cron), &c), RC_OK);
		int64_t from = time_join(&r->from), next = time_join(&r->next);
		assert_int_equal(cron_next(&c, from, libc_offset, NULL), next);
		if (!r->tz)
			assert_int_equal(cron_next(&c, from, NULL, NULL), next);
	}
}

static size_t count(const char *text, int64_t from, int64_t to)
{
	struct cron c;
	size_t n = 0;
	assert_int_equal(cron_parse(slice_str(text), &c), RC_OK);
	for (int64_t at = from; (at = cron_next(&c, at, libc_offset, NULL)) < to; at++)
		n++;
	return n;
}

/* In each zone a year has its days once each, and a day with 23 or 25 hours as many quarters as it has. */
static void once_a_day(void **state)
{
	static const char *const zones[] = { "UTC0", berlin, new_york, lord_howe };
	int64_t from = 1767225600 + 86400, day = 86400; /* 2 January 2026 */
	(void)state;
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		zone(zones[z]);
		for (int hour = 0; hour < 24; hour++) {
			char text[40];
			(void)snprintf(text, sizeof(text), "15 %d * * *", hour);
			assert_int_equal(count(text, from, from + 360 * day), 360);
		}
		assert_int_equal(count("*/15 * * * *", from, from + 360 * day), 360 * 96);
	}
}

static void never(void **state)
{
	struct cron c;
	(void)state;
	assert_int_equal(cron_parse(S("* * * * *"), &c), RC_OK);
	assert_int_equal(cron_next(&c, INT64_MAX, NULL, NULL), 0);
	assert_true(cron_next(&c, INT64_MIN, NULL, NULL) > 0);
}

int test_cron(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refuses), cmocka_unit_test(reads),
		cmocka_unit_test(finds_the_next), cmocka_unit_test(once_a_day),
		cmocka_unit_test(never) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
