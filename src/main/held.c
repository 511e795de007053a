/* held.c: Sockets in a table on both sides, and messages with descriptors between them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/held.h"
#include "base/mem.h"
#include "net/net.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_MAX = 256, BIND_MAX = 128 };

/* What a child says: '+' with a descriptor, '-' without. */
struct word {
	char what;
	char bind[BIND_MAX];
};

struct held {
	int parent, child; /* the two ends; every child inherits both */
	size_t n;
	struct {
		char bind[BIND_MAX];
		int fd;
		bool taken; /* in this child */
	} at[SOCKETS_MAX];
};

struct held *held_new(void)
{
	int ends[2];
	struct held *held = mem_new(MEM_OTHER, sizeof(*held));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		ends[0] = ends[1] = -1;
	held->parent = ends[0];
	held->child = ends[1];
	return held;
}

static size_t find(const struct held *held, const char *bind)
{
	size_t i = 0;
	while (i < held->n && strcmp(held->at[i].bind, bind) != 0)
		i++;
	return i;
}

static void put(struct held *held, const char *bind, int fd)
{
	if (held->n == SOCKETS_MAX || strlen(bind) >= BIND_MAX) {
		close(fd);
		return;
	}
	snprintf(held->at[held->n].bind, BIND_MAX, "%s", bind);
	held->at[held->n].taken = false;
	held->at[held->n++].fd = fd;
}

static void drop(struct held *held, size_t i)
{
	close(held->at[i].fd);
	held->at[i] = held->at[--held->n];
}

static enum rc open_one(struct held *held, const char *bind, struct fault *why)
{
	int fd;
	if (find(held, bind) < held->n)
		return RC_OK;
	TRY(net_bind(bind, &fd, why));
	put(held, bind, fd);
	return RC_OK;
}

enum rc held_open(struct held *held, const struct conf *conf, struct fault *why)
{
	for (size_t i = 0; i < conf->nlisteners; i++)
		for (size_t j = 0; j < conf->listeners[i].bind.n; j++)
			TRY(open_one(held, conf->listeners[i].bind.at[j], why));
	return conf->metrics.enable ? open_one(held, conf->metrics.bind, why) : RC_OK;
}

int held_channel(const struct held *held)
{
	return held->parent;
}

/* One message. False: none is there. */
static bool hear_one(struct held *held)
{
	struct word word = { 0 };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &word, sizeof(word) };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room) };
	int fd = -1;
	if (recvmsg(held->parent, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(word))
		return false;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	word.bind[BIND_MAX - 1] = '\0';
	size_t i = find(held, word.bind);
	if (i < held->n)
		drop(held, i);
	if (word.what == '+' && fd >= 0)
		put(held, word.bind, fd);
	else if (fd >= 0)
		close(fd);
	return true;
}

void held_hear(struct held *held)
{
	while (hear_one(held))
		;
}

void held_close(struct held *held)
{
	while (held->n)
		drop(held, held->n - 1);
}

int held_take(struct held *held, const char *bind)
{
	size_t i = find(held, bind);
	if (i == held->n || held->at[i].taken)
		return -1;
	held->at[i].taken = true;
	return held->at[i].fd;
}

static void say(struct held *held, char what, const char *bind, int fd)
{
	struct word word = { .what = what };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &word, sizeof(word) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	snprintf(word.bind, sizeof(word.bind), "%s", bind);
	if (fd >= 0) {
		m.msg_control = room;
		m.msg_controllen = sizeof(room);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	ssize_t n = sendmsg(held->child, &m, MSG_NOSIGNAL);
	(void)n; /* without its parent the child is dead soon */
}

void held_add(struct held *held, const char *bind, int fd)
{
	say(held, '+', bind, fd);
}

void held_remove(struct held *held, const char *bind)
{
	say(held, '-', bind, -1);
}

void held_remove_rest(struct held *held)
{
	for (size_t i = held->n; i-- > 0;) {
		if (held->at[i].taken)
			continue;
		held_remove(held, held->at[i].bind);
		drop(held, i);
	}
}
