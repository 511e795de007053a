/* pop3.c: POP3 load: one message after the other by RETR. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GREETING, USER, PASS, STAT, REST, HEAD, BODY };

static unsigned messages; /* in each mailbox */

static void begin(struct session *s)
{
	s->phase = GREETING;
}

static void closed(struct session *s)
{
	if (s->phase != REST)
		die("the server closed in phase %u", s->phase);
	io_close(s);
}

static void next(struct session *s)
{
	if (!op_take(s, 1)) {
		s->phase = REST;
		return;
	}
	s->phase = HEAD;
	io_printf(s, "RETR %u\r\n", (unsigned)(s->op % messages + 1));
}

/* The way from greeting to a mailbox that is open. */
static void opening(struct session *s, const char *at)
{
	char user[256];
	if (s->phase == GREETING) {
		number_name(user, sizeof user, opt.user, s->id);
		io_printf(s, "USER %s\r\n", user);
	} else if (s->phase == USER) {
		io_printf(s, "PASS %s\r\n", opt.password);
	} else if (s->phase == PASS) {
		io_printf(s, "STAT\r\n");
	} else {
		messages = (unsigned)strtoul(at + 4, NULL, 10);
		if (!messages)
			die("the mailbox is empty");
		session_ready(s);
	}
	s->phase++;
}

static void line(struct session *s, char *at, size_t len)
{
	if (s->phase == BODY) {
		if (len != 1 || at[0] != '.')
			return;
		op_done(s, 1, true);
		next(s);
		return;
	}
	if (strncmp(at, "+OK", 3) != 0)
		die("refused: %s", at);
	if (s->phase == HEAD)
		s->phase = BODY;
	else
		opening(s, at);
}

static void go(struct session *s)
{
	next(s);
	io_flush(s);
}

const struct work work_retr = {
	.name = "retr", .begin = begin, .line = line, .closed = closed, .go = go
};
