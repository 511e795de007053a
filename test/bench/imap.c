/* imap.c: IMAP load: log-in and out, commands on a selected mailbox, APPEND, sessions that rest in IDLE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <stdio.h>
#include <string.h>

enum { GREETING, LOGIN, SELECT, REST, RUN, LOGOUT, IDLE };

static void login(struct session *s)
{
	char user[256];
	number_name(user, sizeof user, opt.user, s->id);
	io_printf(s, "L LOGIN %s %s\r\n", user, opt.password);
	s->phase = LOGIN;
}

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

/* Tag with "OK" behind it. */
static bool good(const char *at)
{
	const char *word = strchr(at, ' ');
	return word && strncmp(word + 1, "OK", 2) == 0;
}

/* The way from greeting to a selected mailbox; true: the line was part of it. */
static bool opening(struct session *s, const char *at)
{
	if (s->phase == GREETING) {
		login(s);
		return true;
	}
	if (s->phase != LOGIN && s->phase != SELECT)
		return false;
	if (at[0] == '*')
		return true;
	if ((at[0] == 'L' || at[0] == 'S') && at[1] == ' ' && !good(at))
		die("refused: %s", at);
	if (at[0] == 'L' && opt.box) {
		io_printf(s, "S SELECT %s\r\n", opt.box);
		s->phase = SELECT;
	} else if (at[0] == 'L' || at[0] == 'S') {
		s->phase = REST;
		if (s->work == &work_idle) {
			io_printf(s, "I IDLE\r\n");
			s->phase = IDLE;
		} else
			session_ready(s);
	}
	return true;
}

/* --- command --- */

static void command_next(struct session *s)
{
	if (!op_take(s, 1)) {
		s->phase = REST;
		return;
	}
	s->phase = RUN;
	io_printf(s, "R%u %s\r\n", ++s->tag, opt.command[s->op % opt.commands]);
}

static void command_line(struct session *s, char *at, size_t len)
{
	(void)len;
	if (opening(s, at))
		return;
	if (at[0] == '*') {
		responses++;
		return;
	}
	if (at[0] != 'R' || s->phase != RUN)
		return; /* the rest of a line behind its literal */
	if (!good(at))
		die("refused: %s", at);
	op_done(s, 1, true);
	command_next(s);
}

static void command_go(struct session *s)
{
	command_next(s);
	io_flush(s);
}

/* --- append --- */

static void append_next(struct session *s)
{
	if (!op_take(s, opt.multi)) {
		s->phase = REST;
		return;
	}
	s->phase = RUN;
	io_printf(s, "R%u APPEND %s", ++s->tag, opt.box ? opt.box : "INBOX");
	for (unsigned i = 0; i < opt.multi; i++) {
		io_printf(s, " {%zu+}\r\n", message_size());
		message_add(s, s->op + i);
	}
	io_add(s, "\r\n", 2);
}

static void append_line(struct session *s, char *at, size_t len)
{
	(void)len;
	if (opening(s, at) || at[0] == '*')
		return;
	if (s->phase != RUN || at[0] != 'R' || !good(at))
		die("refused: %s", at);
	op_done(s, opt.multi, true);
	append_next(s);
}

static void append_go(struct session *s)
{
	append_next(s);
	io_flush(s);
}

/* --- login --- */

static void login_go(struct session *s)
{
	if (op_take(s, 1))
		io_connect(s);
}

static void login_line(struct session *s, char *at, size_t len)
{
	(void)len;
	if (s->phase == GREETING)
		login(s);
	else if (s->phase == LOGIN && at[0] == 'L') {
		if (!good(at))
			die("refused: %s", at);
		io_printf(s, "X LOGOUT\r\n");
		s->phase = LOGOUT;
	}
}

static void login_closed(struct session *s)
{
	io_close(s);
	if (s->phase != LOGOUT)
		die("the server closed in phase %u", s->phase);
	op_done(s, 1, true);
	login_go(s);
}

/* --- connect --- */

static void connect_line(struct session *s, char *at, size_t len)
{
	(void)at;
	(void)len;
	io_close(s);
	op_done(s, 1, true);
	login_go(s);
}

/* --- idle --- */

static void idle_line(struct session *s, char *at, size_t len)
{
	(void)len;
	if (!opening(s, at) && s->phase == IDLE && at[0] == '+')
		session_ready(s);
}

const struct work work_command = { .name = "command",
	.begin = begin,
	.line = command_line,
	.closed = closed,
	.go = command_go,
	.literals = true };
const struct work work_append = { .name = "append",
	.begin = begin,
	.line = append_line,
	.closed = closed,
	.go = append_go,
	.literals = true };
const struct work work_login = { .name = "login",
	.begin = begin,
	.line = login_line,
	.closed = login_closed,
	.go = login_go,
	.connects_itself = true };
const struct work work_connect = { .name = "connect",
	.begin = begin,
	.line = connect_line,
	.closed = login_closed,
	.go = login_go,
	.connects_itself = true };
const struct work work_idle = {
	.name = "idle", .begin = begin, .line = idle_line, .closed = closed, .literals = true
};
