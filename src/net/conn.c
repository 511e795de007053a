/* conn.c: A connection's life around the door's steps: PROXY, TLS, reading, writing, timeouts, the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"
#include "base/chaos.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "net/net_int.h"
#include "wire/proxy.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*  PROXY → (HANDSHAKE) → OPEN → TALK ⇄ HANDSHAKE (STARTTLS);  outgoing: CONNECT → OPEN → TALK */

enum {
	GATHER_MAX = 4096,
	LAST_WORDS_MS = 10000,
	LINGER_MS = 2000,
	READ_REST = 16384,
	READS_IN_A_ROW = 16,
	PROXY_AGAIN_MS = 10
};

struct conn *conn_of(struct task *t)
{
	return (struct conn *)t;
}

static void gone(struct task *t)
{
	conn_drop(conn_of(t));
}

static void drop_nothing(struct task *t)
{
	(void)t;
}

static const struct task_kind nobody = { "connection", NULL, 0, drop_nothing };

void conn_set_peer(struct conn *c, const struct sockaddr_storage *peer)
{
	c->peer = *peer;
	if (peer->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, c->peer_text,
			sizeof(c->peer_text));
	} else if (peer->ss_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)peer)->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(a))
			inet_ntop(AF_INET, a->s6_addr + 12, c->peer_text, sizeof(c->peer_text));
		else
			inet_ntop(AF_INET6, a, c->peer_text, sizeof(c->peer_text));
	}
}

/* The address as IPv6, for comparing. */
static void peer_bits(const struct conn *c, uint8_t at[16])
{
	memset(at, 0, 16);
	if (c->peer.ss_family == AF_INET) {
		at[10] = at[11] = 0xff;
		memcpy(at + 12, &((const struct sockaddr_in *)&c->peer)->sin_addr, 4);
	} else if (c->peer.ss_family == AF_INET6) {
		memcpy(at, &((const struct sockaddr_in6 *)&c->peer)->sin6_addr, 16);
	}
}

static bool in_cidr(const uint8_t at[16], const struct net_cidr *n)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	if (memcmp(at, n->at, whole) != 0)
		return false;
	return rest == 0 || (at[whole] ^ n->at[whole]) >> (8 - rest) == 0;
}

bool conn_is_loopback(const struct conn *c)
{
	static const struct net_cidr v4 = { .at = { [10] = 0xff, [11] = 0xff, [12] = 127 },
		.bits = 104 };
	static const struct net_cidr v6 = { .at = { [15] = 1 }, .bits = 128 };
	uint8_t at[16];
	peer_bits(c, at);
	return in_cidr(at, &v4) || in_cidr(at, &v6);
}

const struct net_listener *conn_listener(const struct conn *c)
{
	return c->terms ? &c->terms->conf : NULL;
}

const char *conn_hostname(const struct conn *c, const char *otherwise)
{
	const struct net_listener *l = conn_listener(c);
	return l && l->hostname && l->hostname[0] ? l->hostname : otherwise;
}

static bool behind_proxy(const struct conn *c)
{
	uint8_t at[16];
	peer_bits(c, at);
	for (size_t i = 0; i < c->terms->conf.trusted_n; i++)
		if (in_cidr(at, &c->terms->conf.trusted[i]))
			return true;
	return false;
}

struct conn *conn_new(struct net *net, int fd, const struct door *door)
{
	struct conn *c = mem_new(MEM_SESSION, sizeof(*c));
	task_init(&c->task, net->conf.run, door->kind ? door->kind : &nobody, NULL);
	c->task.around = conn_around;
	c->task.gone = gone;
	c->task.fd = fd;
	c->net = net;
	c->door = door;
	c->readable = true;
	buf_init(&c->in, 0, NULL);
	buf_init(&c->out, 0, NULL);
	return c;
}

