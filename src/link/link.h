/* link.h: Where a database server is, the terms on which we speak to it, and how a connection comes back to its pool. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "link/pool.h"

/* Strings are borrowed for as long as connections may be opened; never NULL, "" is unset. */
struct link_server {
	const char *host; /* a name, an address, or a folder with a Unix socket */
	unsigned port; /* 0: the usual one */
	const char *database, *user, *password;
	bool tls; /* without it nothing is encrypted */
	bool tls_allow_invalid; /* any certificate will do */
	const char *tls_ca; /* PEM file; "": the system's */
	bool relaxed; /* a server that answers before its flush will do */
	uint32_t connect_ms; /* for a connection, log-in included */
	uint32_t acquire_ms; /* for a connection of the pool to come free */
	uint32_t call_ms; /* for one call, from its first octet to the last of the answer */
	uint32_t
		idle_ms; /* a connection that was not used for so long is closed; 0: as the pool says */
	unsigned connections_max;
	unsigned retries; /* of a call that failed in passing: a lost connection, a deadlock */
};

/* What a call left of its connection. */
enum link_state {
	LINK_GOOD,
	LINK_ENDED, /* in a transaction that failed: to be closed; nothing is said of the server */
	LINK_LOST, /* the server closed it, and probably all others that rest */
	LINK_LATE, /* no answer in time */
};

/* By then (run_now_ms) a call that begins now has ended, and a connection is there. */
uint64_t link_call_by(const struct link_server *at);
uint64_t link_acquire_by(const struct link_server *at);
void link_give(struct pool *pool, void *connection, enum link_state state);

#endif
