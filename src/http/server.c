/* server.c: The steps of an HTTP/1.1 connection. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "http/http_int.h"

static const struct step_row steps[] = { { http_step_head, "head" }, { http_step_body, "body" },
	{ http_step_call, "call" }, { http_step_stream, "stream" } };

enum {
	IDLE_MS = 60000,
	BODY_MAX = 1 << 20,
	READ_MAX = 65536,
	REQUEST_MAX = 1 << 20,
	GET_BODY_MAX = 65536
};

/* Gives everything of a request back. */
static void forget(struct http_session *s)
{
	if (s->route && s->route->drop)
		s->route->drop(&s->call);
	s->route = NULL;
	s->tick = NULL;
	s->seen = 0;
	s->left = 0;
	s->call = (struct http_call){ 0 };
	s->head = (struct http1_head){ 0 };
	s->chunked = (struct http1_chunked){ 0 };
	buf_done(&s->body);
	arena_done(&s->arena);
	if (s->in.len == 0)
		buf_done(&s->in);
}

static void drop(struct task *t)
{
	struct conn *c = conn_of(t);
	struct http_session *s = c->session;
	if (!s)
		return;
	forget(s);
	buf_done(&s->in);
	mem_free(MEM_SESSION, s);
	c->session = NULL;
}

static const struct task_kind kind = { "http", steps, sizeof(steps) / sizeof(steps[0]), drop };

static enum rc open_session(void *arg, struct conn *c)
{
	struct http_session *s = mem_new(MEM_SESSION, sizeof(*s));
	s->http = arg;
	s->conn = c;
	s->keep = true;
	buf_init(&s->in, HTTP1_HEAD_MAX + READ_MAX * 2, NULL);
	buf_init(&s->body, s->http->deps.body_max, NULL);
	arena_init(&s->arena, HTTP1_HEAD_MAX * 4 + REQUEST_MAX);
	c->session = s;
	c->task.step = http_step_head;
	conn_idle(c, s->http->deps.idle_ms);
	return RC_OK;
}

struct http *http_new(const struct http_deps *deps)
{
	struct http *http = mem_new(MEM_OTHER, sizeof(*http));
	http->deps = *deps;
	http->deps.idle_ms = deps->idle_ms ? deps->idle_ms : IDLE_MS;
	http->deps.body_max = deps->body_max ? deps->body_max : BODY_MAX;
	http->door = (struct door){ .name = deps->name,
		.kind = &kind,
		.open = open_session,
		.arg = http,
		.alpn = "\x08http/1.1",
		.busy_text = "HTTP/1.1 503 Service Unavailable\r\nConnection: "
			     "close\r\nRetry-After: 5\r\n"
			     "Content-Length: 0\r\n\r\n" };
	return http;
}

void http_free(struct http **http)
{
	mem_free(MEM_OTHER, *http);
	*http = NULL;
}

const struct door *http_door(struct http *http)
{
	return &http->door;
}

enum rc http_fill(struct http_session *s)
{
	struct slice bytes;
	TRY(conn_bytes(s->conn, READ_MAX, &bytes));
	buf_add(&s->in, bytes);
	return s->in.over ? RC_NONE : RC_OK;
}

/* --- one request --- */

static void prepare(struct http_session *s)
{
	s->call = (struct http_call){ .conn = s->conn,
		.head = &s->head,
		.arena = &s->arena,
		.arg = s->http->deps.arg,
		.session = s };
	s->call.req.method = s->head.method;
}

/* An answer to what is no request: then the framing is not to be trusted, and the connection ends. */
static enum step refuse(struct http_session *s, unsigned status, enum fault_id id, const char *text)
{
	struct buf b;
	prepare(s);
	s->keep = false;
	buf_init(&b, 0, &s->arena);
	if (id != FAULT_NONE) /* a time-out is counted already */
		metric_fault(id);
	buf_fmt(&b, "{\"error\":\"%s\"}\n", text);
	http_answer(&s->call, status, "application/json", buf_slice(&b));
	return STEP_CLOSE;
}

static enum step no_memory(struct http_session *s)
{
	return refuse(s, 503, FAULT_MEMORY, "no memory for this now");
}

static enum step refuse_head(struct http_session *s, enum rc rc)
{
	if (rc == RC_LIMIT)
		return refuse(s, 431, FAULT_LINE_TOO_LONG, "the head is too long");
	if (rc == RC_TEMP)
		return no_memory(s);
	if (rc == RC_DENIED)
		return refuse(s, 505, FAULT_SYNTAX, "this HTTP version is not spoken here");
	return refuse(s, 400, FAULT_SYNTAX, "this is no HTTP/1.1 request");
}

