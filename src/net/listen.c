/* listen.c: Listening sockets: limits, polite refusals, and no descriptors left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "net/net_int.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	IN_A_ROW = 64,
	ARRIVAL_MS = 300000,
	POLITE_MORE = 64,
	REFUSED_MS = 10000,
	AGAIN_MS = 100
};

struct net *net_new(const struct net_conf *conf)
{
	struct net *net = mem_new(MEM_OTHER, sizeof(*net));
	net->conf = *conf;
	net_limit(net, &conf->limits);
	lock_init(&net->lock, LOCK_NET);
	atomic_store(&net->reserve, open("/dev/null", O_RDONLY | O_CLOEXEC));
	return net;
}

void net_free(struct net **ref)
{
	struct net *net = *ref;
	if (!net)
		return;
	if (net->reserve >= 0)
		close(net->reserve);
	for (struct net_socket *l = net->listeners, *next; l; l = next) {
		next = l->next;
		mem_free(MEM_OTHER, l);
	}
	lock_done(&net->lock);
	mem_free(MEM_OTHER, net);
	*ref = NULL;
}

/* At 80 % it begins, at 60 % it ends. */
void net_count(struct net *net, size_t open)
{
	size_t most = atomic_load(&net->connections_max);
	bool was = atomic_load(&net->hurried);
	bool is = most && open >= (was ? most - most * 2 / 5 : most - most / 5);
	if (was == is || atomic_exchange(&net->hurried, is) == is || !atomic_load(&net->stress_ms))
		return;
	event_log(is ? EVENT_NET_STRESS : EVENT_NET_CALM, f_u64("open", open), f_u64("most", most));
}

void net_limit(struct net *net, const struct net_limits *limits)
{
	atomic_store(&net->connections_max, limits->connections_max);
	atomic_store(&net->rate_min, limits->rate_min);
	atomic_store(&net->stress_ms, limits->stress_ms);
	net_count(net, atomic_load(&net->open));
}

static struct net_terms *terms_new(const struct net_listener *conf)
{
	struct net_terms *terms = mem_new(MEM_OTHER, sizeof(*terms));
	terms->conf = *conf;
	atomic_store(&terms->users, 1);
	return terms;
}

void net_terms_put(struct net_terms *terms)
{
	if (atomic_fetch_sub(&terms->users, 1) > 1)
		return;
	if (terms->conf.gone)
		terms->conf.gone(terms->conf.arg);
	mem_free(MEM_OTHER, terms);
}

static struct net_terms *terms_get(struct net_socket *l)
{
	lock_enter(&l->net->lock);
	struct net_terms *terms = l->terms;
	atomic_fetch_add(&terms->users, 1);
	lock_leave(&l->net->lock);
	return terms;
}

size_t net_connections(const struct net *net)
{
	return atomic_load(&net->open);
}

static void count_refused(struct net_socket *l, const struct net_listener *conf)
{
	metric_add(METRIC_CONNECTIONS_REFUSED, 1);
	event_log(EVENT_NET_REFUSED, f_str("listener", conf->name),
		f_u64("open", atomic_load(&l->net->open)));
}

static void refuse(struct net_socket *l, const struct net_listener *conf, int fd)
{
	const char *text = conf->implicit_tls ? NULL : conf->door->busy_text;
	if (text) {
		ssize_t n = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)n;
		shutdown(fd, SHUT_WR);
	}
	close(fd);
	count_refused(l, conf);
}

/* To be told over TLS, it needs a connection for the time of a handshake: POLITE_MORE at once. Takes `terms`. */
static bool refuse_by_tls(
	struct net_socket *l, struct net_terms *terms, int fd, const struct sockaddr_storage *peer)
{
	struct net *net = l->net;
	if (!terms->conf.implicit_tls || !terms->conf.door->busy_text)
		return false;
	if (atomic_fetch_add(&net->refusing, 1) >= POLITE_MORE) {
		atomic_fetch_sub(&net->refusing, 1);
		return false;
	}
	count_refused(l, &terms->conf);
	struct conn *c = conn_new(net, fd, terms->conf.door);
	c->refused = true;
	c->terms = terms;
	conn_idle(c, REFUSED_MS);
	conn_total(c, REFUSED_MS);
	conn_set_peer(c, peer);
	task_start(&c->task);
	return true;
}

/* No descriptor is left: give up the reserve, take the client and send it away, so that it hears something and the
 * listener does not spin. */
