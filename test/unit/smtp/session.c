/* session.c: Lines to a door on loopback, and the codes that come back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../post/world.h"
#include "groups.h"
#include "smtp/smtp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

struct desk {
	struct world w;
	struct smtp *smtp;
	FILE *client;
	int fd;
};

static int dial(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static void begin(struct desk *d, enum smtp_role role)
{
	char bind_at[32];
	uint16_t port = free_port();
	world_begin(&d->w, true);
	d->smtp = smtp_new(&(struct smtp_deps){ .post = d->w.post,
		.auth = d->w.auth,
		.dir = d->w.dir,
		.run = d->w.run,
		.hostname = "mx.example.org",
		.size_max = 1 << 20,
		.rcpt_max = 5,
		.errors_max = 1000,
		.idle_ms = 60000,
		.data_ms = 60000 });
	snprintf(bind_at, sizeof(bind_at), "127.0.0.1:%u", port);
	struct net_listener l = {
		.name = "test", .bind = bind_at, .door = smtp_door(d->smtp, role)
	};
	assert_int_equal(net_listen(d->w.net, &l, &d->w.why), RC_OK);
	d->fd = dial(port);
	d->client = fdopen(d->fd, "r");
}

static void end(struct desk *d)
{
	fclose(d->client);
	net_close_listeners(d->w.net);
	run_drain(d->w.run);
	(void)run_wait_empty(d->w.run, 10000);
	struct smtp *smtp = d->smtp;
	world_end(&d->w);
	smtp_free(&smtp);
}

/* The last line of the next reply. */
static const char *reply(struct desk *d, char line[512])
{
	do {
		line[0] = 0;
		if (!fgets(line, 512, d->client))
			return "closed";
	} while (line[3] == '-');
	return line;
}

/* Says it with CRLF; the reply must begin with `code`. */
static void says(struct desk *d, const char *text, const char *code)
{
	char line[512];
	if (text) {
		assert_int_equal(write(d->fd, text, strlen(text)), (ssize_t)strlen(text));
		assert_int_equal(write(d->fd, "\r\n", 2), 2);
	}
	const char *got = reply(d, line);
	if (strncmp(got, code, strlen(code)) != 0)
		print_error("%s: %s instead of %s\n", text ? text : "(greeting)", got, code);
	assert_memory_equal(got, code, strlen(code));
}

struct line {
	const char *text, *code;
};

static void all(struct desk *d, const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		says(d, lines[i].text, lines[i].code);
}

#define ALL(d, lines) all(d, lines, sizeof(lines) / sizeof((lines)[0]))

