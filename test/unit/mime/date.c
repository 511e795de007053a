/* date.c: Dates as they are found, and Message-IDs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* 2026-11-25 07:12:45 UTC */
enum { THAT_DAY = 1795590765 };

static const struct {
	const char *in;
	int64_t unix_s; /* 0: no date */
	int zone;
} table[] = {
	{ "Wed, 25 Nov 2026 07:12:45 +0000", THAT_DAY, 0 },
	{ "Wed, 25 Nov 2026 08:12:45 +0100", THAT_DAY, 60 },
	{ "25 Nov 2026 02:12:45 EST", THAT_DAY, -300 },
	{ "Wed, 25 Nov 26 07:12:45 GMT", THAT_DAY, 0 },
	{ "Wed, 25 Nov 2026 07:12:45 -0000 (UTC)", THAT_DAY, 0 },
	{ "Wed (day), 25 (of)\r\n Nov 2026 12:42:45 +0530", THAT_DAY, 330 },
	{ "Wed Nov 25 07:12:45 2026", THAT_DAY, 0 },
	{ "Wed Nov 25 07:12:45 2026 +0100", THAT_DAY - 3600, 60 },
	{ "2026-11-25T07:12:45Z", THAT_DAY, 0 },
	{ "2026-11-25 08:12:45 +01:00", THAT_DAY, 60 },
	{ "Wednesday, 25-Nov-26 07:12:45 GMT", THAT_DAY, 0 },
	{ "25 november 2026 07:12:45", THAT_DAY, 0 },
	{ "Wed, 25 Nov 2026 07:12", THAT_DAY - 45, 0 },
	{ "Wed, 25 Nov 2026", THAT_DAY - 7 * 3600 - 12 * 60 - 45, 0 },
	{ "1 Jan 1970 00:00:01 GMT", 1, 0 },
	{ "Wed, 31 Dec 1969 23:59:59 GMT", -1, 0 },
	{ "Fri, 21 Nov 97 09:55:06 -0600", 880127706, -360 },
	{ "", 0, 0 },
	{ "yesterday", 0, 0 },
	{ "Wed, 99 Nov 2026 07:12:45", 0, 0 },
	{ "25 Nov 2026 77:12:45", 0, 0 },
	{ "(((((", 0, 0 },
};

static void reads_dates(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t at = 0;
		int zone = 0;
		enum rc rc = mime_date(slice_str(table[i].in), &at, &zone);
		if (rc != (table[i].unix_s ? RC_OK : RC_BAD) || at != table[i].unix_s ||
			zone != table[i].zone)
			fail_msg("\"%s\": %s %lld %d", table[i].in, rc_name(rc), (long long)at,
				zone);
	}
}

static void reads_ids(void **)
{
	struct slice rest = S("<a@b>\r\n <c@d> junk < e@f > <> <open"), id;
	assert_int_equal(mime_id_next(&rest, &id), RC_OK);
	assert_true(slice_eq(id, S("a@b")));
	assert_int_equal(mime_id_next(&rest, &id), RC_OK);
	assert_true(slice_eq(id, S("c@d")));
	assert_int_equal(mime_id_next(&rest, &id), RC_OK);
	assert_true(slice_eq(id, S("e@f")));
	assert_int_equal(mime_id_next(&rest, &id), RC_NONE);
}

int test_date(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_dates),
		cmocka_unit_test(reads_ids) };
	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
