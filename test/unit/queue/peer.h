/* peer.h: A scripted SMTP server on loopback, with a thread for each connection. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_QUEUE_PEER_H
#define TEST_UNIT_QUEUE_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct peer {
	/* the script */
	const char *address; /* "127.0.0.1" */
	const char *extensions; /* "PIPELINING\n8BITMIME" */
	const char *greeting; /* NULL: 220 */
	const char *name; /* in its EHLO answer; NULL: peer.test */
	_Atomic bool drop_in_body; /* closes in the middle of each DATA */
	_Atomic int temp_left; /* so many recipients get 450 first */
	_Atomic int mail_bad_left; /* so many MAILs get 550 first */
	int rcpt_max; /* 452 for more in one transaction; 0: no limit */
	int close_after,
		enough_after; /* a connection's messages; then it closes, says 421; 0: never */
	int wait_for; /* the first greetings wait until there are so many connections */
	/* RCPT of an address that begins with "perm" gets 550, with "temp" 450 */

	/* what it saw */
	int fd;
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t come;
	int connections, now, most, mails, rcpts, messages; /* now: open ones */
	char log[65536]; /* commands */
	char body[300000]; /* the last message, dots unstuffed */
	size_t body_len;
};

/* `port` 0 picks one. */
void peer_start(struct peer *p, unsigned port);
void peer_stop(struct peer *p);
/* Greetings wait no longer. */
void peer_let_go(struct peer *p);
/* Waits until it took so many messages; false: it did not in five seconds. */
bool peer_wait(struct peer *p, int messages);

#endif