static void shed(struct net_socket *l)
{
	struct net *net = l->net;
	int why = errno, reserve = atomic_exchange(&net->reserve, -1);
	event_log(EVENT_NET_ACCEPT_FAILED, f_str("bind", l->bind), f_str("why", strerror(why)));
	if (reserve >= 0)
		close(reserve);
	int fd = accept4(l->task.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		struct net_terms *terms = terms_get(l);
		refuse(l, &terms->conf, fd);
		net_terms_put(terms);
	}
	/* several listeners may be here at once; who finds none open tries again the next time */
	int fresh = open("/dev/null", O_RDONLY | O_CLOEXEC), none = -1;
	if (fresh >= 0 && !atomic_compare_exchange_strong(&net->reserve, &none, fresh))
		close(fresh);
}

static void take(struct net_socket *l, int fd, const struct sockaddr_storage *peer)
{
	struct net *net = l->net;
	struct net_terms *terms = terms_get(l);
	const struct net_listener *conf = &terms->conf;
	size_t all = atomic_fetch_add(&net->open, 1) + 1, here = atomic_fetch_add(&l->open, 1) + 1;
	size_t most = atomic_load(&net->connections_max);
	bool over = (most && all > most) ||
		    (conf->connections_max && here > conf->connections_max) ||
		    (net->conf.refuse && net->conf.refuse());
	if (over) {
		atomic_fetch_sub(&net->open, 1);
		atomic_fetch_sub(&l->open, 1);
		if (refuse_by_tls(l, terms, fd, peer))
			return;
		refuse(l, conf, fd);
		net_terms_put(terms);
		return;
	}
	net_count(net, all);
	struct conn *c = conn_new(net, fd, conf->door);
	c->listener = l;
	c->terms = terms;
	conn_idle(c, ARRIVAL_MS);
	conn_total(c, ARRIVAL_MS); /* PROXY header and handshake */
	c->total_at = conf->total_ms ? run_now_ms(net->conf.run) + conf->total_ms : 0;
	conn_set_peer(c, peer);
	metric_add(METRIC_CONNECTIONS, 1);
	metric_add(METRIC_CONNECTIONS_NOW, 1);
	event_log(EVENT_NET_OPENED, f_str("listener", conf->name), f_str("peer", c->peer_text));
	task_start(&c->task);
}

static enum step step_accept(struct task *t)
{
	struct net_socket *l = (struct net_socket *)t;
	if (atomic_load(&l->closed) || run_draining(t->run))
		return STEP_CLOSE;
	for (int i = 0; i < IN_A_ROW; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(
			t->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(l, fd, &peer);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return STEP_PARK;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			shed(l);
			task_timer(t, run_now_ms(t->run) + AGAIN_MS);
			return STEP_PARK;
		}
		/* ECONNABORTED and its like: the next one */
	}
	return STEP_MORE;
}

static void drop_listener(struct task *t)
{
	struct net_socket *l = (struct net_socket *)t;
	close(t->fd);
	t->fd = -1;
	lock_enter(&l->net->lock);
	struct net_terms *terms = l->terms;
	l->terms = NULL;
	lock_leave(&l->net->lock);
	net_terms_put(terms);
}

static const struct step_row steps[] = { { step_accept, "accept" } };
static const struct task_kind kind = { "listener", steps, 1, drop_listener };

/* "[::]:143", "127.0.0.1:25", "*:80" or "host:port" of digits. */
static enum rc resolve(const char *bind, struct addrinfo **out, struct fault *why)
{
	char host[128];
	struct slice s = slice_str(bind);
	size_t colon = slice_rfind(s, ':');
	struct slice h = slice_head(s, colon);
	if (colon == s.len || h.len >= sizeof(host))
		return fault_set(why, FAULT_CONFIG, "\"%s\" is not ADDRESS:PORT", bind);
	if (h.len >= 2 && h.at[0] == '[' && h.at[h.len - 1] == ']')
		h = slice_of(h.at + 1, h.len - 2);
	snprintf(host, sizeof(host), "%.*s", FMT(h));
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	bool any = h.len == 0 || slice_eq(h, S("*"));
	if (getaddrinfo(any ? "::" : host, bind + colon + 1, &hints, out) != 0)
		return fault_set(why, FAULT_CONFIG, "\"%s\" is not ADDRESS:PORT", bind);
	return RC_OK;
}

static int open_socket(const struct addrinfo *ai)
{
	int one = 1, zero = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return 0;
	return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
					      : ((struct sockaddr_in *)&at)->sin_port);
}

