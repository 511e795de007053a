/* tls.h: TLS by OpenSSL; nobody else includes its headers but crypto/ and cert/. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "base/fault.h"

struct tls; /* certificates and settings of all listeners, and of the client side */
struct tls_conn; /* one connection's state */

struct tls_pair {
	const char *cert; /* PEM file: chain */
	const char *key; /* PEM file */
};

/* From then on what the library holds is counted as MEM_TLS. Before anything else calls it: first in the program. */
void tls_count_memory(void);
/* The first pair is the default; the others are chosen by the names in their certificates (SNI). n may be 0: only the
 * client side works then. CONFIG: a file that cannot be read, or does not fit. */
enum rc tls_new(const struct tls_pair *pairs, size_t n, struct tls **out, struct fault *why);
/* New certificates for new connections; on a fault the old ones stay. Any thread. */
enum rc tls_reload(struct tls *tls, const struct tls_pair *pairs, size_t n, struct fault *why);
void tls_free(struct tls **tls);
bool tls_has_certificate(const struct tls *tls);

/* The client side trusts what this PEM file holds in place of the system's authorities. Before the first connection. CONFIG: it
 * cannot be read. */
enum rc tls_trust(struct tls *tls, const char *ca, struct fault *why);

/* NULL: no memory, or (server) no certificate. `name`: the server's (client). */
/* `alpn`: see struct door; it lives as long as the connection. */
struct tls_conn *tls_accept(struct tls *tls, int fd, const char *alpn);
struct tls_conn *tls_connect(struct tls *tls, int fd, const char *name, bool verify);
void tls_conn_free(struct tls_conn **c);

/* RC_OK; RC_MORE: wants to read; RC_WAIT: wants to write; RC_NONE: closed by the peer; RC_BAD: failed. */
enum rc tls_handshake(struct tls_conn *c);
enum rc tls_read(struct tls_conn *c, uint8_t *at, size_t max, size_t *n);
enum rc tls_write(struct tls_conn *c, struct slice bytes, size_t *n);
/* close_notify, best effort. */
void tls_bye(struct tls_conn *c);

struct slice tls_info(struct tls_conn *c);
/* Channel bindings, after the handshake; empty: none. As long as the connection. RFC 9266: tls-exporter, of TLS 1.3 only;
 * RFC 5929: tls-server-end-point. */
struct slice tls_exporter(struct tls_conn *c);
struct slice tls_end_point(struct tls_conn *c);

#endif