void conn_drop(struct conn *c)
{
	tls_conn_free(&c->tls);
	if (c->task.fd >= 0)
		close(c->task.fd);
	buf_done(&c->in);
	buf_done(&c->out);
	if (c->listener) {
		atomic_fetch_sub(&c->listener->open, 1);
		metric_sub(METRIC_CONNECTIONS_NOW, 1);
		event_log(EVENT_NET_CLOSED, f_str("listener", c->terms->conf.name),
			f_str("peer", c->peer_text));
		net_terms_put(c->terms);
	} else if (c->refused) {
		net_terms_put(c->terms);
	}
	if (c->refused)
		atomic_fetch_sub(&c->net->refusing, 1);
	else
		net_count(c->net, atomic_fetch_sub(&c->net->open, 1) - 1);
	mem_free(MEM_SESSION, c);
}

bool conn_draining(const struct conn *c)
{
	return run_draining(c->task.run);
}

/* --- writing --- */

static enum rc write_some(struct conn *c, struct slice bytes, size_t *n)
{
	bytes = slice_head(bytes, chaos_write(bytes.len));
	if (c->tls)
		return tls_write(c->tls, bytes, n);
	ssize_t w = send(c->task.fd, bytes.at, bytes.len, MSG_NOSIGNAL);
	if (w >= 0) {
		*n = (size_t)w;
		return RC_OK;
	}
	return errno == EAGAIN || errno == EINTR ? RC_WAIT : RC_BAD;
}

/* True: all is out, or the connection is broken. */
static bool flush(struct conn *c)
{
	while (c->out_at < c->out.len && !c->broken) {
		size_t n = 0;
		enum rc rc = write_some(c, slice_tail(buf_slice(&c->out), c->out_at), &n);
		if (rc == RC_OK) {
			c->out_at += n;
			c->sent += n;
			metric_add(METRIC_NET_OUT_BYTES, n);
		} else if (rc == RC_WAIT || rc == RC_MORE) {
			c->wants_out = rc == RC_WAIT;
			c->wants_in |= rc == RC_MORE;
			return false;
		} else {
			c->broken = true;
		}
	}
	buf_done(&c->out);
	c->out_at = 0;
	return true;
}

struct buf *conn_out(struct conn *c)
{
	return &c->out;
}

bool conn_out_full(const struct conn *c)
{
	return !c->broken && c->out.len - c->out_at > CONN_HIGH_WATER;
}

/* --- the life --- */

static enum step park(struct conn *c)
{
	/* Only what the step asked for is watched: input that nobody wants yet must not wake us over and over. */
	c->task.watch = (c->wants_in && (!c->closing || c->lingering) ? (uint32_t)EPOLLIN : 0) |
			(c->wants_out ? (uint32_t)EPOLLOUT : 0);
	c->wants_out = c->wants_in = false;
	if (c->in_at == c->in.len) {
		buf_done(&c->in);
		c->in_at = c->in_scan = 0;
	}
	deadline_wait(c);
	return STEP_PARK;
}

static enum step begin_tls(struct conn *c)
{
	c->tls_wanted = false;
	buf_done(
		&c->in); /* what came in plain counts no more: no command can be slipped under the TLS */
	c->in_at = c->in_scan = 0;
	c->tls = c->tls_client
			 ? tls_connect(c->net->conf.tls, c->task.fd, c->tls_name, c->tls_verify)
			 : tls_accept(c->net->conf.tls, c->task.fd, c->door->alpn);
	if (!c->tls)
		return STEP_CLOSE;
	c->stage = CONN_STAGE_HANDSHAKE;
	c->readable = true;
	return STEP_MORE;
}

static enum step handshake(struct conn *c)
{
	if (c->late)
		return STEP_CLOSE;
	enum rc rc = tls_handshake(c->tls);
	if (rc == RC_OK) {
		metric_add(METRIC_TLS_HANDSHAKES, 1);
		c->stage = c->session ? CONN_STAGE_TALK : CONN_STAGE_OPEN;
		c->readable = true;
		return STEP_MORE;
	}
	if (rc == RC_MORE || rc == RC_WAIT) {
		c->wants_out = rc == RC_WAIT;
		c->wants_in = rc == RC_MORE;
		return park(c);
	}
	event_log(EVENT_NET_TLS_FAILED, f_str("peer", c->peer_text), f_str("door", c->door->name));
	if (!c->tls_client)
		return STEP_CLOSE;
	c->failed = true;
	c->broken = true;
	c->stage = c->session ? CONN_STAGE_TALK : CONN_STAGE_OPEN;
	return STEP_MORE;
}

