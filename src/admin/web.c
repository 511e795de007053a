/* web.c: Health, metrics and live figures over HTTP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/web.h"
#include "admin/sessions.h"
#include "base/mem.h"
#include "base/metric.h"
#include "crypto/hash.h"
#include "run/memory.h"
#include "text/json.h"

enum { LIVE_FIRST_S = 5, LIVE_MOST_S = 3600 };

struct states {
	const char *data, *lookup;
};

static void answer_state(
	struct http_call *call, unsigned status, const char *state, const struct states *stores)
{
	const struct admin_web *w = call->arg;
	struct buf b;
	struct json j;
	buf_init(&b, 0, call->arena);
	json_init(&j, &b);
	json_object(&j, NULL);
	json_str(&j, "status", state);
	json_object(&j, "stores");
	json_str(&j, data_type(w->data), stores->data);
	if (w->lookup)
		json_str(&j, "lookup", stores->lookup);
	json_end(&j);
	json_end(&j);
	buf_byte(&b, '\n');
	http_answer(call, status, "application/json", buf_slice(&b));
}

static const struct states not_asked = { "not asked", "not asked" };

/* Never asks a store: its outage must not make an orchestrator restart every node. */
static enum rc live(struct http_call *call, struct fault *why)
{
	const struct admin_web *w = call->arg;
	bool draining = run_draining(w->run);
	(void)why;
	answer_state(call, draining ? 503 : 200, draining ? "draining" : "ok", &not_asked);
	return RC_OK;
}

static enum rc ready(struct http_call *call, struct fault *why)
{
	const struct admin_web *w = call->arg;
	struct slice value;
	(void)why;
	if (run_draining(w->run)) {
		answer_state(call, 503, "draining", &not_asked);
		return RC_OK;
	}
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = data_get(w->data, DATA_MAIN, S("S ready"), call->arena, &value, NULL);
	run_block_end();
	bool has_data = rc == RC_OK || rc == RC_NONE;
	bool has_lookup = !w->lookup || lookup_ready(w->lookup, NULL) == RC_OK;
	const struct states now = { has_data ? "ok" : "failed", has_lookup ? "ok" : "failed" };
	bool ok = has_data && has_lookup;
	answer_state(call, ok ? 200 : 503, ok ? "ok" : "unavailable", &now);
	return RC_OK;
}

static enum rc metrics(struct http_call *call, struct fault *why)
{
	struct buf b;
	const struct admin_web *w = call->arg;
	(void)why;
	buf_init(&b, 0, call->arena);
	metric_expose(&b);
	sessions_expose(w->run, &b);
	http_answer(call, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&b));
	return RC_OK;
}

/* --- live figures --- */

/* One watch: who asks, then what. Lives in the request's arena. */
struct watch {
	struct auth_session auth;
	bool asked;
	bool sessions, memory;
	struct metric_value figures[METRIC_COUNT];
	size_t n;
};

static const char sessions_name[] = "veredus_sessions", memory_name[] = "server.memory";

static void figure(struct json *j, const struct metric_value *v)
{
	static const struct {
		const char *name;
		double percent;
	} marks[] = { { "p50", 50 }, { "p95", 95 }, { "p99", 99 } };
	bool histogram = metric_kind(v->id) == METRIC_KIND_HISTOGRAM;
	json_object(j, NULL);
	json_str(j, "id", metric_name(v->id));
	json_u64(j, "value", v->n);
	for (size_t i = 0; histogram && i < 3; i++)
		json_u64(j, marks[i].name, metric_percentile(v->id, marks[i].percent));
	json_end(j);
}

/* One instant, whole: docs/memory.md. */
static void put_memory(struct json *j)
{
	struct run_memory_stats s;
	run_memory_stats(&s);
	json_object(j, NULL);
	json_str(j, "id", memory_name);
	json_u64(j, "value", s.rss);
	json_u64(j, "limit", s.limit);
	json_u64(j, "percent", s.percent);
	json_u64(j, "allocated", s.allocated);
	json_u64(j, "cached", s.cached);
	json_u64(j, "active", s.active);
	json_u64(j, "resident", s.resident);
	json_u64(j, "rss", s.rss);
	json_u64(j, "pss", s.pss);
	json_u64(j, "anonymous", s.anonymous);
	json_u64(j, "files", s.files);
	json_u64(j, "parent", s.parent);
	json_object(j, "subsystems");
	for (unsigned k = 0; k < MEM_KINDS; k++)
		json_u64(j, mem_kind_name((enum mem_kind)k), s.kinds[k]);
	uint64_t beyond = 0;
	for (size_t i = 0; i < s.keepers_n; i++)
		beyond += s.keepers[i].beyond;
	json_u64(j, "engine", beyond);
	json_u64(j, "rest", s.rest);
	json_end(j);
	json_object(j, "caches");
	for (size_t i = 0; i < s.keepers_n; i++)
		json_u64(j, s.keepers[i].name, s.keepers[i].cached);
	json_end(j);
	json_end(j);
}

