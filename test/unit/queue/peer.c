/* peer.c: The scripted SMTP server. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
	struct peer *p;
	int fd;
	FILE *in;
	int accepted, carried;
	bool bad_mail;
};

static void say(struct talk *t, const char *text)
{
	(void)!write(t->fd, text, strlen(text));
}

static void hello(struct talk *t)
{
	const char *e = t->p->extensions;
	say(t, "250-");
	say(t, t->p->name ? t->p->name : "peer.test");
	say(t, "\r\n");
	while (e && *e) {
		char line[300];
		int n = (int)strcspn(e, "\n");
		(void)snprintf(line, sizeof(line), "250-%.*s\r\n", n, e);
		say(t, line);
		e += n + (e[n] == '\n');
	}
	say(t, "250 HELP\r\n");
}

static bool body(struct talk *t)
{
	char line[4096];
	size_t n = 0;
	struct peer *p = t->p;
	while (fgets(line, sizeof(line), t->in)) {
		if (p->drop_in_body)
			return false;
		if (strcmp(line, ".\r\n") == 0) {
			pthread_mutex_lock(&p->lock);
			p->body_len = n;
			p->messages++;
			pthread_mutex_unlock(&p->lock);
			say(t, "250 2.0.0 taken\r\n");
			t->accepted = 0;
			return ++t->carried != p->close_after;
		}
		const char *at = line[0] == '.' ? line + 1 : line;
		size_t len = strlen(at);
		if (n + len < sizeof(p->body)) {
			memcpy(p->body + n, at, len);
			n += len;
		}
	}
	return false;
}

static void note(struct peer *p, const char *line)
{
	pthread_mutex_lock(&p->lock);
	size_t at = strlen(p->log);
	(void)snprintf(p->log + at, sizeof(p->log) - at, "%s", line);
	p->mails += strncmp(line, "MAIL", 4) == 0;
	p->rcpts += strncmp(line, "RCPT", 4) == 0;
	pthread_mutex_unlock(&p->lock);
}

static bool take_one(_Atomic int *left)
{
	int n = atomic_load(left);
	while (n > 0 && !atomic_compare_exchange_weak(left, &n, n - 1))
		;
	return n > 0;
}

static bool mail(struct talk *t)
{
	t->accepted = 0;
	if (t->p->enough_after && t->carried == t->p->enough_after) {
		say(t, "421 4.3.2 enough\r\n");
		return false;
	}
	t->bad_mail = take_one(&t->p->mail_bad_left);
	say(t, t->bad_mail ? "550 5.7.1 not from you\r\n" : "250 2.1.0 ok\r\n");
	return true;
}

static void rcpt(struct talk *t, const char *line)
{
	if (t->bad_mail) {
		say(t, "503 5.5.1 MAIL first\r\n");
	} else if (strncmp(line, "RCPT TO:<perm", 13) == 0) {
		say(t, "550 5.1.1 no such user\r\n");
	} else if (strncmp(line, "RCPT TO:<temp", 13) == 0 || take_one(&t->p->temp_left)) {
		say(t, "450 4.2.1 come again\r\n");
	} else if (t->p->rcpt_max && t->accepted == t->p->rcpt_max) {
		say(t, "452 4.5.3 too many\r\n");
	} else {
		t->accepted++;
		say(t, "250 2.1.5 ok\r\n");
	}
}

static bool command(struct talk *t, const char *line)
{
	note(t->p, line);
	if (strncmp(line, "EHLO", 4) == 0) {
		hello(t);
	} else if (strncmp(line, "MAIL", 4) == 0) {
		return mail(t);
	} else if (strncmp(line, "RCPT", 4) == 0) {
		rcpt(t, line);
	} else if (strncmp(line, "DATA", 4) == 0) {
		say(t, t->accepted ? "354 go on\r\n" : "554 5.5.1 nobody\r\n");
		return !t->accepted || body(t);
	} else if (strncmp(line, "QUIT", 4) == 0) {
		say(t, "221 2.0.0 bye\r\n");
		return false;
	} else {
		say(t, "250 2.0.0 ok\r\n");
	}
	return true;
}

static void *talk(void *arg)
{
	struct talk t = *(struct talk *)arg;
	char line[4096];
	struct peer *p = t.p;
	free(arg);
	t.in = fdopen(t.fd, "r");
	pthread_mutex_lock(&p->lock);
	while (p->connections < p->wait_for)
		pthread_cond_wait(&p->come, &p->lock);
	pthread_mutex_unlock(&p->lock);
	say(&t, p->greeting ? p->greeting : "220 peer.test\r\n");
	while (fgets(line, sizeof(line), t.in) && command(&t, line))
		;
	pthread_mutex_lock(&p->lock);
	p->now--;
	pthread_cond_broadcast(&p->come);
	pthread_mutex_unlock(&p->lock);
	(void)fclose(t.in);
	return NULL;
}

static void *serve(void *arg)
{
	struct peer *p = arg;
	for (int fd; (fd = accept(p->fd, NULL, NULL)) >= 0;) {
		pthread_t thread;
		struct talk *t = malloc(sizeof(*t));
		*t = (struct talk){ .p = p, .fd = fd };
		pthread_mutex_lock(&p->lock);
		p->connections++;
		p->now++;
		p->most = p->now > p->most ? p->now : p->most;
		pthread_cond_broadcast(&p->come);
		pthread_mutex_unlock(&p->lock);
		pthread_create(&thread, NULL, talk, t);
		pthread_detach(thread);
	}
	return NULL;
}

void peer_start(struct peer *p, unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	socklen_t len = sizeof(at);
	int one = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->come, NULL);
	inet_pton(AF_INET, p->address ? p->address : "127.0.0.1", &at.sin_addr);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(p->fd, 64) != 0)
		abort();
	getsockname(p->fd, (struct sockaddr *)&at, &len);
	p->port = ntohs(at.sin_port);
	pthread_create(&p->thread, NULL, serve, p);
}

void peer_let_go(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->wait_for = 0;
	pthread_cond_broadcast(&p->come);
	pthread_mutex_unlock(&p->lock);
}

void peer_stop(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
	pthread_mutex_lock(
		&p->lock); /* talks have threads of their own: what they saw is whole when they have ended */
	while (p->now)
		pthread_cond_wait(&p->come, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

bool peer_wait(struct peer *p, int messages)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&p->lock);
		bool there = p->messages >= messages;
		pthread_mutex_unlock(&p->lock);
		if (there)
			return true;
		usleep(5000);
	}
	return false;
}
