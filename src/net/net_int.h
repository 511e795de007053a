/* net_int.h: The room's own state. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_NET_INT_H
#define NET_NET_INT_H

#include "base/lock.h"
#include "net/conn.h"
#include "net/tls.h"

/* What a listener was told to do, as long as it, or a connection taken under it, is there. */
struct net_terms {
	struct net_listener conf;
	_Atomic size_t users;
};

struct net_socket {
	struct task task; /* first */
	struct net *net;
	struct net_terms *terms; /* under net->lock */
	char bind[128];
	unsigned port;
	_Atomic size_t open;
	_Atomic bool closed;
	struct net_socket *next;
};

struct net {
	struct net_conf conf;
	_Atomic size_t connections_max; /* 0: none */
	_Atomic uint64_t rate_min, stress_ms; /* see struct net_limits */
	_Atomic bool hurried; /* connections are many: who has not logged in gets stress_ms */
	struct lock lock;
	struct net_socket *listeners;
	_Atomic size_t open;
	_Atomic size_t refusing; /* wait to be told so over TLS; not in `open` */
	_Atomic int reserve; /* a descriptor given up when there are no others; -1: it is */
};

enum {
	CONN_STAGE_PROXY,
	CONN_STAGE_CONNECT,
	CONN_STAGE_HANDSHAKE,
	CONN_STAGE_OPEN,
	CONN_STAGE_TALK
};

/* deadline.c */
/* A unit is whole, or begins: all its time is there again. */
void deadline_fill(struct conn *c);
/* Octets of a message came. */
void deadline_came(struct conn *c, size_t octets);
/* It parks: for its peer if something is watched. Sets the timer. */
void deadline_wait(struct conn *c);
/* It runs again. */
void deadline_woken(struct conn *c);

/* listen.c: after a change of the count or the limit. */
void net_count(struct net *net, size_t open);
void net_terms_put(struct net_terms *terms);
/* No delay, keep-alive. Connections inherit them from the socket that listens (Linux), without a call of their own. */
void net_socket_options(int fd);
struct conn *conn_new(struct net *net, int fd, const struct door *door);
void conn_set_peer(struct conn *c, const struct sockaddr_storage *peer);
enum step conn_around(struct task *t);
void conn_drop(struct conn *c);

#endif
