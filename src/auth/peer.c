/* peer.c: Who asks, as a connection tells it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"
#include "net/conn.h"

struct auth_peer auth_peer_of(struct auth *auth, struct conn *conn, struct slice door)
{
	const struct net_listener *l = conn_listener(conn);
	return (struct auth_peer){ .auth = auth,
		.task = &conn->task,
		.door = door,
		.address = conn_peer(conn),
		.listener = slice_str(l ? l->name : ""),
		.logins_max = l ? l->logins_max : 0,
		.logins_ms = l ? l->logins_ms : 0,
		.is_private = conn_is_tls(conn) || conn_is_loopback(conn),
		.tls_exporter = conn_tls_exporter(conn),
		.tls_server_end_point = conn_tls_end_point(conn) };
}
