/* sink.c: An SMTP server that takes all and keeps nothing; it times each message from its sender to here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <stdlib.h>
#include <string.h>

enum { COMMAND, HEADER, TEXT };

static uint64_t *sent; /* by operation: when it began; 0: not sent, or arrived */
static struct session *resting; /* closed ones, to be used again */

void sink_sent(uint64_t op, uint64_t started)
{
	sent[op] = started;
}

static void begin(struct session *s)
{
	(void)s;
}

static void command(struct session *s, const char *at)
{
	if (strncasecmp(at, "EHLO", 4) == 0)
		io_printf(s, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 "
			     "SIZE 100000000\r\n");
	else if (strncasecmp(at, "DATA", 4) == 0) {
		io_printf(s, "354 go\r\n");
		s->phase = HEADER;
		s->op = UINT64_MAX;
	} else if (strncasecmp(at, "QUIT", 4) == 0)
		io_printf(s, "221 bye\r\n");
	else
		io_printf(s, "250 2.0.0 ok\r\n");
}

static void line(struct session *s, char *at, size_t len)
{
	if (s->phase == COMMAND) {
		command(s, at);
		return;
	}
	if (len == 1 && at[0] == '.') {
		io_printf(s, "250 2.0.0 taken\r\n");
		s->phase = COMMAND;
		if (s->op < opt.count && sent[s->op]) {
			op_done_at(sent[s->op]);
			sent[s->op] = 0;
		}
		return;
	}
	if (s->phase == HEADER && len == 0)
		s->phase = TEXT;
	if (s->phase == HEADER && strncmp(at, "X-Bench: ", 9) == 0)
		s->op = strtoull(at + 9, NULL, 10);
}

static void closed(struct session *s)
{
	io_close(s);
	s->next = resting;
	resting = s;
}

static const struct work work_sink = {
	.name = "sink", .begin = begin, .line = line, .closed = closed
};

static void accepted(int fd)
{
	struct session *s = resting;
	if (s)
		resting = s->next;
	else
		s = calloc(1, sizeof *s);
	if (!s)
		die("no memory");
	s->work = &work_sink;
	s->phase = COMMAND;
	io_adopt(s, fd);
	io_printf(s, "220 sink ESMTP\r\n");
	io_flush(s);
}

void sink_start(unsigned port)
{
	sent = calloc(opt.count, sizeof *sent);
	if (!sent)
		die("no memory");
	io_listen(port, accepted);
}
