/* metric.c: Figures, kept in relaxed atomics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "base/lock.h"
#include <stdatomic.h>

/* Eight buckets for each power of two, up to 2^40 microseconds. */
enum { STEPS = 8, BUCKETS = 40 * STEPS };
/* Rows that are no histograms: those come last in the table, so this is the first one's number. */
enum {
	FLAT = 0
#define METRIC(id, kind, name, help) +(METRIC_KIND_##kind != METRIC_KIND_HISTOGRAM)
#include "base/metrics.tbl"
#undef METRIC
};

static const struct {
	enum metric_kind kind;
	const char *name, *help;
} rows[METRIC_COUNT] = {
#define METRIC(id, kind, name, help) { METRIC_KIND_##kind, name, help },
#include "base/metrics.tbl"
#undef METRIC
};

/* Counters of which a gauge shows the last minute, and what they were in each second of it; see metric_second. */
enum { RATES = 2, MINUTE = 60 };
static const struct {
	enum metric_id of, shown;
} rates[RATES] = { { METRIC_SMTP_ACCEPTED, METRIC_MAILS_IN_MINUTE },
	{ METRIC_QUEUE_SENT, METRIC_MAILS_OUT_MINUTE } };

static struct {
	struct lock together; /* held to write, or to read, gauges of one instant */
	_Atomic uint64_t values[METRIC_COUNT];
	_Atomic uint64_t sums[METRIC_COUNT];
	_Atomic uint64_t faults[FAULT_COUNT];
	uint64_t seconds, minute[RATES][MINUTE]; /* metric_second's alone */
	_Atomic uint64_t buckets[METRIC_COUNT - FLAT][BUCKETS];
} figures = { .together = { PTHREAD_MUTEX_INITIALIZER, LOCK_METRIC } };

void metric_add(enum metric_id id, uint64_t n)
{
	atomic_fetch_add_explicit(&figures.values[id], n, memory_order_relaxed);
}

void metric_sub(enum metric_id id, uint64_t n)
{
	atomic_fetch_sub_explicit(&figures.values[id], n, memory_order_relaxed);
}

void metric_set(enum metric_id id, uint64_t n)
{
	atomic_store_explicit(&figures.values[id], n, memory_order_relaxed);
}

void metric_set_all(const struct metric_value *v, size_t n)
{
	lock_enter(&figures.together);
	for (size_t i = 0; i < n; i++)
		metric_set(v[i].id, v[i].n);
	lock_leave(&figures.together);
}

void metric_get_all(struct metric_value *v, size_t n)
{
	lock_enter(&figures.together);
	for (size_t i = 0; i < n; i++)
		v[i].n = metric_get(v[i].id);
	lock_leave(&figures.together);
}

static unsigned bucket_of(uint64_t us)
{
	if (us < STEPS)
		return (unsigned)us;
	unsigned log = 63u - (unsigned)__builtin_clzll(us);
	unsigned b = (log - 2) * STEPS + (unsigned)(us >> (log - 3) & (STEPS - 1));
	return b < BUCKETS ? b : BUCKETS - 1;
}

static uint64_t bucket_top(unsigned b)
{
	if (b < STEPS)
		return b;
	unsigned log = b / STEPS + 2;
	return ((uint64_t)(STEPS + b % STEPS) << (log - 3)) + ((uint64_t)1 << (log - 3)) - 1;
}

void metric_time(enum metric_id id, uint64_t us)
{
	metric_add(id, 1);
	atomic_fetch_add_explicit(&figures.sums[id], us, memory_order_relaxed);
	atomic_fetch_add_explicit(
		&figures.buckets[(unsigned)id - FLAT][bucket_of(us)], 1, memory_order_relaxed);
}

void metric_fault(enum fault_id id)
{
	atomic_fetch_add_explicit(&figures.faults[id], 1, memory_order_relaxed);
}

uint64_t metric_get(enum metric_id id)
{
	return atomic_load_explicit(&figures.values[id], memory_order_relaxed);
}

uint64_t metric_percentile(enum metric_id id, double percent)
{
	uint64_t seen = 0, want = (uint64_t)((double)metric_get(id) * percent / 100.0);
	unsigned h = (unsigned)id - FLAT;
	if (want > 0 && want == metric_get(id))
		want--;
	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += atomic_load_explicit(&figures.buckets[h][b], memory_order_relaxed);
		if (seen > want)
			return bucket_top(b);
	}
	return 0;
}

const char *metric_name(enum metric_id id)
{
	return rows[id].name;
}

enum metric_kind metric_kind(enum metric_id id)
{
	return rows[id].kind;
}

enum rc metric_find(struct slice name, enum metric_id *id)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		if (slice_eq(name, slice_str(rows[i].name))) {
			*id = (enum metric_id)i;
			return RC_OK;
		}
	}
	return RC_NONE;
}

struct slice metric_family(enum metric_id id)
{
	struct slice name = slice_str(rows[id].name);
	return slice_head(name, slice_find(name, '{'));
}

void metric_second(void)
{
	unsigned at = (unsigned)(figures.seconds++ % MINUTE);
	for (unsigned i = 0; i < RATES; i++) {
		uint64_t now = metric_get(rates[i].of);
		metric_set(rates[i].shown, now - figures.minute[i][at]);
		figures.minute[i][at] = now;
	}
}

/* family{label="value",quantile="0.5"}: the row's own label is without its closing brace. */
static void expose_histogram(enum metric_id id, struct buf *out)
{
	static const double quantiles[] = { 50, 95, 99 };
	struct slice family = metric_family(id), label = slice_str(rows[id].name + family.len);
	struct slice open = label.len ? slice_head(label, label.len - 1) : S("{");
	uint64_t sum = atomic_load_explicit(&figures.sums[id], memory_order_relaxed);
	for (size_t i = 0; i < 3; i++)
		buf_fmt(out, "%.*s%.*s%squantile=\"%g\"} %llu\n", FMT(family), FMT(open),
			label.len ? "," : "", quantiles[i] / 100,
			(unsigned long long)metric_percentile(id, quantiles[i]));
	buf_fmt(out, "%.*s_sum%.*s %llu\n", FMT(family), FMT(label), (unsigned long long)sum);
	buf_fmt(out, "%.*s_count%.*s %llu\n", FMT(family), FMT(label),
		(unsigned long long)metric_get(id));
}

void metric_expose(struct buf *out)
{
	static const char *const kinds[] = { "counter", "gauge", "summary" };
	lock_enter(&figures.together);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		struct slice family = metric_family((enum metric_id)i);
		if (i == 0 || !slice_eq(family, metric_family((enum metric_id)(i - 1))))
			buf_fmt(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", FMT(family), rows[i].help,
				FMT(family), kinds[rows[i].kind]);
		if (rows[i].kind == METRIC_KIND_HISTOGRAM)
			expose_histogram((enum metric_id)i, out);
		else
			buf_fmt(out, "%s %llu\n", rows[i].name,
				(unsigned long long)metric_get((enum metric_id)i));
	}
	lock_leave(&figures.together);
	buf_str(out, "# HELP veredus_refusals_total refusals by reason\n# TYPE "
		     "veredus_refusals_total counter\n");
	for (unsigned i = 1; i < FAULT_COUNT; i++)
		buf_fmt(out, "veredus_refusals_total{reason=\"%s\"} %llu\n",
			fault_row((enum fault_id)i)->name,
			(unsigned long long)atomic_load_explicit(
				&figures.faults[i], memory_order_relaxed));
}
