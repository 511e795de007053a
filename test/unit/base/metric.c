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
		metric_time(METRIC_IMAP_COMMAND_US, i * 100);
	metric_time(METRIC_SMTP_COMMAND_US, UINT64_MAX / 2);
	metric_fault(FAULT_QUOTA);
	assert_int_equal(metric_get(METRIC_CONNECTIONS), 3);
	assert_int_equal(metric_get(METRIC_IMAP_COMMAND_US), 1000);
	static const double percents[] = { 50, 95, 99, 100 };
	for (size_t i = 0; i < 4; i++) {
		uint64_t got = metric_percentile(METRIC_IMAP_COMMAND_US, percents[i]),
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
	assert_non_null(strstr((char *)out.at, "\nveredus_imap_command_microseconds_count 1000\n"));
	assert_non_null(strstr((char *)out.at, "\nveredus_refusals_total{reason=\"QUOTA\"} 1\n"));
	buf_done(&out);
	for (unsigned i = 0, histograms = 0; i < METRIC_COUNT; i++) {
		histograms += metric_kind((enum metric_id)i) == METRIC_KIND_HISTOGRAM;
		assert_true(histograms <= 8); /* HISTOGRAMS in metric.c */
	}
}

int test_metric(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts) };
	return cmocka_run_group_tests_name("base metric", tests, NULL, NULL);
}
