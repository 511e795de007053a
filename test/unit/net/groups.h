/* groups.h: The test groups of the room net, and the echo door that they talk to. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_NET_GROUPS_H
#define TEST_NET_GROUPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/conn.h"

int test_listen(void);
int test_connect(void);
int test_deadline(void);

/* "ping X" answers "X"; "peer" the address; "big N" N lines; "take N" takes N octets; "total N" gives it N ms; "trust"
 * trusts it; "quit" closes. "busy" is the refusal, "late" the time-out. */
struct echo {
	struct run *run;
	struct net *net;
	struct door door;
	unsigned port;
};
void echo_start(struct echo *e, const struct net_listener *conf, size_t connections_max);
void echo_stop(struct echo *e);

/* Blocking clients with a time-out of 10 s. */
int client_open(unsigned port);
void client_send(int fd, const char *text);
/* Reads until `bytes` have come or the end; NUL-terminated, in a static buffer. */
const char *client_read(int fd, size_t bytes);
/* All until the end of the connection. */
const char *client_rest(int fd);

#endif
