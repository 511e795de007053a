/* server.c: Requests over loopback: answers, framing, refusals, streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"
#include "groups.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/time.h>
#include <unistd.h>

static enum rc hello(struct http_call *c, struct fault *why)
{
	struct slice who = S("world");
	if (http_param(c, S("who"), &who) == RC_BAD)
		return fault_set(why, FAULT_SYNTAX, "bad escape");
	http_answer(c, 200, "text/plain", arena_fmt(c->arena, "hello %.*s", FMT(who)));
	return RC_OK;
}

static enum rc echo(struct http_call *c, struct fault *why)
{
	(void)why;
	http_answer(c, 200, "text/plain", c->body);
	return RC_OK;
}

static enum rc later(struct http_call *c, struct fault *why)
{
	if (!c->work) {
		c->work = c;
		task_wake(&c->conn->task, WAKE_EVENT);
		return RC_WAIT;
	}
	return fault_set(why, FAULT_FORBIDDEN, "no \"entry\"");
}

static bool tick(struct http_call *c)
{
	uint64_t *n = c->work;
	http_event(c, "n", arena_fmt(c->arena, "%u", (unsigned)*n));
	return ++*n < 3;
}

static enum rc stream(struct http_call *c, struct fault *why)
{
	(void)why;
	c->work = arena_new(c->arena, sizeof(uint64_t));
	http_stream(c, 10, tick);
	return RC_OK;
}

static const struct http_route routes[] = { { "GET", "/hello", hello, NULL },
	{ "POST", "/echo", echo, NULL }, { "PUT", "/echo", echo, NULL },
	{ "GET", "/later", later, NULL }, { "GET", "/stream", stream, NULL },
	{ "GET", "/tree/*", hello, NULL } };

static struct world {
	struct run *run;
	struct net *net;
	struct http *http;
} w;

static int begin(void **state)
{
	(void)state;
	struct fault why;
	w.run = run_new(&(struct run_conf){ .seats = 2 });
	w.net = net_new(&(struct net_conf){ .run = w.run, .limits.connections_max = 100 });
	w.http = http_new(&(struct http_deps){ .routes = routes,
		.routes_n = sizeof(routes) / sizeof(routes[0]),
		.name = "http",
		.body_max = 100000 });
	struct net_listener l = {
		.name = "http", .bind = "127.0.0.1:0", .door = http_door(w.http)
	};
	if (net_listen(w.net, &l, &why) != RC_OK)
		return 1;
	run_start(w.run);
	return 0;
}

static int end(void **state)
{
	(void)state;
	run_drain(w.run);
	net_close_listeners(w.net);
	run_wait_empty(w.run, 2000);
	run_free(&w.run);
	net_free(&w.net);
	http_free(&w.http);
	return 0;
}

/* Sends, and reads until `want` is in what came, or until the end. */
static void talk(struct slice out, const char *want, bool to_end, struct buf *in)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)net_port(w.net, 0)) };
	struct timeval patience = { .tv_sec = 5 };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	while (out.len) {
		ssize_t n = send(fd, out.at, out.len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		out = slice_tail(out, (size_t)n);
	}
	buf_init(in, 0, NULL);
	bool found = false;
	while (to_end || !found) {
		ssize_t n = recv(fd, buf_room(in, 4096), 4096, 0);
		if (n <= 0)
			break;
		buf_added(in, (size_t)n);
		found = slice_search(buf_slice(in), slice_str(want)) < in->len;
	}
	close(fd);
	if (slice_search(buf_slice(in), slice_str(want)) == in->len)
		print_message("wanted %s\ngot %.*s\n", want, FMT(buf_slice(in)));
	assert_true(slice_search(buf_slice(in), slice_str(want)) < in->len);
}

static const struct {
	const char *in, *want;
	bool closes;
} rows[] = {
	{ "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Length: 11\r\n\r\nhello world",
		false },
	{ "GET /hello?a=1&who=a%20b+c HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\nhello a b c", false },
	{ "GET http://x/hell%6f HTTP/1.1\r\nHost: x\r\n\r\n", "hello world", false },
	{ "GET /tree/a/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "Connection: close",
		true },
	{ "GET /hello HTTP/1.0\r\n\r\n", "Connection: close", true },
	{ "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive",
		false },
	{ "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /tree/z HTTP/1.1\r\nHost: x\r\n\r\n",
		"Content-Length: 11\r\n\r\nHTTP/1.1 200 OK", false },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcdeGET /later "
	  "HTTP/1.1\r\nHost: x\r\n\r\n",
		"abcdeHTTP/1.1 403 ", false },
	{ "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", "{\"error\":\"no \\u0022entry\\u0022\"}",
		false },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
		"\r\n\r\nabcde", false },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n", false },
	{ "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n12\r\nevent: n\ndata: 0\n\n\r\n", false },
	{ "GET /stream HTTP/1.0\r\n\r\n",
		"event: n\ndata: 0\n\nevent: n\ndata: 1\n\nevent: n\ndata: 2\n\n", true },
	{ "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", "Allow: POST, PUT\r\n", false },
	{ "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", false },
	{ "GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", true },
	{ "GET /hello HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400 ", true },
	{ "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 400 ", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 400 ", true },
	{ "GET /hello HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", "HTTP/1.1 400 ", true },
	{ "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", "HTTP/1.1 413 ",
		true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 400 ", true },
	{ "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n", "HTTP/1.1 404 ",
		true },
	{ "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 ",
		true },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 ", true },
};

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf in;
		talk(slice_str(rows[i].in), rows[i].want, rows[i].closes, &in);
		buf_done(&in);
	}
}

static void takes_large_and_refuses_larger(void **state)
{
	(void)state;
	struct buf out, in;
	buf_init(&out, 0, NULL);
	buf_str(&out, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		buf_byte(&out, i == 99999 ? '!' : '.');
	talk(buf_slice(&out), ".!", false, &in);
	buf_done(&in);
	buf_reset(&out);
	buf_str(&out, "GET /hello HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 5000; i++)
		buf_str(&out, "X-Padding: 0123456789\r\n");
	talk(buf_slice(&out), "HTTP/1.1 431 ", true, &in);
	buf_done(&in);
	buf_done(&out);
}

int test_server(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers),
		cmocka_unit_test(takes_large_and_refuses_larger) };
	return cmocka_run_group_tests_name("http server", tests, begin, end);
}
