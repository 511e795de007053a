/* metric.h: Counters, gauges and histograms from one table, and their exposition. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"
#include "base/fault.h"

enum metric_id {
#define METRIC(id, kind, name, help) METRIC_##id,
#include "base/metrics.tbl"
#undef METRIC
	METRIC_COUNT
};

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };

/* All on any thread, without locks. */
void metric_add(enum metric_id id, uint64_t n);
void metric_sub(enum metric_id id, uint64_t n); /* gauges */
void metric_set(enum metric_id id, uint64_t n); /* gauges */
/* Gauges that belong to one instant: metric_expose and metric_get_all see all of them or none. */
struct metric_value {
	enum metric_id id;
	uint64_t n;
};
void metric_set_all(const struct metric_value *v, size_t n);
/* Fills in `n` of each. */
void metric_get_all(struct metric_value *v, size_t n);
void metric_time(enum metric_id id, uint64_t us); /* histograms */
/* One refusal: counted by the fault's name. */
void metric_fault(enum fault_id id);

uint64_t metric_get(enum metric_id id); /* of a histogram: how many */
/* The microseconds that `percent` of a histogram stay under, to about 12 %. */
uint64_t metric_percentile(enum metric_id id, double percent);
/* The name with its label, as in `family{label="value"}`. */
const char *metric_name(enum metric_id id);
struct slice metric_family(enum metric_id id);
enum metric_kind metric_kind(enum metric_id id);
/* RC_NONE: no such metric. */
enum rc metric_find(struct slice name, enum metric_id *id);

/* Once a second, from one thread: brings what happened in the last minute up to date. */
void metric_second(void);

/* Prometheus text format 0.0.4. */
void metric_expose(struct buf *out);

#endif