static void proxied_peer(struct conn *c, const struct proxy_head *head)
{
	struct sockaddr_storage peer = { 0 };
	if (head->family == PROXY_IPV4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&peer;
		in->sin_family = AF_INET;
		in->sin_port = htons(head->src_port);
		memcpy(&in->sin_addr, head->src, 4);
	} else if (head->family == PROXY_IPV6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&peer;
		in->sin6_family = AF_INET6;
		in->sin6_port = htons(head->src_port);
		memcpy(&in->sin6_addr, head->src, 16);
	} else {
		return;
	}
	conn_set_peer(c, &peer);
}

/* Looks without taking: what follows the header may be a ClientHello, which is for the TLS library to read. */
static enum step read_proxy(struct conn *c)
{
	uint8_t bytes[PROXY_MAX];
	struct proxy_head head;
	if (c->late)
		return STEP_CLOSE;
	ssize_t n = recv(c->task.fd, bytes, sizeof(bytes), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->wants_in = true;
		return park(c);
	}
	if (n <= 0)
		return STEP_CLOSE; /* a health check that only connects is no offence */
	struct slice in = slice_of(bytes, (size_t)n);
	enum rc rc = proxy_parse(&in, &head);
	if (rc ==
		RC_MORE) { /* the rest is on its way; watching would wake us for what is there already */
		task_timer(&c->task, run_now_ms(c->task.run) + PROXY_AGAIN_MS);
		return park(c);
	}
	if (rc != RC_OK || recv(c->task.fd, bytes, (size_t)n - in.len, 0) != n - (ssize_t)in.len) {
		event_log(EVENT_NET_PROXY_BAD, f_str("peer", c->peer_text),
			f_str("listener", c->terms->conf.name));
		return STEP_CLOSE;
	}
	c->proxied = true;
	proxied_peer(c, &head);
	return STEP_MORE;
}

static bool is_banned(struct conn *c)
{
	const struct net_conf *conf = &c->net->conf;
	uint8_t at[16];
	if (!conf->banned)
		return false;
	peer_bits(c, at);
	if (!conf->banned(conf->banned_arg, at))
		return false;
	metric_add(METRIC_CONNECTIONS_BANNED, 1);
	event_log(EVENT_NET_BANNED, f_str("peer", c->peer_text),
		f_str("listener", c->terms->conf.name));
	return true;
}

/* Before the door: PROXY header, bans, implicit TLS. */
static enum step arrive(struct conn *c)
{
	if (!c->proxied && c->terms->conf.trusted_n && behind_proxy(c))
		return read_proxy(c);
	if (is_banned(c))
		return STEP_CLOSE;
	if (c->terms->conf.implicit_tls)
		return begin_tls(c);
	c->stage = CONN_STAGE_OPEN;
	return STEP_MORE;
}

