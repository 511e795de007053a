/* cli_load.c: Many lines for a command, from standard input or a URL, a frame at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "link/fetch.h"
#include "main/cli.h"
#include "run/run.h"
#include <string.h>

enum {
	LOAD_BYTES = 512 * 1024,
	URL_BYTES = 256 * 1024 * 1024,
	URL_MS = 120000,
	HEAD_BYTES = 16384
};

/* Whole lines, as many as fit into one frame, then the next ones. */
static int send_lines(struct cli *cli, const char *path, FILE *in)
{
	char *text = arena_try(&cli->arena, LOAD_BYTES);
	size_t held = 0, lines = 0, n;
	int status = text ? 0 : 1;
	bool is_end = false;
	cli->n++;
	while (status == 0 && !(is_end && held == 0)) {
		while (held < LOAD_BYTES && (n = fread(text + held, 1, LOAD_BYTES - held, in)) > 0)
			held += n;
		is_end = held < LOAD_BYTES;
		struct slice all = slice_of(text, held);
		size_t whole = is_end ? held : slice_rfind(all, '\n') + 1;
		if (whole == 0 && lines > 0)
			break;
		if (whole > held) {
			fputs("veredus: a line is too long\n", stderr);
			return 1;
		}
		cli->words[cli->n - 1] =
			(char *)(uintptr_t)arena_fmt(&cli->arena, "--after-line=%zu", lines).at;
		for (size_t i = 0; i < whole; i++)
			lines += text[i] == '\n';
		status = admin_call(path, cli->words, cli->n, slice_head(all, whole));
		memmove(text, text + whole, held - whole);
		held -= whole;
	}
	return status;
}

static const char *url_of(const struct cli *cli)
{
	for (size_t i = 0; i < cli->n; i++)
		if (strncmp(cli->words[i], "--url=", 6) == 0)
			return cli->words[i] + 6;
	return NULL;
}

/* The whole answer; we ask, not the server: what it may reach is not what we may reach. */
static enum rc get(const char *url, struct buf *out, struct fault *why)
{
	struct buf head;
	struct fetch *fetch = fetch_new(&(struct fetch_conf){ .name = url, .most = 1 });
	static const char *const fields[] = { "Accept: */*", NULL };
	buf_init(&head, HEAD_BYTES, NULL);
	struct fetch_call call = { .method = "GET",
		.url = url,
		.fields = fields,
		.deadline_ms = run_now_ms(NULL) + URL_MS,
		.head = &head,
		.out = out };
	enum rc rc = fetch_do(fetch, &call, why);
	if (rc == RC_OK && call.status != 200)
		rc = fault_set(why, FAULT_STORE, "%s: status %u", url, call.status);
	buf_done(&head);
	fetch_free(&fetch);
	return rc;
}

static int from_url(struct cli *cli, const char *path, const char *url)
{
	struct buf body;
	struct fault why = { 0 };
	int status = 1;
	buf_init(&body, URL_BYTES, NULL);
	if (get(url, &body, &why) != RC_OK) {
		fprintf(stderr, "veredus: %s\n", fault_text(&why));
	} else {
		buf_byte(&body, '\n'); /* a stream over nothing cannot be opened */
		FILE *in = fmemopen(body.at, body.len, "r");
		status = in ? send_lines(cli, path, in) : 1;
		if (in)
			fclose(in);
	}
	buf_done(&body);
	return status;
}

int cli_load(struct cli *cli, const char *path)
{
	const char *url = url_of(cli);
	return url ? from_url(cli, path, url) : send_lines(cli, path, stdin);
}
