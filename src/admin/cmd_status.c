/* cmd_status.c: What the server is doing: status, metrics, configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "admin/sessions.h"
#include "base/mem.h"
#include "base/metric.h"
#include "run/memory.h"
#include "text/json.h"

/* All of one instant: docs/memory.md. */
static void put_memory(struct report *r)
{
	struct run_memory_stats s;
	char name[64];
	run_memory_stats(&s);
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "limit", s.limit },
		{ "percent", s.percent },
		{ "resident", s.rss },
		{ "proportional", s.pss },
		{ "anonymous", s.anonymous },
		{ "files", s.files },
		{ "parent", s.parent },
		{ "heap-resident", s.resident },
		{ "active", s.active },
		{ "allocated", s.allocated },
		{ "cached", s.cached },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "memory-%s", rows[i].name);
		report_number(r, name, rows[i].n);
	}
	for (unsigned k = 0; k < MEM_KINDS; k++) {
		snprintf(name, sizeof(name), "memory-%s", mem_kind_name((enum mem_kind)k));
		report_number(r, name, s.kinds[k]);
	}
	uint64_t beyond = 0;
	for (size_t i = 0; i < s.keepers_n; i++)
		beyond += s.keepers[i].beyond;
	report_number(r, "memory-engine", beyond);
	report_number(r, "memory-rest", s.rest);
	for (size_t i = 0; i < s.keepers_n; i++) {
		snprintf(name, sizeof(name), "memory-cached %s", s.keepers[i].name);
		report_number(r, name, s.keepers[i].cached);
	}
}

static void put_sessions(struct admin_call *c, struct report *r)
{
	struct sessions s;
	sessions_count(c->deps->run, &s);
	for (size_t i = 0; i < s.n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "session %s/%s", s.rows[i].service, s.rows[i].step);
		report_number(r, name, s.rows[i].n);
	}
}

static void put_listener(void *ctx, const char *name, const char *bind, size_t open)
{
	char text[200], row[80];
	snprintf(row, sizeof(row), "listener %s", name);
	snprintf(text, sizeof(text), "%s, %zu open", bind, open);
	report_text(ctx, row, slice_str(text));
}

/* Counters and gauges under short names. */
static void put_figures(struct report *r)
{
	static const struct {
		const char *name;
		enum metric_id id;
	} rows[] = {
		{ "mails-in-per-minute", METRIC_MAILS_IN_MINUTE },
		{ "mails-out-per-minute", METRIC_MAILS_OUT_MINUTE },
		{ "store-gets", METRIC_STORE_GETS },
		{ "store-scans", METRIC_STORE_SCANS },
		{ "cache-dns-hits", METRIC_CACHE_DNS_HITS },
		{ "cache-dns-misses", METRIC_CACHE_DNS_MISSES },
		{ "cache-auth-hits", METRIC_CACHE_AUTH_HITS },
		{ "cache-auth-misses", METRIC_CACHE_AUTH_MISSES },
		{ "cache-directory-hits", METRIC_CACHE_DIRECTORY_HITS },
		{ "cache-directory-misses", METRIC_CACHE_DIRECTORY_MISSES },
		{ "cache-mail-hits", METRIC_CACHE_MAIL_HITS },
		{ "cache-mail-misses", METRIC_CACHE_MAIL_MISSES },
		{ "net-received", METRIC_NET_IN_BYTES },
		{ "net-sent", METRIC_NET_OUT_BYTES },
		{ "disk-read", METRIC_DISK_READ_BYTES },
		{ "disk-written", METRIC_DISK_WRITTEN_BYTES },
		{ "cpu-us", METRIC_CPU_US },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		report_number(r, rows[i].name, metric_get(rows[i].id));
}

/* "imap FETCH   p50 120 p95 300 p99 900 us of 12 times"; in JSON a number each. Those that never ran are left out. */
static void put_times(struct admin_call *c, struct report *r)
{
	static const unsigned percents[] = { 50, 95, 99 };
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		enum metric_id id = (enum metric_id)i;
		struct slice family = metric_family(id), label = slice_str(metric_name(id));
		if (metric_kind(id) != METRIC_KIND_HISTOGRAM || metric_get(id) == 0)
			continue;
		/* veredus_imap_command_microseconds{command="FETCH"} */
		struct slice service = slice_tail(family, strlen("veredus_"));
		label = slice_tail(label, slice_find(label, '"') + 1);
		service = label.len ? slice_head(service, slice_find(service, '_'))
				    : slice_head(service, service.len - strlen("_microseconds"));
		struct slice name = arena_fmt(c->arena, "%.*s%s%.*s", FMT(service),
			label.len ? " " : "", FMT(slice_head(label, slice_find(label, '"'))));
		struct buf text;
		buf_init(&text, 0, c->arena);
		for (size_t p = 0; p < 3; p++) {
			uint64_t us = metric_percentile(id, percents[p]);
			if (c->json)
				report_number(r,
					(const char *)arena_fmt(
						c->arena, "%.*s p%u us", FMT(name), percents[p])
						.at,
					us);
			buf_fmt(&text, "p%u %llu ", percents[p], (unsigned long long)us);
		}
		buf_fmt(&text, "us of %llu times", (unsigned long long)metric_get(id));
		if (!c->json)
			report_text(r, (const char *)name.at, buf_slice(&text));
	}
}

