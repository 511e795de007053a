/* metric.c: Counters and the times that most stay under. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void counts(void **state)
{
	(void)state;
	enum metric_id id;
	struct buf out;
	metric_add(METRIC_CONNECTIONS, 3);
	metric_set(METRIC_QUEUE_DEPTH, 9);
	metric_sub(METRIC_QUEUE_DEPTH, 2);
	for (uint64_t i = 1; i <= 1000; i++)
		metric_time(METRIC_IMAP_FETCH_US, i * 100);
	metric_time(METRIC_SMTP_DATA_US, UINT64_MAX / 2);
	metric_fault(FAULT_QUOTA);
	assert_int_equal(metric_get(METRIC_CONNECTIONS), 3);
	assert_int_equal(metric_get(METRIC_IMAP_FETCH_US), 1000);
	static const double percents[] = { 50, 95, 99, 100 };
	for (size_t i = 0; i < 4; i++) {
		uint64_t got = metric_percentile(METRIC_IMAP_FETCH_US, percents[i]),
			 want = (uint64_t)(percents[i] * 1000);
		assert_true(got >= want && got <= want + want / 8);
	}
	assert_int_equal(metric_find(S("veredus_queue_messages"), &id), RC_OK);
	assert_int_equal(metric_get(id), 7);
	assert_int_equal(metric_find(S("veredus_nothing"), &id), RC_NONE);
	buf_init(&out, 0, NULL);
	metric_expose(&out);
	buf_byte(&out, 0);
	assert_non_null(strstr((char *)out.at,
		"# TYPE veredus_connections_total counter\nveredus_connections_total 3\n"));
	assert_non_null(strstr((char *)out.at,
		"\nveredus_imap_command_microseconds_count{command=\"FETCH\"} 1000\n"));
	assert_non_null(strstr((char *)out.at, "\nveredus_refusals_total{reason=\"QUOTA\"} 1\n"));
	buf_done(&out);
}

/* Histograms come last, and those of one family are neighbours: HELP and TYPE are written once for each. */
static void families_are_neighbours(void **state)
{
	(void)state;
	struct slice last = S("");
	struct buf out;
	bool histograms = false;
	buf_init(&out, 0, NULL);
	metric_expose(&out);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		bool is = metric_kind((enum metric_id)i) == METRIC_KIND_HISTOGRAM;
		assert_true(is || !histograms);
		histograms = is;
		struct slice family = metric_family((enum metric_id)i), text = buf_slice(&out);
		if (slice_eq(family, last))
			continue;
		last = family;
		char type[128];
		snprintf(type, sizeof(type), "# TYPE %.*s ", FMT(family));
		size_t first = slice_search(text, slice_str(type));
		assert_true(first < text.len);
		text = slice_tail(text, first + 1);
		assert_int_equal(slice_search(text, slice_str(type)), text.len);
	}
	buf_byte(&out, 0);
	assert_non_null(strstr((char *)out.at,
		"veredus_imap_command_microseconds{command=\"FETCH\",quantile=\"0.95\"} "));
	assert_non_null(
		strstr((char *)out.at, "\nveredus_store_flush_microseconds{quantile=\"0.5\"} "));
	buf_done(&out);
}

/* What came in the last sixty seconds, no more. */
static void minute(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++)
		metric_second();
	assert_int_equal(metric_get(METRIC_MAILS_IN_MINUTE), 0);
	metric_add(METRIC_SMTP_ACCEPTED, 5);
	metric_add(METRIC_QUEUE_SENT, 2);
	for (int i = 0; i < 60; i++) {
		metric_second();
		assert_int_equal(metric_get(METRIC_MAILS_IN_MINUTE), 5);
		assert_int_equal(metric_get(METRIC_MAILS_OUT_MINUTE), 2);
	}
	metric_second();
	assert_int_equal(metric_get(METRIC_MAILS_IN_MINUTE), 0);
}

int test_metric(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts),
		cmocka_unit_test(families_are_neighbours), cmocka_unit_test(minute) };
	return cmocka_run_group_tests_name("base metric", tests, NULL, NULL);
}
