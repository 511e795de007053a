/* conn.h: One connection: lines and bytes in, a buffer out, TLS, timeouts. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/buf.h"
#include "net/net.h"

/* [net 1] A parked connection without unread input or unsent output holds no buffer.
 * [net 2] What conn_line and conn_bytes return lives until the next call of either, or the end of the step. */
struct conn {
	struct task task; /* first: conn_of */
	void *session; /* the door's */
	struct net *net;
	const struct door *door;
	struct net_socket *listener; /* NULL: outgoing */
	struct net_terms *terms; /* those of the listener when it was taken */
	struct tls_conn *tls;
	struct buf in, out;
	size_t in_at, in_scan, out_at;
	uint64_t idle_ms; /* the most that it may keep us waiting; 0: for ever */
	uint64_t left_ms; /* what is left of it */
	uint64_t idle_at, due_at,
		total_at; /* ends of that, of conn_total's, of the listener's time; 0: none */
	uint64_t sent,
		taken; /* octets given to the kernel; those that the peer had when we looked last */
	struct sockaddr_storage peer;
	char peer_text[48];
	enum fault_id late; /* why its time is up; NONE: it is not */
	uint8_t stage;
	bool readable, eof, broken, closing, failed, proxied, skipping;
	bool begun; /* octets came since the last whole line */
	bool rests; /* waits for a line, and that time counts */
	bool trusted; /* not hurried when connections are many */
	bool gathering; /* more input is there: its answers leave together with those that wait in `out` */
	bool lingering, tls_wanted, tls_client, wants_out, wants_in;
	uint64_t timer_set; /* the deadline that the connection itself set last */
	bool refused; /* it hears so when its handshake is done */
	const char *tls_name; /* client: of the server, in session memory */
	bool tls_verify;
};

struct conn *conn_of(struct task *t);

/* One line without its CR LF. RC_MORE: not whole yet: park. RC_LIMIT: longer than `max` (its rest is skipped, the next
 * call gives the line after it). RC_BAD: it ends in a bare LF, or has a bare CR. RC_NONE: the peer is gone. */
enum rc conn_line(struct conn *c, size_t max, struct slice *line);
/* As conn_line, but a bare LF ends a line too, and CR is taken off its end if there. */
enum rc conn_line_lax(struct conn *c, size_t max, struct slice *line);
/* What is there: 1..max bytes. RC_MORE: nothing yet: park. RC_NONE: the peer is gone. */
enum rc conn_bytes(struct conn *c, size_t max, struct slice *bytes);
/* Gives back the tail of what conn_bytes returned last. */
void conn_unread(struct conn *c, struct slice tail);
/* Input is at hand without reading the socket: for pipelining. */
bool conn_has_input(const struct conn *c);

/* The reply: append to it; it is sent at the end of the step. */
struct buf *conn_out(struct conn *c);
/* More than CONN_HIGH_WATER waits to be sent: park; WAKE_IO comes when it has drained. */
bool conn_out_full(const struct conn *c);
enum { CONN_HIGH_WATER = 64 * 1024 };

/* A whole line must come within `ms`, counted from when we began to wait for it; octets of conn_bytes, and those of ours
 * that the peer takes, each earn the time that the least rate allows them, up to `ms` again. Then the step runs with
 * conn_timed_out. Time in which we do not wait for the peer does not count. A listener's own idle time goes before.
 * 0: for ever. */
void conn_idle(struct conn *c, uint64_t ms);
/* The same after `ms` in all, and what the octets of conn_bytes may take at the least rate; 0: no such time. */
void conn_total(struct conn *c, uint64_t ms);
/* The client has logged in: its times stay as they are when connections are many. */
void conn_trust(struct conn *c);
bool conn_timed_out(const struct conn *c);
/* Why: IDLE_TIMEOUT, SENDS_TOO_SLOWLY, READS_TOO_SLOWLY (nothing can be said any more), TOTAL_TIMEOUT; NONE. The event and
 * the metric are made. */
enum fault_id conn_late(const struct conn *c);
/* All output has gone to the kernel. */
bool conn_reads(const struct conn *c);
bool conn_draining(const struct conn *c);

/* The peer's address as text, without port. */
struct slice conn_peer(const struct conn *c);
/* The terms under which it came in; NULL: it went out. */
const struct net_listener *conn_listener(const struct conn *c);
/* The listener's hostname, or `otherwise`. */
const char *conn_hostname(const struct conn *c, const char *otherwise);
bool conn_is_loopback(const struct conn *c);
/* Outgoing: it could not be made, or its TLS handshake failed. */
bool conn_failed(const struct conn *c);

/* After the reply that is in conn_out now has been sent, the handshake begins; what came in before is thrown away. The
 * next step runs when it is done. RC_DENIED: there is no certificate. */
enum rc conn_starttls(struct conn *c);
/* Client side. `name` is the server's (kept by the caller); verify: a wrong certificate fails the handshake. */
enum rc conn_starttls_client(struct conn *c, const char *name, bool verify);
bool conn_is_tls(const struct conn *c);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without TLS. Lives as long as the connection's TLS. */
struct slice conn_tls_info(const struct conn *c);
/* RFC 9266 and RFC 5929 channel bindings; empty when there are none. */
struct slice conn_tls_exporter(struct conn *c);
struct slice conn_tls_end_point(struct conn *c);

#endif
