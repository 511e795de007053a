/* far.c: Objects in a store behind a network: reserved before they begin, gone when nobody links them, whoever crashes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_int.h"
#include "blob/upload.h"
#include "run/run.h"
#include "world.h"
#include <pthread.h>

enum { LARGE = 20 * 1024 * 1024 + 77, THREADS = 6, ROUNDS = 5 };

struct upload {
	struct blob_upload u;
	struct buf frame;
	struct data_batch b;
};

static enum rc begin(struct blob *blob, struct upload *up, struct slice s)
{
	struct fault why;
	enum rc rc = RC_OK;
	buf_init(&up->frame, 0, NULL);
	blob_upload_init(blob, &up->frame, &up->u);
	for (size_t at = 0; rc == RC_OK && at < s.len; at += 60000)
		rc = blob_upload_add(&up->u, slice_head(slice_tail(s, at), 60000), &why);
	return rc;
}

static enum rc store(struct world *w, struct upload *up, struct arena *a, uint64_t item)
{
	struct fault why;
	if (!up->u.ended && blob_upload_end(&up->u, false, a, &why) != RC_OK)
		return RC_TEMP;
	data_batch_init(&up->b, a);
	if (blob_upload_store(&up->u, &up->b, &why) != RC_OK)
		return RC_TEMP;
	blob_link(&up->b, &up->u.ref, 1, 'm', item);
	return data_commit_now(w->data, &up->b, &why);
}

static void end(struct upload *up, bool stored)
{
	blob_upload_done(&up->u, stored);
	buf_done(&up->frame);
}

static struct place_name name_of(const struct blob_upload *u)
{
	struct place_name name = { .upload = u->id, .born = u->born };
	memcpy(name.hash, u->ref.hash, sizeof(name.hash));
	return name;
}

static bool is_there(struct world *w, const struct place_name *name)
{
	struct place_range one = { 0, 2 };
	struct slice got;
	enum rc rc = place_get(w->blob->place, name, &one, &w->a, &got, &w->why);
	if (rc != RC_OK && rc != RC_NONE)
		fail_msg("%s: %s", rc_name(rc), fault_text(&w->why));
	return rc == RC_OK;
}

/* A message that was refused after its last octet, and one whose content another one had. */
static void nothing_is_left(void **state)
{
	struct world *w = *state;
	struct upload lost, first, second;
	struct slice s = world_content(w, 5000);
	assert_int_equal(begin(w->blob, &lost, s), RC_OK);
	assert_int_equal(blob_upload_end(&lost.u, false, &w->a, &w->why), RC_OK);
	struct place_name name = name_of(&lost.u);
	assert_true(is_there(w, &name));
	end(&lost, false);
	assert_false(is_there(w, &name));
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 0);

	assert_int_equal(begin(w->blob, &first, s), RC_OK);
	assert_int_equal(begin(w->blob, &second, s), RC_OK);
	assert_int_equal(blob_upload_end(&first.u, false, &w->a, &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&second.u, false, &w->a, &w->why), RC_OK);
	struct place_name one = name_of(&first.u), two = name_of(&second.u);
	assert_int_equal(store(w, &first, &w->a, 1), RC_OK);
	assert_int_equal(store(w, &second, &w->a, 2), RC_OK);
	assert_true(is_there(w, &one) && is_there(w, &two));
	end(&second, true);
	end(&first, true);
	assert_true(is_there(w, &one));
	assert_false(is_there(w, &two));
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 3); /* meta and two links */
}

/* The process ends in the middle of a message of many parts, and behind the last one, before the commit. */
static void swept_after_a_crash(void **state)
{
	struct world *w = *state;
	struct upload half, whole;
	struct blob *next;
	size_t n;
	assert_int_equal(begin(w->blob, &half, world_content(w, LARGE)), RC_OK);
	assert_non_null(half.u.write);
	assert_int_equal(begin(w->blob, &whole, world_content(w, 300000)), RC_OK);
	assert_int_equal(blob_upload_end(&whole.u, false, &w->a, &w->why), RC_OK);
	struct place_name name = name_of(&whole.u);
	struct blob_options o = { .place = w->far };
	assert_int_equal(blob_open(w->data, &o, &next, &w->why), RC_OK);
	assert_int_equal(blob_sweep(next, 0, &n, &w->why), RC_OK);
	assert_int_equal(n, 0); /* another node may be at it */
	assert_true(is_there(w, &name));
	assert_int_equal(blob_sweep(next, run_unix(NULL) + 10, &n, &w->why), RC_OK);
	assert_int_equal(n, 2);
	assert_false(is_there(w, &name));
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 0);
	/* whoever was not dead after all stores nothing */
	assert_int_equal(store(w, &whole, &w->a, 1), RC_TAKEN);
	end(&whole, false);
	assert_int_not_equal(store(w, &half, &w->a, 2), RC_OK);
	end(&half, false);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 0);
	blob_close(&next);
}

/* What is purged is gone from there; one that the purge could not remove has a reservation. */
static void purged(void **state)
{
	struct world *w = *state;
	struct upload up;
	struct data_batch b;
	assert_int_equal(begin(w->blob, &up, world_content(w, 300000)), RC_OK);
	assert_int_equal(store(w, &up, &w->a, 1), RC_OK);
	struct place_name name = name_of(&up.u);
	struct blob_ref ref = up.u.ref;
	end(&up, true);
	data_batch_init(&b, &w->a);
	blob_unlink(&b, &ref, 1, 'm', 1);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	assert_int_equal(world_purge(w), 1);
	assert_false(is_there(w, &name));
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 0);
}

struct client {
	struct world *w;
	unsigned nth, stored;
};

/* Each round one content that all have, and one of its own. */
static void *work(void *arg)
{
	struct client *c = arg;
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		struct arena a;
		struct upload up;
		struct fault why;
		struct slice text, got;
		arena_init(&a, 0);
		text = arena_fmt(&a, "%0200000u", i % 2 ? i : (c->nth + 1) * 1000 + i);
		enum rc rc = begin(c->w->blob, &up, text);
		while (rc == RC_OK && (rc = store(c->w, &up, &a, c->nth * 100 + i)) == RC_TAKEN)
			rc = RC_OK;
		struct blob_ref ref = up.u.ref;
		end(&up, rc == RC_OK);
		if (rc == RC_OK &&
			blob_read(c->w->blob, &ref, 0, UINT64_MAX, &a, &got, &why) == RC_OK)
			c->stored += slice_eq(got, text);
		arena_done(&a);
	}
	return NULL;
}

static void many_at_once(void **state)
{
	struct world *w = *state;
	pthread_t threads[THREADS];
	struct client clients[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		clients[i] = (struct client){ .w = w, .nth = i };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &clients[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(clients[i].stored, 2 * ROUNDS);
	}
	/* metas of 5 common and 30 own contents, links of all 60: no reservation is left */
	assert_int_equal(
		world_keys(w, DATA_MAIN, NULL), ROUNDS + THREADS * ROUNDS + 2 * THREADS * ROUNDS);
}

int test_far(struct world *w)
{
	const struct CMUnitTest tests[] = { { "nothing_is_left", nothing_is_left, world_begin,
						    world_end, w },
		{ "swept_after_a_crash", swept_after_a_crash, world_begin, world_end, w },
		{ "purged", purged, world_begin, world_end, w },
		{ "many_at_once", many_at_once, world_begin, world_end, w } };
	return _cmocka_run_group_tests("far", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
