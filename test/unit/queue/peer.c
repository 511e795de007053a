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
};

static void say(struct talk *t, const char *text)
{
	(void)!write(t->fd, text, strlen(text));
}

static void hello(struct talk *t)
{
	const char *e = t->p->extensions;
	while (e && *e) {
		char line[300];
		int n = (int)strcspn(e, "\n");
		(void)snprintf(line, sizeof(line), "250-%.*s\r\n", n, e);
		say(t, line);
		e += n + (e[n] == '\n');
	}
	say(t, "250 peer.test\r\n");
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
			return true;
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

static bool command(struct talk *t, const char *line, int *accepted)
{
	struct peer *p = t->p;
	note(p, line);
	if (strncmp(line, "EHLO", 4) == 0) {
		hello(t);
	} else if (strncmp(line, "MAIL", 4) == 0) {
		*accepted = 0;
		say(t, "250 2.1.0 ok\r\n");
	} else if (strncmp(line, "RCPT TO:<perm", 13) == 0) {
		say(t, "550 5.1.1 no such user\r\n");
	} else if (strncmp(line, "RCPT TO:<temp", 13) == 0 || p->temp_left > 0) {
		p->temp_left--;
		say(t, "450 4.2.1 come again\r\n");
	} else if (strncmp(line, "RCPT", 4) == 0) {
		++*accepted;
		say(t, "250 2.1.5 ok\r\n");
	} else if (strncmp(line, "DATA", 4) == 0) {
		say(t, *accepted ? "354 go on\r\n" : "554 5.5.1 nobody\r\n");
		return !*accepted || body(t);
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
	int accepted = 0;
	free(arg);
	t.in = fdopen(t.fd, "r");
	say(&t, t.p->greeting ? t.p->greeting : "220 peer.test\r\n");
	while (fgets(line, sizeof(line), t.in) && command(&t, line, &accepted))
		;
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
	inet_pton(AF_INET, p->address ? p->address : "127.0.0.1", &at.sin_addr);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(p->fd, 64) != 0)
		abort();
	getsockname(p->fd, (struct sockaddr *)&at, &len);
	p->port = ntohs(at.sin_port);
	pthread_create(&p->thread, NULL, serve, p);
}

void peer_stop(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
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