/* The head's slices point into `in`: kept in the request's arena, because `in` moves. */
static enum rc read_head(struct http_session *s)
{
	struct slice in = buf_slice(&s->in), copy;
	struct http1_head probe;
	size_t before = in.len;
	TRY(http1_request_parse(&in, HTTP1_HEAD_MAX, &s->seen, &s->arena, &probe));
	size_t used = before - in.len;
	if (arena_copy(&s->arena, slice_head(buf_slice(&s->in), used), &copy) != RC_OK)
		return RC_TEMP;
	TRY(http1_request_parse(&copy, HTTP1_HEAD_MAX, NULL, &s->arena, &s->head));
	buf_drop(&s->in, used);
	s->keep = s->head.keep;
	return RC_OK;
}

/* Target into path and query (RFC 9112 3.2): origin form, absolute form, "*". */
static enum rc split_target(struct http_session *s)
{
	struct slice target = s->head.target;
	if (slice_starts_nocase(target, S("http://")) ||
		slice_starts_nocase(target, S("https://"))) {
		target = slice_tail(target, slice_find(target, ':') + 3);
		target = slice_tail(target, slice_find(target, '/'));
		if (target.len == 0)
			target = S("/");
	}
	if (target.at[0] != '/' && !slice_eq(target, S("*")))
		return RC_BAD;
	s->call.req.query = target;
	struct slice path = slice_split(&s->call.req.query, '?');
	return http1_unescape(path, false, &s->arena, &s->call.req.path);
}

/* A body is read only for a route that there is: nobody fills our memory on the way to a 404. */
static bool body_wanted(struct http_session *s)
{
	struct buf allow;
	if (s->head.framing == HTTP1_NO_BODY)
		return true;
	buf_init(&allow, 256, &s->arena);
	return http_find(s, &allow) == RC_OK;
}

/* The head is whole: the body is wanted, refused, or none. */
static enum step behind_head(struct http_session *s)
{
	struct task *t = &s->conn->task;
	prepare(s);
	enum rc rc = split_target(s);
	if (rc == RC_LIMIT)
		return no_memory(s);
	if (rc != RC_OK)
		return refuse(s, 400, FAULT_SYNTAX, "this is no target");
	if (!body_wanted(s)) {
		s->keep = false;
		t->step = http_step_call;
		return STEP_MORE;
	}
	s->body.limit =
		slice_eq(s->head.method, S("GET")) ? GET_BODY_MAX : (size_t)s->http->deps.body_max;
	if (s->head.framing == HTTP1_LENGTH && s->head.length > s->body.limit)
		return refuse(s, 413, FAULT_MESSAGE_TOO_BIG, "the body is too large");
	s->left = s->head.framing == HTTP1_LENGTH ? s->head.length : 0;
	if (s->head.expects_continue && s->head.framing != HTTP1_NO_BODY && s->in.len == 0)
		buf_str(conn_out(s->conn), "HTTP/1.1 100 Continue\r\n\r\n");
	t->step = s->head.framing == HTTP1_NO_BODY ? http_step_call : http_step_body;
	return STEP_MORE;
}

/* No request comes any more: the connection ends. */
static enum step late(struct http_session *s)
{
	if (s->in.len && conn_reads(s->conn))
		return refuse(s, 408, FAULT_NONE, "the request did not come in time");
	return STEP_CLOSE;
}

enum step http_step_head(struct task *t)
{
	struct http_session *s = conn_of(t)->session;
	if (conn_out_full(s->conn) && !conn_timed_out(s->conn))
		return STEP_PARK;
	if (conn_timed_out(s->conn) || (conn_draining(s->conn) && s->in.len == 0))
		return late(s);
	enum rc rc = s->in.len ? read_head(s) : RC_MORE;
	while (rc == RC_MORE) {
		enum rc got = http_fill(s);
		if (got == RC_MORE && s->in.len == 0)
			buf_done(&s->in); /* [http 1] */
		if (got != RC_OK)
			return got == RC_MORE ? STEP_PARK
			       : s->in.over   ? refuse_head(s, s->in.full ? RC_LIMIT : RC_TEMP)
					      : STEP_CLOSE;
		rc = read_head(s);
	}
	return rc == RC_OK ? behind_head(s) : refuse_head(s, rc);
}

