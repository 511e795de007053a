/* connect.c: Outgoing connections, and what each socket is told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_int.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

void net_socket_options(int fd)
{
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

enum rc net_connect(struct net *net, const struct net_target *target, const struct door *door,
	void *session, struct conn **out)
{
	int fd = socket(target->to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return RC_TEMP;
	net_socket_options(fd);
	if (target->from && bind(fd, target->from, target->from_len) != 0) {
		close(fd);
		return RC_TEMP;
	}
	int rc = connect(fd, target->to, target->to_len);
	if (rc != 0 && errno != EINPROGRESS) {
		close(fd);
		return RC_TEMP;
	}
	struct sockaddr_storage peer = { 0 };
	memcpy(&peer, target->to, target->to_len);
	struct conn *c = conn_new(net, fd, door);
	atomic_fetch_add(&net->open, 1);
	conn_set_peer(c, &peer);
	c->session = session;
	c->stage = CONN_STAGE_CONNECT;
	conn_idle(c, target->timeout_ms);
	*out = c;
	task_start(&c->task);
	return RC_OK;
}
