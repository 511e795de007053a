/* world.c: A queue with memory for a store, a script for DNS, and a place for its reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "base/metric.h"
#include "blob/upload.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct dns_script_row zone[] = {
	{ .name = "a.test", .type = DNS_MX, .text = "10 mx.a.test" },
	{ .name = "mx.a.test", .type = DNS_A, .text = "127.0.0.1" },
	{ .name = "b.test", .type = DNS_A, .text = "127.0.0.2" },
	{ .name = "two.test", .type = DNS_MX, .text = "20 mx.a.test" },
	{ .name = "two.test", .type = DNS_MX, .text = "10 mx.bad.test" },
	{ .name = "mx.bad.test", .type = DNS_A, .text = "127.0.0.3" },
	{ .name = "null.test", .type = DNS_MX, .text = "0 ." }, { .name = "bare.test" },
	{ .name = "noaddress.test", .type = DNS_MX, .text = "10 gone.test" },
	{ .name = "ours.test", .type = DNS_MX, .text = "10 OUT.test" },
	{ .name = "ours.test", .type = DNS_MX, .text = "10 mx.a.test" },
	{ .name = "second.test", .type = DNS_MX, .text = "30 mx.a.test" },
	{ .name = "second.test", .type = DNS_MX, .text = "20 out.test" },
	{ .name = "second.test", .type = DNS_MX, .text = "10 mx.bad.test" },
	{ .name = "servfail.test", .type = DNS_MX, .rc = RC_TEMP },
	{ .name = "mxfail.test", .type = DNS_MX, .text = "10 failing.test" },
	{ .name = "failing.test", .type = DNS_A, .rc = RC_TEMP },
	{ .name = "implicit.test", .type = DNS_A, .text = "127.0.0.1" }
};

static enum rc keep_report(void *arg, struct slice rcpt, struct slice message, struct fault *why)
{
	struct world *w = arg;
	if (w->report_temp_left > 0) {
		w->report_temp_left--;
		return fault_set(why, FAULT_STORE, "%s", "");
	}
	(void)snprintf(w->report, sizeof(w->report), "%.*s\n%.*s", FMT(rcpt), FMT(message));
	w->reports++;
	return RC_OK;
}

static void run_up(struct world *w)
{
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	w->net = net_new(&(struct net_conf){ .run = w->run, .limits.connections_max = 100 });
	assert_int_equal(
		dns_script_new(w->run, zone, sizeof(zone) / sizeof(zone[0]), &w->dns, &w->why),
		RC_OK);
	struct queue_deps deps = w->deps;
	deps.run = w->run;
	deps.net = w->net;
	deps.dns = w->dns;
	w->queue = queue_new(&deps);
	run_start(w->run);
	uint64_t began = run_now_us();
	assert_int_equal(queue_start(w->queue, &w->why), RC_OK);
	w->start_us = run_now_us() - began;
}

static void run_down(struct world *w)
{
	run_drain(w->run);
	(void)run_wait_empty(w->run, 3000);
	run_free(&w->run);
	queue_free(&w->queue);
	dns_free(&w->dns);
	net_free(&w->net);
}

void world_begin_on(struct world *w, const char *engine, const struct queue_deps *more)
{
	struct blob_options bo = { .compression = NULL };
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/veredus-unit-queue-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->path, sizeof(w->path), "%s/store", w->folder);
	struct data_options o = { .type = engine, .path = w->path };
	w->deferred = metric_get(METRIC_QUEUE_DEFERRED);
	arena_init(&w->a, 0);
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &bo, &w->blob, &w->why), RC_OK);
	w->deps = *more;
	w->deps.data = w->data;
	w->deps.blob = w->blob;
	w->deps.terms.hostname = "out.test";
	w->deps.terms.retry_first_ms = w->deps.terms.retry_max_ms = 1;
	w->deps.terms.connect_ms = 2000;
	w->deps.terms.command_ms = more->terms.command_ms ? more->terms.command_ms : 2000;
	w->deps.report = keep_report;
	w->deps.arg = w;
	run_up(w);
}

void world_begin(struct world *w, const struct queue_deps *more)
{
	world_begin_on(w, "memory", more);
}

void world_meet(struct world *w, struct peer *p, const char *extensions)
{
	*p = (struct peer){ .extensions = extensions };
	peer_start(p, 0);
	world_begin(w, &(struct queue_deps){ .terms.port = p->port });
}

void world_restart(struct world *w)
{
	run_down(w);
	run_up(w);
}

void world_end(struct world *w)
{
	char command[300];
	w->deferred = metric_get(METRIC_QUEUE_DEFERRED) - w->deferred;
	run_down(w);
	blob_close(&w->blob);
	data_close(&w->data);
	arena_done(&w->a);
	(void)snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	(void)!system(command);
}

void world_store(struct world *w, struct data_batch *b, struct slice whole, struct blob_ref *ref)
{
	struct buf frame;
	struct blob_upload u;
	buf_init(&frame, 0, NULL);
	blob_upload_init(w->blob, &frame, &u);
	assert_int_equal(blob_upload_add(&u, whole, &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&u, false, b->arena, &w->why), RC_OK);
	assert_int_equal(blob_upload_store(&u, b, &w->why), RC_OK);
	*ref = u.ref;
	blob_upload_done(&u, true); /* one frame: the batch holds it */
	buf_done(&frame);
}

uint64_t world_queue(struct world *w, struct slice text, struct queue_message *m)
{
	struct data_batch b;
	m->trace = S("t1");
	m->sender = S("me@out.test");
	m->envid = S("e1");
	m->skip = 5;
	m->made = m->made ? m->made : run_unix(w->run);
	struct slice whole = arena_fmt(&w->a, "mine\n%.*s", FMT(text));
	data_batch_init(&b, &w->a);
	world_store(w, &b, whole, &m->blob);
	assert_int_equal(queue_add(w->queue, &b, m), RC_OK);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	queue_added(w->queue, m, w->cold ? S("") : whole);
	return m->id;
}

uint64_t world_post(struct world *w, struct slice text, const char *const *rcpts, unsigned notify)
{
	struct queue_rcpt all[8];
	struct queue_message m = { .rcpts = all };
	memset(all, 0, sizeof(all));
	for (; rcpts[m.rcpts_n]; m.rcpts_n++)
		all[m.rcpts_n] = (struct queue_rcpt){ .address = slice_str(rcpts[m.rcpts_n]),
			.notify = notify };
	return world_queue(w, text, &m);
}

bool world_emptied(struct world *w)
{
	for (int i = 0; i < 1000; i++) {
		if (queue_depth(w->queue) == 0)
			return true;
		usleep(5000);
	}
	return false;
}
