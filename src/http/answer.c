/* answer.c: Answers, event streams, routes and query parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "base/must.h"
#include "base/time.h"
#include "http/http_int.h"

void http_begin(struct http_session *s, unsigned status)
{
	struct buf *out = conn_out(s->conn);
	http1_status_write(status, out);
	buf_str(out, "Date: ");
	struct time_parts t;
	static const char days[] = "SunMonTueWedThuFriSat",
			  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_split(run_unix(s->conn->task.run), &t);
	buf_fmt(out, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + t.weekday * 3, t.day,
		months + (t.month - 1) * 3, t.year, t.hour, t.minute, t.second);
	s->keep = s->keep && !conn_draining(s->conn);
	if (!s->keep)
		buf_str(out, "Connection: close\r\n");
	else if (s->head.minor == 0)
		buf_str(out, "Connection: keep-alive\r\n");
}

void http_answer_with(struct http_call *call, unsigned status, const char *type,
	struct slice fields, struct slice body)
{
	struct http_session *s = call->session;
	struct buf *out = conn_out(s->conn);
	must(!call->answered); /* [http 2] */
	call->answered = true;
	http_begin(s, status);
	if (type[0])
		buf_fmt(out, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", type);
	buf_add(out, fields);
	if (status != 204 && status != 304)
		buf_fmt(out, "Content-Length: %zu\r\n", body.len);
	buf_str(out, "\r\n");
	if (!slice_eq(s->head.method, S("HEAD")) && status != 204 && status != 304)
		buf_add(out, body);
}

void http_answer(struct http_call *call, unsigned status, const char *type, struct slice body)
{
	http_answer_with(call, status, type, S("Cache-Control: no-store\r\n"), body);
}

void http_refuse(struct http_call *call, const struct fault *why)
{
	const struct fault reasonless = { .id = FAULT_INTERNAL };
	struct buf b;
	why = why->id == FAULT_NONE ? &reasonless : why;
	metric_fault(why->id);
	buf_init(&b, 0, call->arena);
	buf_str(&b, "{\"error\":\"");
	for (struct slice s = slice_str(fault_text(why)); s.len; s = slice_tail(s, 1)) {
		uint8_t c = s.at[0];
		if (c == '"' || c == '\\' || c < 0x20)
			buf_fmt(&b, "\\u%04x", c);
		else
			buf_byte(&b, c < 0x80 ? c : '?');
	}
	buf_str(&b, "\"}\n");
	unsigned status = fault_row(why->id)->http;
	bool login = status == 401;
	http_answer_with(call, status, "application/json",
		login ? S("WWW-Authenticate: Basic realm=\"veredus\", charset=\"UTF-8\"\r\n")
		      : S(""),
		buf_slice(&b));
}

void http_stream(struct http_call *call, uint64_t every_ms, http_tick_fn *tick)
{
	struct http_session *s = call->session;
	must(!call->answered); /* [http 2] */
	call->answered = true;
	s->tick = tick;
	s->every_ms = every_ms;
	s->next_ms = 0;
	/* HTTP/1.0 knows no chunks: the stream ends with the connection */
	if (s->head.minor == 0)
		s->keep = false;
	http_begin(s, 200);
	buf_str(conn_out(s->conn),
		"Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
	buf_str(conn_out(s->conn), s->head.minor ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

void http_event(struct http_call *call, const char *name, struct slice data)
{
	struct http_session *s = call->session;
	struct buf *out = conn_out(s->conn);
	size_t len = strlen("event: \ndata: \n\n") + strlen(name) + data.len;
	must(slice_find(data, '\n') == data.len);
	if (s->head.minor)
		buf_fmt(out, "%zx\r\n", len);
	buf_fmt(out, "event: %s\ndata: ", name);
	buf_add(out, data);
	buf_str(out, s->head.minor ? "\n\n\r\n" : "\n\n");
}

static bool path_fits(const char *pattern, struct slice path)
{
	struct slice p = slice_str(pattern);
	if (p.len && p.at[p.len - 1] == '*')
		return slice_starts(path, slice_head(p, p.len - 1));
	return slice_eq(p, path);
}

enum rc http_find(struct http_session *s, struct buf *allow)
{
	const struct http_deps *d = &s->http->deps;
	struct slice method = slice_eq(s->head.method, S("HEAD")) ? S("GET") : s->head.method;
	for (size_t i = 0; i < d->routes_n; i++) {
		const struct http_route *r = &d->routes[i];
		if (!path_fits(r->path, s->call.req.path))
			continue;
		if (slice_eq(slice_str(r->method), method)) {
			s->route = r;
			return RC_OK;
		}
		buf_fmt(allow, "%s%s", allow->len ? ", " : "", r->method);
	}
	return allow->len ? RC_BAD : RC_NONE;
}

enum rc http_param(const struct http_call *call, struct slice name, struct slice *value)
{
	struct slice rest = call->req.query;
	while (rest.len) {
		struct slice v = slice_split(&rest, '&');
		struct slice n = slice_split(&v, '=');
		TRY(http1_unescape(n, true, call->arena, &n));
		if (slice_eq(n, name))
			return http1_unescape(v, true, call->arena, value);
	}
	return RC_NONE;
}
