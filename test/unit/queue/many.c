/* many.c: Long queues: slow destinations hold nobody up, starting takes no time, and everything leaves once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "peer.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { BATCH = 1000 };

/* As if they had been queued before the last stop: in the store, and unknown to the running queue. */
static void store_many(struct world *w, size_t n, const char *to)
{
	struct slice whole = S("mine\nS: 1\r\n\r\nx\r\n");
	struct queue_rcpt rcpt = { .address = slice_str(to) };
	for (size_t done = 0; done < n;) {
		struct arena a;
		struct data_batch b;
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		struct queue_message m = { .trace = S("t1"),
			.sender = S(""),
			.skip = 5,
			.made = run_unix(w->run),
			.rcpts = &rcpt,
			.rcpts_n = 1 };
		world_store(w, &b, whole, &m.blob);
		for (size_t i = 0; i < BATCH && done < n; i++, done++)
			assert_int_equal(queue_add(w->queue, &b, &m), RC_OK);
		assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
		arena_done(&a);
	}
}

/* One never greets and has many messages; the other's one comes through beside them. */
static void slow_beside_fast(void **state)
{
	static struct peer slow, fast;
	static struct world w;
	(void)state;
	slow = (struct peer){ .extensions = "", .wait_for = 1000, .address = "127.0.0.2" };
	peer_start(&slow, 0);
	fast = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&fast, slow.port);
	struct queue_deps deps = { .terms.port = slow.port,
		.terms.at_once = 4,
		.terms.per_destination = 2,
		.terms.command_ms = 60000 };
	world_begin(&w, &deps);
	for (int i = 0; i < 50; i++)
		world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@b.test"), 0);
	world_post(&w, S("S: 2\r\n\r\nx\r\n"), TO("x@a.test"), 0);
	assert_true(peer_wait(&fast, 1));
	peer_let_go(&slow);
	world_end(&w);
	peer_stop(&slow);
	assert_true(slow.most <= 2);
	peer_stop(&fast);
}

/* More than one destination's share of memory: they are read again and again, and each one leaves once. */
static void all_leave_once(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	world_meet(&w, &p, "PIPELINING");
	store_many(&w, 3500, "x@a.test");
	world_restart(&w);
	assert_int_equal(queue_depth(w.queue), 3500);
	for (int i = 0; i < 10; i++)
		world_post(&w, S("S: 1\r\n\r\nnew\r\n"), TO("y@a.test"), 0);
	for (int i = 0; i < 10 && !world_emptied(&w); i++)
		;
	assert_int_equal(queue_depth(w.queue), 0);
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 3510);
}

/* Other terms again and again while messages leave, with connections busy, at rest and waited for: each leaves once. */
static void terms_change_under_way(void **state)
{
	static struct peer p;
	static struct world w;
	(void)state;
	world_meet(&w, &p, "PIPELINING");
	struct queue_terms terms = w.deps.terms;
	for (uint32_t i = 0; i < 300; i++) {
		world_post(&w, S("S: 1\r\n\r\nx\r\n"), TO("x@a.test"), 0);
		terms.per_destination = i % 3 == 0 ? 1 : 10;
		terms.at_once = i % 5 == 0 ? 2 : 50;
		terms.per_connection = 1 + i % 7;
		queue_change(w.queue, &terms);
	}
	for (int i = 0; i < 10 && !world_emptied(&w); i++)
		;
	assert_int_equal(queue_depth(w.queue), 0);
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 300);
}