enum rc net_bind(const char *bind, int *out, struct fault *why)
{
	struct addrinfo *ai;
	TRY(resolve(bind, &ai, why));
	int fd = open_socket(ai);
	int e = errno;
	freeaddrinfo(ai);
	if (fd < 0)
		return fault_set(why, FAULT_CONFIG, "%s: %s", bind, strerror(e));
	*out = fd;
	return RC_OK;
}

enum rc net_listen(struct net *net, const struct net_listener *conf, struct fault *why)
{
	int fd;
	TRY(net_bind(conf->bind, &fd, why));
	return net_listen_on(net, conf, fd, why);
}

enum rc net_listen_on(struct net *net, const struct net_listener *conf, int fd, struct fault *why)
{
	if (listen(fd, BACKLOG) != 0) {
		int e = errno;
		close(fd);
		return fault_set(why, FAULT_CONFIG, "%s: %s", conf->bind, strerror(e));
	}
	net_socket_options(fd);
	struct net_socket *l = mem_new(MEM_OTHER, sizeof(*l));
	l->net = net;
	l->terms = terms_new(conf);
	snprintf(l->bind, sizeof(l->bind), "%s", conf->bind);
	l->port = port_of(fd);
	task_init(&l->task, net->conf.run, &kind, step_accept);
	l->task.fd = fd;
	l->task.watch = EPOLLIN;
	lock_enter(&net->lock);
	struct net_socket **at = &net->listeners;
	while (*at)
		at = &(*at)->next;
	*at = l;
	lock_leave(&net->lock);
	task_start(&l->task);
	return RC_OK;
}

/* Under the lock. */
static struct net_socket *find_open(struct net *net, const char *bind)
{
	struct net_socket *l = net->listeners;
	while (l && (atomic_load(&l->closed) || strcmp(l->bind, bind) != 0))
		l = l->next;
	return l;
}

enum rc net_listen_as(struct net *net, const struct net_listener *conf)
{
	struct net_terms *old = NULL;
	lock_enter(&net->lock);
	struct net_socket *l = find_open(net, conf->bind);
	if (l) {
		old = l->terms;
		l->terms = terms_new(conf);
	}
	lock_leave(&net->lock);
	if (!l)
		return RC_NONE;
	net_terms_put(old);
	return RC_OK;
}

void net_unlisten(struct net *net, const char *bind)
{
	lock_enter(&net->lock);
	struct net_socket *l = find_open(net, bind);
	if (l) {
		atomic_store(&l->closed, true);
		task_wake(&l->task, WAKE_DRAIN);
	}
	lock_leave(&net->lock);
}

void net_close_listeners(struct net *net)
{
	lock_enter(&net->lock);
	for (struct net_socket *l = net->listeners; l; l = l->next)
		if (!atomic_exchange(&l->closed, true))
			task_wake(&l->task, WAKE_DRAIN);
	lock_leave(&net->lock);
}

unsigned net_port(struct net *net, size_t n)
{
	struct net_socket *l = net->listeners;
	while (l && n--)
		l = l->next;
	return l ? l->port : 0;
}

void net_listeners(struct net *net, net_listener_fn *visit, void *ctx)
{
	lock_enter(&net->lock);
	for (struct net_socket *l = net->listeners; l; l = l->next)
		if (!atomic_load(&l->closed))
			visit(ctx, l->terms->conf.name, l->bind, atomic_load(&l->open));
	lock_leave(&net->lock);
}

enum rc net_cidr_parse(struct slice text, struct net_cidr *out)
{
	char host[64];
	struct in_addr v4;
	struct in6_addr v6;
	struct slice h = slice_split(&text, '/');
	uint64_t bits = UINT64_MAX;
	if (h.len >= sizeof(host) || (text.len && slice_u64(text, 128, &bits) != RC_OK))
		return RC_BAD;
	snprintf(host, sizeof(host), "%.*s", FMT(h));
	*out = (struct net_cidr){ .bits = 128 };
	if (inet_pton(AF_INET, host, &v4) == 1) {
		out->at[10] = out->at[11] = 0xff;
		memcpy(out->at + 12, &v4, 4);
		if (bits != UINT64_MAX && bits > 32)
			return RC_BAD;
		out->bits = bits == UINT64_MAX ? 128 : (unsigned)bits + 96;
		return RC_OK;
	}
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return RC_BAD;
	memcpy(out->at, &v6, 16);
	out->bits = bits == UINT64_MAX ? 128 : (unsigned)bits;
	return RC_OK;
}