static void put_sessions(struct json *j, struct run *run)
{
	struct sessions s;
	sessions_count(run, &s);
	for (size_t i = 0; i < s.n; i++) {
		json_object(j, NULL);
		json_str(j, "id", sessions_name);
		json_str(j, "service", s.rows[i].service);
		json_str(j, "step", s.rows[i].step);
		json_u64(j, "value", s.rows[i].n);
		json_end(j);
	}
}

static bool tick(struct http_call *call)
{
	const struct admin_web *web = call->arg;
	struct watch *w = call->work;
	struct buf b;
	struct json j;
	buf_init(&b, 0, NULL);
	json_init(&j, &b);
	json_array(&j, NULL);
	metric_get_all(w->figures, w->n);
	for (size_t i = 0; i < w->n; i++)
		figure(&j, &w->figures[i]);
	if (w->memory)
		put_memory(&j);
	if (w->sessions)
		put_sessions(&j, web->run);
	json_end(&j);
	http_event(call, "metrics", buf_slice(&b));
	buf_done(&b);
	return true;
}

/* RFC 7617: an administrator's name and password. */
static enum rc administrator(struct http_call *call, struct watch *w, struct fault *why)
{
	const struct admin_web *web = call->arg;
	struct slice value = S(""), word, name;
	uint8_t plain[1024];
	size_t len = 0;
	enum rc rc;
	struct auth_peer peer = auth_peer_of(web->auth, call->conn, S("http"));
	if (w->asked) {
		rc = auth_step(&w->auth, S(""), NULL, why);
	} else {
		if (http1_field(call->head, S("Authorization"), &value) != RC_OK)
			return fault_set(why, FAULT_AUTH_FAILED, "log in as an administrator");
		word = slice_split(&value, ' ');
		if (!slice_eq_nocase(word, S("Basic")) ||
			crypto_unbase64(slice_trim(value), sizeof(plain), plain, &len) != RC_OK)
			return fault_set(why, FAULT_AUTH_FAILED, "log in as an administrator");
		value = slice_of(plain, len);
		name = slice_split(&value, ':');
		w->asked = true;
		rc = auth_plain(&w->auth, &peer, name, value, why);
		mem_wipe(plain, sizeof(plain));
	}
	if (rc == RC_OK && w->auth.role != DIR_ADMIN)
		return fault_set(why, FAULT_FORBIDDEN, "only administrators may see this");
	return rc;
}

/* A metric, or all of a family. False: there is none of that name; what does not fit any more was named twice. */
static bool add_named(struct watch *w, struct slice name)
{
	bool found = false;
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		enum metric_id id = (enum metric_id)i;
		if (!slice_eq(name, metric_family(id)) &&
			!slice_eq(name, slice_str(metric_name(id))))
			continue;
		found = true;
		if (w->n < METRIC_COUNT)
			w->figures[w->n++].id = id;
	}
	return found;
}

static enum rc names(struct http_call *call, struct watch *w, struct fault *why)
{
	struct slice list;
	bool all = http_param(call, S("metrics"), &list) != RC_OK || list.len == 0;
	w->n = 0;
	w->sessions = w->memory = all;
	for (; all && w->n < METRIC_COUNT; w->n++)
		w->figures[w->n].id = (enum metric_id)w->n;
	while (!all && list.len) {
		struct slice one = slice_trim(slice_split(&list, ','));
		if (slice_eq(one, slice_str(sessions_name)))
			w->sessions = true;
		else if (slice_eq(one, slice_str(memory_name)))
			w->memory = true;
		else if (!add_named(w, one))
			return fault_set(why, FAULT_NOT_FOUND, "there is no metric %.*s",
				FMT(slice_head(one, 100)));
	}
	return RC_OK;
}

static enum rc telemetry(struct http_call *call, struct fault *why)
{
	struct slice text;
	uint64_t every = LIVE_FIRST_S;
	if (!call->work)
		call->work = arena_new(call->arena, sizeof(struct watch));
	struct watch *w = call->work;
	TRY(administrator(call, w, why));
	TRY(names(call, w, why));
	if (http_param(call, S("interval"), &text) == RC_OK &&
		(slice_u64(text, LIVE_MOST_S, &every) != RC_OK || every == 0))
		return fault_set(why, FAULT_SYNTAX, "interval: 1 to %d seconds", LIVE_MOST_S);
	http_stream(call, every * 1000, tick);
	return RC_OK;
}

static void telemetry_drop(struct http_call *call)
{
	struct watch *w = call->work;
	if (w)
		auth_cancel(&w->auth);
}

static const struct http_route routes[] = {
	{ "GET", "/healthz/live", live, NULL },
	{ "GET", "/health", live, NULL },
	{ "GET", "/healthz/ready", ready, NULL },
	{ "GET", "/api/telemetry/metrics/live", telemetry, telemetry_drop },
};

static const struct http_route metrics_routes[] = {
	{ "GET", "/metrics", metrics, NULL },
	{ "GET", "/healthz/live", live, NULL },
	{ "GET", "/health", live, NULL },
	{ "GET", "/healthz/ready", ready, NULL },
};

const struct http_route *admin_web_routes(size_t *n)
{
	*n = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

const struct http_route *admin_web_metrics(size_t *n)
{
	*n = sizeof(metrics_routes) / sizeof(metrics_routes[0]);
	return metrics_routes;
}