/* QUEUE_ITEMS=1000000 QUEUE_ENGINE=rocksdb build/unit/queue tells the figures for more. */
static void start_does_not_wait(void **state)
{
	static struct peer slow, fast;
	static struct world w;
	const char *items = getenv("QUEUE_ITEMS"), *engine = getenv("QUEUE_ENGINE");
	size_t n = items ? strtoul(items, NULL, 10) : 100000;
	(void)state;
	slow = (struct peer){ .extensions = "", .wait_for = 1000, .address = "127.0.0.2" };
	peer_start(&slow, 0);
	fast = (struct peer){ .extensions = "PIPELINING" };
	peer_start(&fast, slow.port);
	world_begin_on(&w, engine ? engine : "memory",
		&(struct queue_deps){ .terms.port = slow.port, .terms.command_ms = 60000 });
	store_many(&w, n, "x@b.test");
	store_many(&w, 1, "x@a.test");
	size_t before = mem_used(MEM_QUEUE);
	world_restart(&w);
	assert_int_equal(queue_depth(w.queue), n + 1);
	uint64_t began = run_now_us();
	for (int i = 0; i < 20 && !peer_wait(&fast, 1); i++)
		;
	assert_int_equal(fast.messages, 1);
	size_t used = mem_used(MEM_QUEUE) - before;
	print_message("%zu messages: started in %llu us, the last one out after %llu ms, %zu KiB\n",
		n, (unsigned long long)w.start_us,
		(unsigned long long)(run_now_us() - began) / 1000, used / 1024);
	assert_true(w.start_us < 500000);
	assert_true(used < 4 << 20);
	peer_let_go(&slow);
	world_end(&w);
	peer_stop(&slow);
	peer_stop(&fast);
}

/* A record as versions 1 and 2 wrote them: no account; 1 also knows no server. */
static void put_past(struct world *w, struct data_batch *b, uint8_t version, const char *to)
{
	struct slice whole = S("mine\nS: 1\r\n\r\nx\r\n");
	struct blob_ref ref;
	struct buf key, out;
	buf_init(&key, 0, b->arena);
	buf_init(&out, 0, b->arena);
	buf_str(&key, "Qm");
	buf_be64(&key, version);
	world_store(w, b, whole, &ref);
	blob_link(b, &ref, 0, 'Q', version);
	buf_byte(&out, version);
	buf_byte(&out, 0);
	buf_add(&out, slice_of(ref.hash, sizeof(ref.hash)));
	buf_varint(&out, ref.size);
	buf_varint(&out, 5);
	buf_be64(&out, (uint64_t)run_unix(w->run)); /* made, due */
	buf_be64(&out, (uint64_t)run_unix(w->run));
	buf_vslice(&out, S("t1"));
	buf_vslice(&out, S("me@out.test"));
	buf_vslice(&out, S(""));
	buf_varint(&out, 2);
	for (uint8_t state = QUEUE_WAITING; state <= QUEUE_SENT; state++) {
		buf_vslice(&out, slice_str(state == QUEUE_WAITING ? to : "sent@b.test"));
		buf_vslice(&out, S(""));
		buf_byte(&out, 0);
		buf_byte(&out, state);
		buf_varint(&out, 1);
		if (version > 1)
			buf_vslice(&out, S("mx.b.test"));
		buf_vslice(&out, S("451 4.2.0 later"));
	}
	data_put(b, DATA_MAIN, buf_slice(&key), buf_slice(&out));
}

static void past_records_leave(void **state)
{
	static struct peer p;
	static struct world w;
	struct data_batch b;
	(void)state;
	world_meet(&w, &p, "PIPELINING");
	data_batch_init(&b, &w.a);
	put_past(&w, &b, 1, "one@a.test");
	put_past(&w, &b, 2, "two@a.test");
	assert_int_equal(data_commit_now(w.data, &b, &w.why), RC_OK);
	world_restart(&w);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 2);
	assert_non_null(strstr(p.log, "one@a.test"));
	assert_non_null(strstr(p.log, "two@a.test"));
	assert_null(strstr(p.log, "sent@b.test"));
}

int test_many(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(slow_beside_fast),
		cmocka_unit_test(all_leave_once), cmocka_unit_test(terms_change_under_way),
		cmocka_unit_test(start_does_not_wait), cmocka_unit_test(past_records_leave) };
	return _cmocka_run_group_tests("many", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
