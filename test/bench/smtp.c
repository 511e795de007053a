/* smtp.c: Delivery by SMTP or LMTP: one message after the other on each session, commands pipelined. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { GREETING, HELLO, AUTH, REST, MAIL, RCPT, DATA, BODY };

static void next(struct session *s)
{
	char to[256], from[256] = "bench@sender.test";
	if (!op_take(s, 1)) {
		s->phase = REST;
		return;
	}
	number_name(to, sizeof to, opt.rcpt ? opt.rcpt : opt.user, s->op);
	if (opt.auth)
		number_name(from, sizeof from, opt.user, s->id);
	io_printf(s, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", from, to);
	s->phase = MAIL;
}

static void auth(struct session *s)
{
	char user[256], plain[600];
	unsigned char text[800];
	number_name(user, sizeof user, opt.user, s->id);
	int n = snprintf(plain, sizeof plain, "%c%s%c%s", 0, user, 0, opt.password);
	EVP_EncodeBlock(text, (unsigned char *)plain, n);
	io_printf(s, "AUTH PLAIN %s\r\n", (char *)text);
	s->phase = AUTH;
}

static void begin(struct session *s)
{
	s->phase = GREETING;
}

static void line(struct session *s, char *at, size_t len)
{
	if (len > 3 && at[3] == '-')
		return;
	if (at[0] != '2' && at[0] != '3')
		die("refused in phase %u: %s", s->phase, at);
	switch (s->phase) {
	case GREETING:
		io_printf(s, "%s client.sender.test\r\n", opt.lmtp ? "LHLO" : "EHLO");
		s->phase = HELLO;
		break;
	case HELLO:
		if (opt.auth) {
			auth(s);
			break;
		}
		[[fallthrough]];
	case AUTH:
		s->phase = REST;
		session_ready(s);
		break;
	case MAIL:
	case RCPT:
		s->phase++;
		break;
	case DATA:
		if (s->work == &work_relay)
			sink_sent(s->op, s->started);
		message_add(s, s->op);
		io_add(s, ".\r\n", 3);
		s->phase = BODY;
		break;
	case BODY:
		if (s->work != &work_relay)
			op_done(s, 1, true);
		next(s);
		break;
	default:
		die("unasked: %s", at);
	}
}

static void closed(struct session *s)
{
	if (s->phase != REST)
		die("the server closed in phase %u", s->phase);
	io_close(s);
}

static void go(struct session *s)
{
	next(s);
	io_flush(s);
}

const struct work work_deliver = {
	.name = "deliver", .begin = begin, .line = line, .closed = closed, .go = go
};
const struct work work_relay = {
	.name = "relay", .begin = begin, .line = line, .closed = closed, .go = go
};
