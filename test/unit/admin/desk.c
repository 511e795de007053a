/* desk.c: Commands run as the control socket runs them, over the rooms of the tests of post/. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"
#include "admin/report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

enum { MANY = 16 };

static void config(void *arg, bool json, struct buf *out)
{
	(void)arg;
	buf_str(out,
		json ? "{}" : "server.hostname = \"mx\"  # default\nlog.level = \"info\"  # f:1\n");
}

static enum rc reload(void *arg, struct buf *report, struct fault *why)
{
	(void)arg;
	(void)why;
	buf_str(report, "read again\n");
	return RC_OK;
}

void desk_begin(struct desk *d)
{
	world_begin(&d->w, true);
	d->deps = (struct admin_deps){ .run = d->w.run,
		.net = d->w.net,
		.data = d->w.data,
		.dir = d->w.dir,
		.mail = d->w.mail,
		.queue = d->w.queue,
		.version = "1.2.3",
		.started = run_unix(d->w.run),
		.config = config,
		.reload = reload };
}

void desk_end(struct desk *d)
{
	world_end(&d->w);
}

enum rc desk_run(struct desk *d, const char *text)
{
	struct slice words[MANY], options[MANY], rest = slice_str(text);
	struct arena a;
	struct buf out;
	struct fault why = { 0 };
	arena_init(&a, 0);
	buf_init(&out, 0, &a);
	struct admin_call call = {
		.deps = &d->deps, .arena = &a, .words = words, .options = options, .out = &out
	};
	while (rest.len) {
		struct slice word = slice_split(&rest, ' ');
		if (slice_eq(word, S("<"))) {
			call.secret = rest;
			break;
		}
		if (slice_eq(word, S("--json")))
			call.json = true;
		else if (slice_starts(word, S("--")))
			options[call.options_n++] = slice_tail(word, 2);
		else
			words[call.n++] = word;
	}
	enum rc rc = admin_run(&call, &why);
	if (rc != RC_OK && rc != RC_MORE) {
		buf_reset(&out);
		report_error(&out, call.json, &why);
	}
	snprintf(d->said, sizeof(d->said), "%.*s", FMT(buf_slice(&out)));
	arena_done(&a);
	return rc;
}
