/* cmd_status.c: What the server is doing: status, metrics, configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "base/mem.h"
#include "base/metric.h"
#include "run/run.h"

enum { KINDS_MAX = 64 };

struct steps {
	struct {
		const char *kind, *step;
		uint64_t n;
	} at[KINDS_MAX];
	size_t n;
};

static void count_step(void *ctx, const char *kind, const char *step)
{
	struct steps *s = ctx;
	for (size_t i = 0; i < s->n; i++) {
		if (s->at[i].kind == kind && s->at[i].step == step) {
			s->at[i].n++;
			return;
		}
	}
	if (s->n < KINDS_MAX) {
		s->at[s->n].kind = kind;
		s->at[s->n].step = step;
		s->at[s->n++].n = 1;
	}
}

static uint64_t resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	int n = f ? fscanf(f, "%lu %lu", &size, &resident) : 0;
	if (f)
		fclose(f);
	return n == 2 ? resident * 4096ull : 0;
}

static void put_steps(struct admin_call *c, struct report *r)
{
	struct steps s = { 0 };
	run_tasks(c->deps->run, count_step, &s);
	for (size_t i = 0; i < s.n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "session %s/%s", s.at[i].kind, s.at[i].step);
		report_number(r, name, s.at[i].n);
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
	put_steps(c, &r);
	report_number(&r, "seats", run.seats);
	report_number(&r, "threads", run.threads);
	report_number(&r, "blocked", run.blocked);
	report_number(&r, "hash-jobs-waiting", run.jobs_waiting[RUN_JOB_HASH]);
	report_text(&r, "store", slice_str(data_type(c->deps->data)));
	report_number(&r, "store-commits", data.commits);
	report_number(&r, "store-flushes", data.groups);
	report_number(&r, "store-keys-read", data.keys_read);
	report_number(&r, "store-bytes-copied", data.bytes_copied);
	report_number(&r, "queue", c->deps->queue ? queue_depth(c->deps->queue) : 0);
	report_number(&r, "memory-resident", resident_bytes());
	for (unsigned k = 0; k < MEM_KINDS; k++) {
		char name[32];
		snprintf(name, sizeof(name), "memory-%s", mem_kind_name((enum mem_kind)k));
		report_number(&r, name, mem_used((enum mem_kind)k));
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_metrics(struct admin_call *c, struct fault *why)
{
	(void)why;
	metric_expose(c->out);
	return RC_OK;
}

enum rc admin_config_list(struct admin_call *c, struct fault *why)
{
	(void)why;
	c->deps->config(c->deps->arg, c->json, c->out);
	return RC_OK;
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