/* MAIL and RCPT in every spelling, each MAIL on its own. */
static void envelope(void **state)
{
	static const struct line senders[] = {
		{ "MAIL FROM:<joe@else.test>", "250 2.1.0" },
		{ "mail from:<joe@else.test>", "250 2.1.0" },
		{ "MAIL FROM: <joe@else.test>", "250 2.1.0" },
		{ "MAIL FROM:<>", "250 2.1.0" },
		{ "MAIL FROM:<\"j oe\"@else.test>", "250 2.1.0" },
		{ "MAIL FROM:<\"j\\\"oe\"@else.test>", "250 2.1.0" },
		{ "MAIL FROM:<@a.test,@b.test:joe@else.test>", "250 2.1.0" },
		{ "MAIL FROM:<joe@[192.0.2.1]>", "250 2.1.0" },
		{ "MAIL FROM:<joe@[IPv6:2001:db8::1]>", "250 2.1.0" },
		{ "MAIL FROM:<joe@else.test> SIZE=1048576", "250 2.1.0" },
		{ "MAIL FROM:<joe@else.test> SIZE=1048577", "552 5.3.4" },
		{ "MAIL FROM:<joe@else.test> SIZE=99999999999999999999", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test> SIZE=", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test> SIZE=1 SIZE=1", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x",
			"250 2.1.0" },
		{ "MAIL FROM:<joe@else.test> BODY=EBCDIC", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test> AUTH=<>", "250 2.1.0" },
		{ "MAIL FROM:<joe@else.test> XYZZY", "555 5.5.4" },
		{ "MAIL FROM:<joe@else.test> REQUIRETLS", "555 5.5.4" },
		{ "MAIL FROM:<joe@else.test> BY=100;R", "555 5.5.4" },
		{ "MAIL FROM:<j\xc3\xb6rg@else.test>", "501 5.5.4" },
		{ "MAIL FROM:<j\xc3\xb6rg@else.test> SMTPUTF8", "250 2.1.0" },
		{ "MAIL FROM:<j\xf6rg@else.test> SMTPUTF8", "501 5.5.4" },
		{ "MAIL FROM:joe@else.test", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test", "501 5.5.4" },
		{ "MAIL FROM:<joe@else.test>x", "501 5.5.4" },
		{ "MAIL FROM:<joe>", "501 5.5.4" },
		{ "MAIL FROM:<joe@else..test>", "501 5.5.4" },
		{ "MAIL FROM:<joe@-else.test>", "501 5.5.4" },
		{ "MAIL FROM:<joe@[300.0.2.1]>", "501 5.5.4" },
		{ "MAIL TO:<joe@else.test>", "501 5.5.4" },
		{ "MAIL", "501 5.5.4" },
	};
	struct desk d;
	(void)state;
	begin(&d, SMTP_MX);
	says(&d, NULL, "220 mx.example.org ESMTP");
	says(&d, "EHLO client.test", "250 ENHANCEDSTATUSCODES");
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		says(&d, senders[i].text, senders[i].code);
		says(&d, "RSET", "250 2.0.0");
	}
	end(&d);
}

static void recipients(void **state)
{
	static const struct line lines[] = {
		{ "EHLO client.test", "250 ENHANCEDSTATUSCODES" },
		{ "RCPT TO:<ann@example.org>", "503 5.5.1" },
		{ "MAIL FROM:<joe@else.test>", "250 2.1.0" },
		{ "MAIL FROM:<joe@else.test>", "503 5.5.1" },
		{ "RCPT TO:<>", "501 5.5.4" },
		{ "RCPT TO:<nobody@example.org>", "550 5.1.1" },
		{ "RCPT TO:<ann@else.test>", "550 5.7.1" },
		{ "RCPT TO:<ann@example.org> NOTIFY=SOMETIMES", "501 5.5.4" },
		{ "RCPT TO:<ann@example.org> NOTIFY=NEVER,DELAY", "501 5.5.4" },
		{ "RCPT TO:<ann@example.org> SIZE=1", "555 5.5.4" },
		{ "DATA", "503 5.5.1" },
		{ "BDAT x", "501 5.5.4" },
	};
	static const struct line more[] = {
		{ NULL, "220" },
		{ "EHLO client.test", "250 ENHANCEDSTATUSCODES" },
		{ "MAIL FROM:<joe@else.test>", "250 2.1.0" },
		{ "RCPT TO:<ann@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c",
			"250 2.1.5" },
		{ "RCPT TO:<AL@EXAMPLE.ORG>", "250 2.1.5" },
		{ "RCPT TO:<\"ann\"@example.org>", "250 2.1.5" },
		{ "RCPT TO:<Postmaster>", "250 2.1.5" },
		{ "RCPT TO:<staff@example.org>", "250 2.1.5" },
		{ "RCPT TO:<bob@example.org>", "452 4.5.3" },
		{ "DATA", "354" },
		{ "Subject: x\r\n\r\n..\r\n.", "250 2.0.0 ok, kept as t" },
		{ "QUIT", "221 2.0.0" },
	};
	struct desk d;
	(void)state;
	begin(&d, SMTP_MX);
	says(&d, NULL, "220");
	ALL(&d, lines); /* a BDAT without a size ends the session: nobody knows where commands begin */
	char line[512];
	assert_string_equal(reply(&d, line), "closed");
	end(&d);
	begin(&d, SMTP_MX);
	ALL(&d, more);
	assert_int_equal(world_count(&d.w, d.w.ann), 1);
	assert_int_equal(world_count(&d.w, d.w.bob), 1);
	assert_true(slice_ends(world_text(&d.w, d.w.ann, 1), S("Subject: x\r\n\r\n.\r\n")));
	end(&d);
}

/* What submission wants before it takes mail, and what it adds. */
static void submits(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220" },
		{ "EHLO client.test", "250 ENHANCEDSTATUSCODES" },
		{ "MAIL FROM:<ann@example.org>", "530 5.7.0" },
		{ "AUTH XYZZY", "504 5.5.4" },
		{ "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwB3cm9uZw==", "535 5.7.8" },
		{ "AUTH PLAIN", "334 " },
		{ "*", "501 5.5.4" },
		{ "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=", "235 2.7.0" },
		{ "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=", "503 5.5.1" },
		{ "MAIL FROM:<joe@else.test>", "550 5.7.1" },
		{ "MAIL FROM:<al@example.org>", "250 2.1.0" },
		{ "RCPT TO:<ann@example.org>", "250 2.1.5" },
		{ "RCPT TO:<far@far.test>", "250 2.1.5" },
		{ "DATA", "354" },
		{ "Subject: x\r\n\r\nx\r\n.", "250 2.0.0" },
	};
	struct desk d;
	(void)state;
	begin(&d, SMTP_SUBMISSION);
	ALL(&d, lines);
	struct slice text = world_text(&d.w, d.w.ann, 1);
	assert_true(slice_search(text, S("\r\nDate: ")) < text.len);
	assert_true(slice_search(text, S("\r\nMessage-ID: <t")) < text.len);
	assert_true(slice_search(text, S(" with ESMTPA id ")) < text.len);
	assert_int_equal(queue_depth(d.w.queue), 1);
	end(&d);
}