enum rc admin_status(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct run_status run;
	struct data_stats data;
	(void)why;
	run_status(c->deps->run, &run);
	data_stats(c->deps->data, &data);
	report_begin(&r, c->out, c->json, false);
	report_row(&r);
	report_text(&r, "version", slice_str(c->deps->version));
	report_number(&r, "uptime-s", (uint64_t)(run_unix(c->deps->run) - c->deps->started));
	report_number(&r, "connections", net_connections(c->deps->net));
	net_listeners(c->deps->net, put_listener, &r);
	put_sessions(c, &r);
	report_number(&r, "seats", run.seats);
	report_number(&r, "threads", run.threads);
	report_number(&r, "blocked", run.blocked);
	report_number(&r, "hash-jobs-waiting", run.jobs_waiting[RUN_JOB_HASH]);
	report_text(&r, "store", slice_str(data_type(c->deps->data)));
	if (c->deps->lookup)
		report_text(&r, "lookup", slice_str(lookup_type(c->deps->lookup)));
	report_number(&r, "store-commits", data.commits);
	report_number(&r, "store-flushes", data.groups);
	report_number(&r, "store-keys-read", data.keys_read);
	report_number(&r, "store-bytes-copied", data.bytes_copied);
	report_number(&r, "queue", c->deps->queue ? queue_depth(c->deps->queue) : 0);
	put_memory(&r);
	put_figures(&r);
	put_times(c, &r);
	report_end(&r);
	return RC_OK;
}

static enum rc metrics_json(struct admin_call *c)
{
	struct report r;
	struct metric_value v[METRIC_COUNT];
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		v[i].id = (enum metric_id)i;
	metric_get_all(v, METRIC_COUNT);
	report_begin(&r, c->out, true, false);
	report_row(&r);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const char *name = metric_name((enum metric_id)i);
		struct buf quoted;
		buf_init(&quoted, 0, c->arena);
		report_quote(&quoted, slice_str(name)); /* labels have quotes of their own */
		buf_byte(&quoted, 0);
		quoted.at[quoted.len - 2] = 0;
		report_number(&r, (const char *)quoted.at + 1, v[i].n);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_metrics(struct admin_call *c, struct fault *why)
{
	(void)why;
	if (c->json)
		return metrics_json(c);
	metric_expose(c->out);
	sessions_expose(c->deps->run, c->out);
	return RC_OK;
}

enum rc admin_config_list(struct admin_call *c, struct fault *why)
{
	(void)why;
	c->deps->config(c->deps->arg, c->json, c->out);
	return RC_OK;
}

enum rc admin_config_reload(struct admin_call *c, struct fault *why)
{
	struct buf report;
	struct json j;
	buf_init(&report, 0, c->arena);
	enum rc rc = c->deps->reload(c->deps->arg, &report, why);
	c->is_told = rc != RC_OK;
	if (c->json) {
		json_init(&j, c->out);
		json_object(&j, NULL);
		json_bool(&j, "reloaded", rc == RC_OK);
		json_slice(&j, rc == RC_OK ? "notes" : "error", buf_slice(&report));
		json_end(&j);
		buf_byte(c->out, '\n');
	} else {
		buf_add(c->out, buf_slice(&report));
	}
	return rc;
}

enum rc admin_config_get(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct buf all;
	buf_init(&all, 0, c->arena);
	c->deps->config(c->deps->arg, false, &all);
	for (struct slice rest = buf_slice(&all); rest.len;) {
		struct slice line = slice_split(&rest, '\n'), value = line;
		size_t eq = slice_search(line, S(" = ")), hash = slice_search(line, S("  # "));
		if (eq == line.len || !slice_eq(slice_head(line, eq), c->words[2]))
			continue;
		value = slice_tail(slice_head(line, hash), eq + 3);
		if (!c->json) {
			buf_fmt(c->out, "%.*s\n", FMT(value));
			return RC_OK;
		}
		report_begin(&r, c->out, true, false);
		report_row(&r);
		report_text(&r, "key", c->words[2]);
		report_text(&r, "value", value);
		report_text(&r, "origin", slice_tail(line, hash + 4));
		report_end(&r);
		return RC_OK;
	}
	return fault_set(why, FAULT_NOT_FOUND, "there is no setting %.*s; see veredus config list",
		FMT(c->words[2]));
}