/* RC_OK: the body is whole. */
static enum rc take_body(struct http_session *s)
{
	struct slice in = buf_slice(&s->in), data;
	size_t before = in.len;
	enum rc rc = RC_OK;
	if (s->head.framing == HTTP1_LENGTH) {
		data = slice_head(in, s->left < in.len ? (size_t)s->left : in.len);
		buf_add(&s->body, data);
		s->left -= data.len;
		buf_drop(&s->in, data.len);
		return s->body.over ? RC_LIMIT : s->left ? RC_MORE : RC_OK;
	}
	while (rc == RC_OK) {
		rc = http1_chunked_next(&s->chunked, &in, &data);
		if (rc == RC_OK)
			buf_add(&s->body, data);
		if (s->body.over)
			return RC_LIMIT;
	}
	buf_drop(&s->in, before - in.len);
	return rc == RC_NONE ? RC_OK : rc;
}

enum step http_step_body(struct task *t)
{
	struct http_session *s = conn_of(t)->session;
	if (conn_timed_out(s->conn))
		return refuse(s, 408, FAULT_NONE, "the body did not come in time");
	enum rc rc = take_body(s);
	while (rc == RC_MORE) {
		enum rc got = http_fill(s);
		if (got != RC_OK)
			return got == RC_MORE ? STEP_PARK : STEP_CLOSE;
		rc = take_body(s);
	}
	if (rc == RC_LIMIT && !s->body.full)
		return no_memory(s);
	if (rc == RC_LIMIT)
		return refuse(s, 413, FAULT_MESSAGE_TOO_BIG, "the body is too large");
	if (rc != RC_OK)
		return refuse(s, 400, FAULT_SYNTAX, "the body's chunks are broken");
	s->call.body = buf_slice(&s->body);
	t->step = http_step_call;
	return STEP_MORE;
}

static enum rc call_route(struct http_session *s, struct fault *why)
{
	struct buf allow;
	if (s->route)
		return s->route->fn(&s->call, why);
	buf_init(&allow, 256, &s->arena);
	enum rc rc = http_find(s, &allow);
	if (rc == RC_OK)
		return s->route->fn(&s->call, why);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NOT_FOUND, "nothing is at this path");
	http_answer_with(&s->call, 405, "",
		arena_fmt(&s->arena, "Allow: %.*s\r\n", FMT(buf_slice(&allow))), S(""));
	return RC_OK;
}

static enum step finish(struct http_session *s)
{
	bool keep = s->keep;
	forget(s);
	s->conn->task.step = http_step_head;
	conn_idle(s->conn, s->http->deps.idle_ms);
	return keep ? STEP_MORE : STEP_CLOSE;
}

enum step http_step_call(struct task *t)
{
	struct http_session *s = conn_of(t)->session;
	struct fault why = { 0 };
	enum rc rc = call_route(s, &why);
	if (rc == RC_WAIT)
		return STEP_PARK;
	if (rc != RC_OK && !s->call.answered)
		http_refuse(&s->call, &why);
	must(s->call.answered); /* [http 2] */
	event_log(EVENT_HTTP_REQUEST, f_slice("peer", conn_peer(s->conn)),
		f_slice("method", s->head.method), f_slice("path", s->call.req.path));
	if (s->tick && slice_eq(s->head.method, S("HEAD")))
		s->keep = false;
	else if (s->tick) {
		t->step = http_step_stream;
		return STEP_MORE;
	}
	return finish(s);
}

enum step http_step_stream(struct task *t)
{
	struct http_session *s = conn_of(t)->session;
	struct slice ignored;
	uint64_t now = run_now_ms(t->run);
	if (conn_reads(s->conn)) /* who keeps up may listen for ever */
		conn_idle(s->conn, s->http->deps.idle_ms + s->every_ms);
	else if (conn_timed_out(s->conn))
		return STEP_CLOSE;
	enum rc rc = conn_bytes(s->conn, READ_MAX, &ignored);
	if (rc == RC_OK) /* a client of a stream has nothing to say until it ends */
		return STEP_MORE;
	if (rc != RC_MORE)
		return STEP_CLOSE;
	bool more = !conn_draining(s->conn);
	if (more && now >= s->next_ms && !conn_out_full(s->conn)) {
		more = s->tick(&s->call);
		s->next_ms = now + s->every_ms;
	}
	if (more) {
		task_timer(t, s->next_ms);
		return STEP_PARK;
	}
	buf_str(conn_out(s->conn), s->head.minor ? "0\r\n\r\n" : "");
	return finish(s);
}