/* A reply for each recipient, in their order. */
static void lmtp(void **state)
{
	static const struct line lines[] = {
		{ NULL, "220 mx.example.org LMTP" },
		{ "EHLO client.test", "500 5.5.1" },
		{ "LHLO client.test", "250 ENHANCEDSTATUSCODES" },
		{ "AUTH PLAIN x", "500 5.5.1" },
		{ "MAIL FROM:<>", "250 2.1.0" },
		{ "RCPT TO:<ann@example.org>", "250 2.1.5" },
		{ "RCPT TO:<nobody@example.org>", "550 5.1.1" },
		{ "RCPT TO:<bob@example.org>", "250 2.1.5" },
		{ "DATA", "354" },
	};
	struct desk d;
	char much[4000];
	(void)state;
	begin(&d, SMTP_LMTP);
	ALL(&d, lines);
	memset(much, 'x', sizeof(much));
	for (size_t i = 50; i + 2 < sizeof(much); i += 52)
		memcpy(much + i, "\r\n", 2);
	memcpy(much, "A: b\r\n\r\n", 8);
	memcpy(much + sizeof(much) - 5, "\r\n.", 4);
	says(&d, much, "250 2.0.0");
	says(&d, NULL, "552 5.2.2");
	says(&d, "NOOP", "250 2.0.0");
	assert_int_equal(world_count(&d.w, d.w.ann), 1);
	assert_int_equal(world_count(&d.w, d.w.bob), 0);
	end(&d);
}

/* A line end that other servers read in another way ends the session: nothing may hide behind it. */
static void no_smuggling(void **state)
{
	struct desk d;
	char line[512];
	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(&d, SMTP_MX);
		says(&d, NULL, "220");
		says(&d, "EHLO client.test", "250 ENHANCEDSTATUSCODES");
		says(&d, "MAIL FROM:<joe@else.test>", "250 2.1.0");
		says(&d, "RCPT TO:<ann@example.org>", "250 2.1.5");
		says(&d, "DATA", "354");
		says(&d,
			i ? "A: b\r\n\r\nx\n.\r\nMAIL FROM:<a@b.test>\r\n."
			  : "A: b\r\n\r\nx\r.\r\n.",
			"521 5.5.2");
		assert_string_equal(reply(&d, line), "closed");
		assert_int_equal(world_count(&d.w, d.w.ann), 0);
		end(&d);
	}
}

int test_session(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(envelope),
		cmocka_unit_test(recipients), cmocka_unit_test(submits), cmocka_unit_test(lmtp),
		cmocka_unit_test(no_smuggling) };
	return cmocka_run_group_tests_name("smtp session", tests, NULL, NULL);
}