static enum step finish_connect(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (!(c->task.woken & (WAKE_IO | WAKE_TIMER))) {
		c->wants_out = true;
		enum step s = park(c);
		c->task.watch = EPOLLOUT;
		return s;
	}
	getsockopt(c->task.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	c->failed = c->late || error != 0;
	c->broken = c->failed;
	c->late = FAULT_NONE;
	c->stage = CONN_STAGE_OPEN;
	return STEP_MORE;
}

/* Input that nobody will read: closing now would reset the connection, and the last reply could be lost with it. */
static bool has_unread(const struct conn *c)
{
	int waiting = 0;
	return conn_has_input(c) || c->skipping ||
	       (ioctl(c->task.fd, FIONREAD, &waiting) == 0 && waiting > 0);
}

static enum step linger(struct conn *c)
{
	char rest[READ_REST];
	for (int i = 0; i < READS_IN_A_ROW && !c->late; i++) {
		ssize_t n = recv(c->task.fd, rest, sizeof(rest), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return STEP_CLOSE;
		if (n < 0) {
			c->wants_in = true;
			return park(c);
		}
	}
	return c->late ? STEP_CLOSE : STEP_MORE;
}

static enum step ending(struct conn *c)
{
	if (c->lingering)
		return linger(c);
	if (!flush(c) && !c->late)
		return park(c);
	if (c->tls && !c->broken)
		tls_bye(c->tls);
	bool sends = has_unread(c) || c->begun;
	if (c->broken || c->late || c->eof || !sends || shutdown(c->task.fd, SHUT_WR) != 0)
		return STEP_CLOSE;
	c->lingering = true;
	c->left_ms = LINGER_MS;
	return STEP_MORE;
}

/* Nobody reads: our last words would only join what waits in the kernel, which a reset gives up. */
static void give_up(struct conn *c)
{
	struct linger none = { .l_onoff = 1 };
	setsockopt(c->task.fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	c->broken = true;
}

static void begin_end(struct conn *c)
{
	if (c->late == FAULT_READS_TOO_SLOWLY)
		give_up(c);
	c->closing = true;
	c->late = FAULT_NONE;
	c->idle_ms = c->left_ms = LAST_WORDS_MS;
	c->due_at = c->total_at = 0;
}

static enum step open_door(struct conn *c)
{
	c->stage = CONN_STAGE_TALK;
	conn_total(c, 0);
	deadline_fill(c);
	if (c->refused) {
		buf_str(&c->out, c->door->busy_text);
		begin_end(c);
		return ending(c);
	}
	return c->door->open(c->door->arg, c) == RC_OK && c->task.step ? STEP_MORE : STEP_CLOSE;
}

static enum step talk(struct conn *c)
{
	enum step s = c->task.step(&c->task);
	c->gathering = s == STEP_MORE && conn_has_input(c) && !c->tls_wanted &&
		       c->out.len - c->out_at < GATHER_MAX;
	if (c->gathering)
		return STEP_MORE;
	bool full = conn_out_full(c);
	c->broken |= c->out.over; /* a part of the answer is lost: better none than a wrong one */
	bool sent = flush(c);
	if (c->broken && s != STEP_COMMIT)
		s = c->tls_client || !c->listener
			    ? s
			    : STEP_CLOSE; /* a client's end is its door's to judge */
	if (s == STEP_CLOSE) {
		begin_end(c);
		return ending(c);
	}
	if (c->tls_wanted && sent)
		return begin_tls(c);
	if (s == STEP_MORE ||
		(s == STEP_PARK && full && sent)) /* what it parked for has happened just now */
		return STEP_MORE;
	enum step parked = park(c);
	return s == STEP_COMMIT ? STEP_COMMIT : parked;
}

enum step conn_around(struct task *t)
{
	struct conn *c = conn_of(t);
	if (t->woken & WAKE_IO)
		c->readable = true;
	deadline_woken(c);
	if (c->closing)
		return ending(c);
	if (c->stage < CONN_STAGE_OPEN && c->listener && conn_draining(c))
		return STEP_CLOSE; /* nothing can be said yet */
	switch (c->stage) {
	case CONN_STAGE_PROXY:
		return arrive(c);
	case CONN_STAGE_CONNECT:
		return finish_connect(c);
	case CONN_STAGE_HANDSHAKE:
		return handshake(c);
	case CONN_STAGE_OPEN:
		return open_door(c);
	default:
		if (!c->gathering)
			(void)flush(c);
		return talk(c);
	}
}

/* --- facts --- */

struct slice conn_peer(const struct conn *c)
{
	return slice_str(c->peer_text);
}

bool conn_failed(const struct conn *c)
{
	return c->failed;
}

enum rc conn_starttls(struct conn *c)
{
	if (c->tls || !tls_has_certificate(c->net->conf.tls))
		return RC_DENIED;
	c->tls_wanted = true;
	return RC_OK;
}

enum rc conn_starttls_client(struct conn *c, const char *name, bool verify)
{
	if (c->tls || !c->net->conf.tls)
		return RC_DENIED;
	c->tls_wanted = c->tls_client = true;
	c->tls_name = name;
	c->tls_verify = verify;
	return RC_OK;
}

bool conn_is_tls(const struct conn *c)
{
	return c->tls != NULL;
}

struct slice conn_tls_info(const struct conn *c)
{
	return c->tls ? tls_info(c->tls) : S("");
}

struct slice conn_tls_exporter(struct conn *c)
{
	return c->tls ? tls_exporter(c->tls) : S("");
}

struct slice conn_tls_end_point(struct conn *c)
{
	return c->tls ? tls_end_point(c->tls) : S("");
}
