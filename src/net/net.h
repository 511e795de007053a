/* net.h: Listeners and outgoing connections. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/fault.h"
#include "run/run.h"
#include <sys/socket.h>

struct net;
struct conn;
struct tls;

/* A protocol's way in. `open` makes the session: sets conn->session and conn->task.step; another rc closes at once. */
struct door {
	const char *name;
	const struct task_kind
		*kind; /* its drop frees conn->session; the connection is freed by net */
	enum rc (*open)(void *arg, struct conn *c);
	void *arg;
	/* What is spoken there by its names in ALPN, best first, each with its length in front: "\x08http/1.1" (RFC 7301
	 * 3.1). A client that offers others only is refused by TLS; one that offers none is welcome. NULL: offers are not
	 * looked at. */
	const char *alpn;
	const char *busy_text; /* sent to a client over a limit, over TLS too; NULL: nothing */
};

/* What holds for all connections that come in. */
struct net_limits {
	size_t connections_max; /* over all listeners; 0: none */
	uint64_t rate_min; /* octets a second, of a message or an answer; 0: none */
	uint64_t
		stress_ms; /* from 80 % of connections_max on, waiting for who has not logged in; 0: no less */
};

struct net_conf {
	struct run *run;
	struct net_limits limits;
	struct tls *tls; /* for listeners; NULL: no TLS */
	/* Is this client (as in struct net_cidr) to be closed without a word? Asked when a PROXY header has told who it is. NULL:
	 * nobody is. */
	bool (*banned)(void *arg, const uint8_t at[16]);
	void *banned_arg;
	bool (*refuse)(void); /* memory is short: new connections get busy_text; NULL: never */
};

struct net *net_new(const struct net_conf *conf);
/* After the run time's tasks have ended. */
void net_free(struct net **net);

struct net_cidr {
	uint8_t at[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits; /* 0..128 */
};
/* "10.0.0.0/8", "::1". RC_BAD: not such. */
enum rc net_cidr_parse(struct slice text, struct net_cidr *out);

struct net_listener {
	const char *name;
	const char *bind; /* "[::]:143", "127.0.0.1:2143" */
	const struct door *door;
	const char *hostname; /* of what its door says; NULL or "": the server's own */
	bool implicit_tls;
	size_t connections_max; /* 0: only the total limit */
	uint64_t idle_ms, total_ms; /* 0: none; the door may set its own idle time */
	/* For the door, which asks by conn_listener: so many log-ins of one address in so many ms; 0: no limit. */
	uint64_t logins_max, logins_ms;
	const struct net_cidr *trusted; /* peers whose PROXY header is believed, and expected */
	size_t trusted_n;
	/* Called once, when nothing uses this and what it points to any more: neither the listener, nor a connection that
	 * was taken under it. On any thread. NULL: nobody wants to know. */
	void (*gone)(void *arg);
	void *arg;
};
/* A socket that is bound but does not listen yet. CONFIG: the address; in use, not ours, not permitted. */
enum rc net_bind(const char *bind, int *fd, struct fault *why);
/* Binds and listens at once; connections are taken when the run time runs. `l` is copied, what it points to is not.
 * Faults as those of net_bind. */
enum rc net_listen(struct net *net, const struct net_listener *l, struct fault *why);
/* The same on a socket of net_bind, which is taken also when it fails. */
enum rc net_listen_on(struct net *net, const struct net_listener *l, int fd, struct fault *why);
/* New connections of the listener that is bound to l->bind are taken under `l`; those that are open stay under the old
 * one. RC_NONE: nothing listens there. Any thread, as the next three. */
enum rc net_listen_as(struct net *net, const struct net_listener *l);
/* Stops listening there; connections go on. */
void net_unlisten(struct net *net, const char *bind);
void net_limit(struct net *net, const struct net_limits *limits);
/* Stops listening (drain). */
void net_close_listeners(struct net *net);
/* The port of the n-th listener (0 in `bind` picks one). */
unsigned net_port(struct net *net, size_t n);
size_t net_connections(const struct net *net);
/* Visits each listener, in the order of their making, under a lock: be quick. */
typedef void net_listener_fn(void *ctx, const char *name, const char *bind, size_t open);
void net_listeners(struct net *net, net_listener_fn *visit, void *ctx);

struct net_target {
	const struct sockaddr *to, *from; /* from NULL: the system chooses */
	socklen_t to_len, from_len;
	uint64_t timeout_ms;
};
/* An outgoing connection; the target is only read. `open` is called when it stands, or with conn_failed(c) true when it does not. */
enum rc net_connect(struct net *net, const struct net_target *target, const struct door *door,
	void *session, struct conn **out);

#endif
