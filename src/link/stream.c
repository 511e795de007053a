/* stream.c: Sockets that never block longer than a deadline. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/stream.h"
#include "base/mem.h"
#include "run/run.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 4096, ADDRESS_MS = 3000 };

struct stream {
	int fd;
	struct tls_conn *tls;
	bool is_late;
	char name[280]; /* "host:port", for faults */
};

static enum rc fault(struct stream *s, const char *what, struct fault *why)
{
	return fault_set(
		why, FAULT_STORE, "%s: %s", s->name, s->is_late ? "no answer in time" : what);
}

/* RC_OK: ready, or broken, which the next call will say. */
static enum rc await(struct stream *s, short events, uint64_t deadline_ms, struct fault *why)
{
	struct pollfd p = { .fd = s->fd, .events = events };
	while (true) {
		uint64_t now = run_now_ms(NULL);
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
		int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return RC_OK;
		if (n < 0 && errno == EINTR)
			continue;
		s->is_late = true;
		return fault(s, "", why);
	}
}

static enum rc reach(
	struct stream *s, const struct addrinfo *to, uint64_t deadline_ms, struct fault *why)
{
	int error = 0, one = 1;
	socklen_t len = sizeof(error);
	s->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return fault(s, strerror(errno), why);
	if (connect(s->fd, to->ai_addr, to->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			return fault(s, strerror(errno), why);
		TRY(await(s, POLLOUT, deadline_ms, why));
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error)
			return fault(s, strerror(error ? error : errno), why);
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return RC_OK;
}

static enum rc reach_any(
	struct stream *s, const struct stream_target *t, uint64_t deadline_ms, struct fault *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *all;
	char port[16];
	enum rc rc = RC_TEMP;
	snprintf(port, sizeof(port), "%u", t->port);
	int e = getaddrinfo(t->host, port, &hints, &all);
	if (e)
		return fault(s, gai_strerror(e), why);
	for (const struct addrinfo *to = all; to && rc != RC_OK; to = to->ai_next) {
		uint64_t until = run_now_ms(NULL) + ADDRESS_MS;
		s->is_late = false;
		rc = reach(s, to, to->ai_next && until < deadline_ms ? until : deadline_ms, why);
		if (rc != RC_OK && s->fd >= 0) {
			close(s->fd);
			s->fd = -1;
		}
	}
	freeaddrinfo(all);
	return rc;
}

/* Waits for what TLS wants. */
static enum rc await_tls(struct stream *s, enum rc want, uint64_t deadline_ms, struct fault *why)
{
	if (want == RC_MORE || want == RC_WAIT)
		return await(s, want == RC_MORE ? POLLIN : POLLOUT, deadline_ms, why);
	return fault(s, want == RC_NONE ? "closed by the server" : "TLS failed", why);
}

static enum rc encrypt(
	struct stream *s, const struct stream_target *t, uint64_t deadline_ms, struct fault *why)
{
	enum rc rc;
	s->tls = tls_connect(t->tls, s->fd, t->host, !t->allow_invalid);
	if (!s->tls)
		return fault(s, "no memory for TLS", why);
	while ((rc = tls_handshake(s->tls)) != RC_OK) {
		if (rc == RC_BAD)
			return fault(
				s, "the TLS handshake failed; is its certificate trusted?", why);
		TRY(await_tls(s, rc, deadline_ms, why));
	}
	return RC_OK;
}

enum rc stream_open(
	const struct stream_target *t, uint64_t deadline_ms, struct stream **out, struct fault *why)
{
	struct stream *s = mem_new(MEM_OTHER, sizeof(*s));
	s->fd = -1;
	snprintf(s->name, sizeof(s->name), strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host,
		t->port);
	enum rc rc = reach_any(s, t, deadline_ms, why);
	if (rc == RC_OK && t->tls)
		rc = encrypt(s, t, deadline_ms, why);
	if (rc != RC_OK)
		stream_close(&s);
	else
		*out = s;
	return rc;
}

void stream_close(struct stream **ref)
{
	struct stream *s = *ref;
	if (!s)
		return;
	tls_conn_free(&s->tls);
	if (s->fd >= 0)
		close(s->fd);
	mem_free(MEM_OTHER, s);
	*ref = NULL;
}

/* As tls_write. */
static enum rc send_some(struct stream *s, struct slice bytes, size_t *n)
{
	if (s->tls)
		return tls_write(s->tls, bytes, n);
	ssize_t sent = send(s->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
	if (sent >= 0) {
		*n = (size_t)sent;
		return RC_OK;
	}
	return errno == EAGAIN || errno == EINTR ? RC_WAIT : RC_BAD;
}

enum rc stream_write(struct stream *s, struct slice bytes, uint64_t deadline_ms, struct fault *why)
{
	s->is_late = false;
	while (bytes.len) {
		size_t n = 0;
		enum rc rc = send_some(s, bytes, &n);
		if (rc == RC_OK)
			bytes = slice_tail(bytes, n);
		else
			TRY(await_tls(s, rc == RC_BAD ? RC_NONE : rc, deadline_ms, why));
	}
	return RC_OK;
}

/* As tls_read. */
static enum rc receive_some(struct stream *s, uint8_t *at, size_t *n)
{
	if (s->tls)
		return tls_read(s->tls, at, READ_BYTES, n);
	ssize_t got = recv(s->fd, at, READ_BYTES, 0);
	if (got > 0) {
		*n = (size_t)got;
		return RC_OK;
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? RC_MORE : RC_NONE;
}

enum rc stream_read(struct stream *s, struct buf *in, uint64_t deadline_ms, struct fault *why)
{
	s->is_late = false;
	while (true) {
		size_t n = 0;
		uint8_t *at = buf_room(in, READ_BYTES);
		if (!at)
			return fault_set(why, FAULT_MEMORY, "%s: the answer is too long", s->name);
		enum rc rc = receive_some(s, at, &n);
		if (rc == RC_OK) {
			buf_added(in, n);
			return RC_OK;
		}
		TRY(await_tls(s, rc, deadline_ms, why));
	}
}

bool stream_is_stale(struct stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	return poll(&p, 1, 0) != 0;
}

bool stream_is_late(const struct stream *s)
{
	return s->is_late;
}
