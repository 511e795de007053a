/* io.c: The driver's sockets: one epoll, lines and literals in, bytes out, TLS. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static int poller = -1, listener = -1;
static void (*on_accept)(int fd);
static SSL_CTX *tls;

static void want(struct session *s, uint32_t events)
{
	if (s->events == events)
		return;
	struct epoll_event e = { .events = events, .data.ptr = s };
	if (epoll_ctl(poller, s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &e))
		die("epoll_ctl: %s", strerror(errno));
	s->events = events;
}

void io_init(void)
{
	struct rlimit r;
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller < 0)
		die("epoll: %s", strerror(errno));
	if (opt.tls) {
		tls = SSL_CTX_new(TLS_client_method());
		if (!tls)
			die("no TLS");
		SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
}

static void room(struct bytes *b, size_t more)
{
	if (b->off && b->off == b->len)
		b->off = b->len = 0;
	if (b->len + more <= b->cap)
		return;
	if (b->off) {
		memmove(b->at, b->at + b->off, b->len - b->off);
		b->len -= b->off;
		b->off = 0;
	}
	if (b->len + more > b->cap) {
		b->cap = (b->len + more) * 2;
		b->at = realloc(b->at, b->cap);
		if (!b->at)
			die("no memory");
	}
}

void io_adopt(struct session *s, int fd)
{
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	s->fd = fd;
	s->events = 0;
	s->skip = 0;
	s->in.len = s->in.off = s->out.len = s->out.off = 0;
	want(s, EPOLLIN);
}

void io_connect(struct session *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port) };
	if (inet_pton(AF_INET, opt.host, &a.sin_addr) != 1)
		die("%s is no address", opt.host);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&a, sizeof a) && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	io_adopt(s, fd);
	s->connecting = true;
	if (opt.tls) {
		s->ssl = SSL_new(tls);
		if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1)
			die("no TLS session");
		SSL_set_connect_state(s->ssl);
		s->handshake = true;
	}
	want(s, EPOLLIN | EPOLLOUT);
}

void io_close(struct session *s)
{
	if (s->fd < 0)
		return;
	SSL_free(s->ssl);
	s->ssl = NULL;
	close(s->fd);
	s->fd = -1;
	s->events = 0;
}

void io_add(struct session *s, const void *bytes, size_t len)
{
	room(&s->out, len);
	memcpy(s->out.at + s->out.len, bytes, len);
	s->out.len += len;
}

void io_printf(struct session *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		die("a command is too long");
	io_add(s, text, (size_t)n);
}

/* Bytes moved; 0: not now; -1: closed. */
static ssize_t move(struct session *s, void *at, size_t len, bool out)
{
	ssize_t n;
	if (!s->ssl) {
		n = out ? send(s->fd, at, len, MSG_NOSIGNAL) : recv(s->fd, at, len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		return n > 0 ? n : -1;
	}
	n = out ? SSL_write(s->ssl, at, (int)len) : SSL_read(s->ssl, at, (int)len);
	if (n > 0)
		return n;
	int why = SSL_get_error(s->ssl, (int)n);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

void io_flush(struct session *s)
{
	struct bytes *b = &s->out;
	while (s->fd >= 0 && !s->handshake && !s->connecting && b->off < b->len) {
		ssize_t n = move(s, b->at + b->off, b->len - b->off, true);
		if (n < 0)
			break; /* the reader will see it */
		if (n == 0) {
			want(s, EPOLLIN | EPOLLOUT);
			return;
		}
		b->off += (size_t)n;
	}
	if (s->fd >= 0 && !s->handshake && !s->connecting)
		want(s, EPOLLIN);
}

/* {n} at the end of a line: n, else 0. */
static size_t literal(const char *line, size_t len)
{
	size_t n = 0, unit = 1, i = len;
	if (len < 3 || line[len - 1] != '}')
		return 0;
	for (i = len - 1; i > 0 && line[i - 1] >= '0' && line[i - 1] <= '9'; i--, unit *= 10)
		n += unit * (size_t)(line[i - 1] - '0');
	return i > 0 && line[i - 1] == '{' ? n : 0;
}

static void lines(struct session *s)
{
	struct bytes *b = &s->in;
	while (s->fd >= 0) {
		size_t have = b->len - b->off, pass = s->skip < have ? s->skip : have;
		b->off += pass;
		s->skip -= pass;
		if (s->skip || b->off == b->len)
			return;
		char *at = b->at + b->off, *end = memchr(at, '\n', b->len - b->off);
		if (!end)
			return;
		size_t len = (size_t)(end - at);
		b->off += len + 1;
		if (len && at[len - 1] == '\r')
			len--;
		at[len] = 0;
		if (s->work->literals)
			s->skip = literal(at, len);
		s->work->line(s, at, len);
	}
}

static void handshake(struct session *s)
{
	int n = SSL_do_handshake(s->ssl);
	if (n == 1) {
		s->handshake = false;
		s->work->begin(s);
		io_flush(s);
		return;
	}
	int why = SSL_get_error(s->ssl, n);
	if (why == SSL_ERROR_WANT_READ)
		want(s, EPOLLIN);
	else if (why == SSL_ERROR_WANT_WRITE)
		want(s, EPOLLIN | EPOLLOUT);
	else
		die("TLS handshake failed");
}

static void event(struct session *s, uint32_t events)
{
	if (s->connecting && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		int error = 0;
		socklen_t len = sizeof error;
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error)
			die("connect to port %u: %s", opt.port, strerror(error));
		s->connecting = false;
		if (!s->ssl) {
			s->work->begin(s);
			io_flush(s);
		}
	}
	if (s->handshake) {
		handshake(s);
		if (s->handshake)
			return;
	}
	if (events & EPOLLOUT)
		io_flush(s);
	while (s->fd >= 0) {
		room(&s->in, 65536);
		size_t space = s->in.cap - s->in.len - 1;
		ssize_t n = move(s, s->in.at + s->in.len, space, false);
		if (n == 0)
			break;
		if (n < 0) {
			s->work->closed(s);
			return;
		}
		s->in.len += (size_t)n;
		lines(s);
		if (!s->ssl && (size_t)n < space)
			break;
	}
	if (s->fd >= 0)
		io_flush(s);
}

void io_listen(unsigned port, void (*accepted)(int fd))
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 512))
		die("sink on port %u: %s", port, strerror(errno));
	on_accept = accepted;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
}

void io_turn(int ms)
{
	struct epoll_event e[64];
	int n = epoll_wait(poller, e, 64, ms);
	for (int i = 0; i < n; i++) {
		struct session *s = e[i].data.ptr;
		if (s) {
			if (s->fd >= 0)
				event(s, e[i].events);
			continue;
		}
		for (int fd;
			(fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
			on_accept(fd);
	}
}
