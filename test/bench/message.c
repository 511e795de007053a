/* message.c: The messages that the driver sends: ten header fields and text in words, no two alike. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 74, POOL_LINES = 16384 };

static char *pool; /* lines of words, twice the largest message */
static size_t pool_lines;

static const char *const words[] = { "the", "mail", "server", "keeps", "every", "letter", "that",
	"came", "over", "night", "and", "answers", "after", "flush", "some", "people", "write",
	"long", "sentences", "without", "reason", "others", "send", "figures", "12", "4711", "2026",
	"meeting", "tomorrow", "regards", "invoice", "attached", "please", "find", "customer",
	"order", "thursday", "window", "garden", "paper", "yellow", "train", "river", "bridge" };

void message_init(void)
{
	uint32_t seed = 4711;
	pool_lines = POOL_LINES + opt.size / LINE + 2;
	pool = malloc(pool_lines * LINE + 64);
	if (!pool)
		die("no memory");
	for (size_t i = 0; i < pool_lines; i++) {
		char *line = pool + i * LINE;
		size_t at = 0;
		while (at < LINE - 2) {
			seed = seed * 1664525 + 1013904223;
			const char *w = words[(seed >> 16) % (sizeof words / sizeof *words)];
			size_t len = strlen(w);
			if (at + len + 1 > LINE - 2)
				len = LINE - 2 - at;
			memcpy(line + at, w, len);
			at += len;
			if (at < LINE - 2)
				line[at++] = ' ';
		}
		memcpy(line + LINE - 2, "\r\n", 2);
	}
}

size_t message_size(void)
{
	return opt.size;
}

/* Exactly opt.size bytes. Each hundredth message has a word that no other has. */
void message_add(struct session *s, uint64_t op)
{
	char head[1024];
	char padding[128];
	int n = snprintf(head, sizeof head,
		"Return-Path: <bench@sender.test>\r\n"
		"Received: from client.sender.test ([192.0.2.7]) by mx.bench.test with ESMTP id "
		"b%010llu;\r\n"
		"\tWed, 25 Nov 2026 08:%02llu:%02llu +0000\r\n"
		"Date: Wed, 25 Nov 2026 08:%02llu:%02llu +0000\r\n"
		"From: Bench Sender <bench@sender.test>\r\n"
		"To: Bench Reader <user%llu@bench.test>\r\n"
		"Subject: Figures of the day, number %llu%s\r\n"
		"Message-ID: <%010llu.%08x@sender.test>\r\n"
		"X-Bench: %010llu\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n",
		(unsigned long long)op, (unsigned long long)(op / 60 % 60),
		(unsigned long long)(op % 60), (unsigned long long)(op / 60 % 60),
		(unsigned long long)(op % 60), (unsigned long long)(op % opt.users + 1),
		(unsigned long long)op, op % 100 ? "" : " needle", (unsigned long long)op,
		(unsigned)now_us(), (unsigned long long)op);
	size_t head_len = (size_t)n;
	if (opt.size < head_len + 128)
		die("messages of less than %zu bytes are not made", head_len + 128);
	io_add(s, head, head_len);
	size_t left = opt.size - head_len, whole = (left - 40) / LINE;
	io_add(s, pool + (op * 7919 % POOL_LINES) * LINE, whole * LINE);
	left -= whole * LINE;
	memset(padding, '.', sizeof padding);
	memcpy(padding, op % 100 ? "end " : "needle ", op % 100 ? 4 : 7);
	memcpy(padding + left - 2, "\r\n", 2);
	io_add(s, padding, left);
}
