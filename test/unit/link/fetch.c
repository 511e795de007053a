/* fetch.c: Requests to a server of one thread: bodies both ways, limits, deadlines, and a server that is not there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/fetch.h"
#include "groups.h"
#include "run/run.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { BODY = 300000 };

/* Answers requests of one connection after the other as long as it lives. */
struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	const char *answer;
	_Atomic bool is_silent;
	_Atomic unsigned connections;
	_Atomic size_t got; /* octets of the last body */
};

static size_t length_of(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");
	return at ? strtoul(at + 17, NULL, 10) : 0;
}

static bool serve_one(struct server *s, int fd)
{
	static char in[65536];
	size_t n = 0;
	char *end = NULL;
	while (!end) {
		ssize_t got = read(fd, in + n, sizeof(in) - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		in[n] = 0;
		end = strstr(in, "\r\n\r\n");
	}
	size_t body = n - (size_t)(end + 4 - in), want = length_of(in);
	while (body < want) {
		ssize_t got = read(fd, in, sizeof(in));
		if (got <= 0)
			return false;
		body += (size_t)got;
	}
	s->got = body;
	return s->is_silent || write(fd, s->answer, strlen(s->answer)) > 0;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;
	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		s->connections++;
		while (serve_one(s, fd))
			;
		close(fd);
	}
	return NULL;
}

static void begin(struct server *s, const char *answer)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	*s = (struct server){ .answer = answer };
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

struct client {
	struct fetch *fetch;
	struct buf head, out;
	char url[64];
};

static void open_client(struct client *c, unsigned port, size_t limit)
{
	struct fetch_conf conf = { .name = "test", .most = 2 };
	c->fetch = fetch_new(&conf);
	buf_init(&c->head, 4096, NULL);
	buf_init(&c->out, limit, NULL);
	(void)snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u/a", port);
}

static void close_client(struct client *c)
{
	fetch_free(&c->fetch);
	buf_done(&c->head);
	buf_done(&c->out);
}

static enum rc call(struct client *c, const char *method, const struct fetch_body *body,
	uint64_t ms, unsigned *status)
{
	static const char *const fields[] = { "X-One: 1", "Expect:", NULL };
	struct fault why;
	struct fetch_call f = { .method = method,
		.url = c->url,
		.fields = fields,
		.body = body,
		.deadline_ms = run_now_ms(NULL) + ms,
		.head = &c->head,
		.out = &c->out };
	buf_reset(&c->head);
	buf_reset(&c->out);
	enum rc rc = fetch_do(c->fetch, &f, &why);
	*status = f.status;
	return rc;
}

static void both_ways(void **state)
{
	static uint8_t bytes[BODY];
	struct server s;
	struct client c;
	struct slice field;
	unsigned status;
	char path[] = "/tmp/veredus-fetch-XXXXXX";
	(void)state;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, bytes, BODY), BODY);
	begin(&s, "HTTP/1.1 201 Made\r\nETag:  \"x\" \r\nContent-Length: 5\r\n\r\nhello");
	open_client(&c, s.port, 100);
	struct fetch_body memory = { .at = bytes, .fd = -1, .len = BODY },
			  file = { .fd = fd, .len = BODY - 1 };
	assert_int_equal(call(&c, "PUT", &memory, 5000, &status), RC_OK);
	assert_true(status == 201 && s.got == BODY);
	assert_true(slice_eq(buf_slice(&c.out), S("hello")));
	assert_true(fetch_field(buf_slice(&c.head), "etag", &field) && slice_eq(field, S("\"x\"")));
	assert_false(fetch_field(buf_slice(&c.head), "tag", &field));
	assert_int_equal(call(&c, "PUT", &file, 5000, &status), RC_OK);
	assert_int_equal(s.got, BODY - 1);
	assert_int_equal(call(&c, "GET", NULL, 5000, &status), RC_OK);
	assert_int_equal(s.connections, 1); /* kept */
	close_client(&c);
	end(&s);
	close(fd);
	unlink(path);
}

static void limits(void **state)
{
	struct server s;
	struct client c;
	unsigned status;
	(void)state;
	begin(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	open_client(&c, s.port, 4);
	for (int i = 0; i < 5; i++) /* our own limit says nothing about the server */
		assert_int_equal(call(&c, "GET", NULL, 5000, &status), RC_LIMIT);
	close_client(&c);
	s.is_silent = true;
	open_client(&c, s.port, 100);
	uint64_t from = run_now_ms(NULL);
	assert_int_equal(call(&c, "GET", NULL, 200, &status), RC_TEMP);
	assert_int_equal(call(&c, "GET", NULL, 0, &status), RC_TEMP);
	assert_in_range(run_now_ms(NULL) - from, 150, 2000);
	close_client(&c);
	end(&s);
}

/* Nobody waits for one that was silent several times. */
static void nobody_is_there(void **state)
{
	struct server s;
	struct client c;
	unsigned status;
	(void)state;
	begin(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	s.is_silent = true;
	open_client(&c, s.port, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(call(&c, "GET", NULL, 100, &status), RC_TEMP);
	uint64_t from = run_now_ms(NULL);
	assert_int_equal(call(&c, "GET", NULL, 5000, &status), RC_TEMP);
	assert_true(run_now_ms(NULL) - from < 100);
	s.is_silent = false;
	enum rc rc = RC_TEMP;
	for (int i = 0; rc != RC_OK && i < 100; i++) {
		run_pause(50);
		rc = call(&c, "GET", NULL, 5000, &status);
	}
	assert_int_equal(rc, RC_OK);
	close_client(&c);
	end(&s);
}

int test_fetch(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways), cmocka_unit_test(limits),
		cmocka_unit_test(nobody_is_there) };
	return cmocka_run_group_tests_name("HTTP requests", tests, NULL, NULL);
}
