/* upload.c: Content in pieces: the same as whole, bounded in memory, stored once, swept when it never ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/upload.h"
#include "base/mem.h"
#include "run/run.h"
#include "world.h"

enum { LARGE = 20 * 1024 * 1024 + 77 };

static void feed(struct world *w, struct blob_upload *u, struct slice s, size_t piece)
{
	for (size_t at = 0; at < s.len; at += piece)
		assert_int_equal(
			blob_upload_add(u, slice_head(slice_tail(s, at), piece), &w->why), RC_OK);
}

static enum rc commit(struct world *w, struct blob_upload *u, uint64_t item)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	enum rc rc = blob_upload_store(u, &b, &w->why);
	blob_link(&b, &u->ref, 1, 'm', item);
	return rc == RC_OK ? data_commit_now(w->data, &b, &w->why) : rc;
}

static struct blob_ref upload(struct world *w, struct slice s, bool spill, uint64_t item)
{
	struct buf frame;
	struct blob_upload u;
	struct blob_ref ref;
	buf_init(&frame, 0, NULL);
	blob_upload_init(w->blob, &frame, &u);
	feed(w, &u, s, 16384 - 11);
	assert_int_equal(blob_upload_end(&u, spill, &w->a, &w->why), RC_OK);
	assert_int_equal(frame.len, 0);
	blob_ref_of(s, &ref);
	assert_true(memcmp(ref.hash, u.ref.hash, sizeof(ref.hash)) == 0 && ref.size == u.ref.size);
	assert_int_equal(commit(w, &u, item), RC_OK);
	struct blob_ref made = u.ref;
	blob_upload_done(&u, true);
	buf_done(&frame);
	return made;
}

static void read_back(struct world *w, struct slice s)
{
	struct blob_ref ref;
	struct slice got;
	blob_ref_of(s, &ref);
	for (size_t from = 0; from < s.len; from += s.len / 3 + 1000) {
		assert_int_equal(
			blob_read(w->blob, &ref, from, 300000, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, slice_head(slice_tail(s, from), 300000)));
	}
}

static void same_as_whole(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 0, 1, 5000, BLOB_FRAME - 1, BLOB_FRAME, BLOB_FRAME + 1,
		2 * BLOB_FRAME, 5 * BLOB_FRAME + 7 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		upload(w, world_content(w, sizes[i]), false, i);
		read_back(w, world_content(w, sizes[i]));
		upload(w, world_content(w, sizes[i] + 100), true,
			i + 100); /* small, and yet written */
		read_back(w, world_content(w, sizes[i] + 100));
	}
	assert_int_equal(world_purge(w), 0);
}

static size_t held(void)
{
	return mem_used(MEM_ARENA) + mem_used(MEM_BUFFER);
}

static void bounded_memory(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, LARGE);
	struct buf frame;
	struct blob_upload u;
	size_t before = held(), most = 0;
	buf_init(&frame, 0, NULL);
	blob_upload_init(w->blob, &frame, &u);
	for (size_t at = 0; at < s.len; at += 16384) {
		feed(w, &u, slice_head(slice_tail(s, at), 16384), 16384);
		size_t now = held() - before;
		most = now > most ? now : most;
	}
	assert_true(most < 5 * BLOB_FRAME);
	assert_int_equal(blob_upload_end(&u, false, &w->a, &w->why), RC_OK);
	assert_int_equal(commit(w, &u, 1), RC_OK);
	blob_upload_done(&u, true);
	buf_done(&frame);
	read_back(w, s);
}

/* A thousand octets in the middle cost one frame, and the one key that says where frames are. */
static void reads_what_it_needs(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, LARGE), got;
	struct blob_ref ref;
	struct data_stats before, after;
	blob_ref_of(s, &ref);
	upload(w, s, false, 1);
	data_stats(w->data, &before);
	assert_int_equal(blob_read(w->blob, &ref, LARGE / 2, 1000, &w->a, &got, &w->why), RC_OK);
	data_stats(w->data, &after);
	assert_true(slice_eq(got, slice_head(slice_tail(s, LARGE / 2), 1000)));
	assert_true(after.keys_read - before.keys_read <= 2);
	assert_true(after.bytes_copied - before.bytes_copied <= BLOB_FRAME + 100);
}

/* A hint saves the look for the place; a wrong one is as good as none. */
static void finds_the_place(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 5000, BLOB_FRAME + 1 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice s = world_content(w, sizes[i]), got;
		struct data_stats before, after;
		struct blob_ref ref = upload(w, s, true, 1), other = upload(w, s, true, 2);
		if (w->files)
			assert_true(ref.upload == 0 && other.upload == 0);
		else
			assert_true(ref.upload && other.upload && ref.upload != other.upload);
		data_stats(w->data, &before);
		assert_int_equal(
			blob_read(w->blob, &ref, 0, UINT64_MAX, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, s));
		data_stats(w->data, &after);
		if (!w->files) /* each frame, and nothing else */
			assert_int_equal(after.reads - before.reads, 1 + i);
		assert_int_equal(
			blob_read(w->blob, &other, 0, UINT64_MAX, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, s));
		ref.upload = 0;
		assert_int_equal(
			blob_read(w->blob, &ref, 0, UINT64_MAX, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, s));
	}
}

static void leaves_nothing(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, 9 * BLOB_FRAME);
	struct buf frame;
	struct blob_upload u;
	buf_init(&frame, 0, NULL);
	blob_upload_init(w->blob, &frame, &u);
	feed(w, &u, s, 50000);
	blob_upload_done(&u, false); /* its session is gone */
	assert_int_equal(world_keys(w, DATA_MAIN, NULL) + world_keys(w, DATA_BLOB, NULL), 0);
	upload(w, s, false, 1);
	size_t frames = world_keys(w, DATA_BLOB, NULL);
	upload(w, s, false, 2); /* a second one goes with the commit that links the first */
	assert_int_equal(world_keys(w, DATA_BLOB, NULL), frames);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 3); /* meta and two links */
	buf_done(&frame);
}

/* The process ends in the middle: the next one sweeps what its predecessor left, and nothing of its own. */
static void swept_after_a_crash(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, 700 * BLOB_FRAME / 100);
	struct buf frame, other;
	struct blob_upload lost, mine;
	struct blob *next;
	size_t n;
	if (w->files)
		return; /* a file without a name goes with its process */
	buf_init(&frame, 0, NULL);
	buf_init(&other, 0, NULL);
	blob_upload_init(w->blob, &frame, &lost);
	feed(w, &lost, s, 50000);
	assert_true(world_keys(w, DATA_BLOB, NULL) >= 4);
	assert_int_equal(blob_open(w->data, &(struct blob_options){ 0 }, &next, &w->why), RC_OK);
	blob_upload_init(next, &other, &mine);
	feed(w, &mine, world_content(w, 5 * BLOB_FRAME), 50000);
	assert_int_equal(blob_sweep(next, 0, &n, &w->why), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(world_keys(w, DATA_BLOB, NULL), 4);
	/* what was swept cannot be stored any more: its pieces are gone */
	assert_int_equal(blob_upload_end(&lost, false, &w->a, &w->why), RC_TAKEN);
	blob_upload_done(&lost, false);
	assert_int_equal(blob_upload_end(&mine, false, &w->a, &w->why), RC_OK);
	assert_int_equal(blob_sweep(next, run_unix(NULL) + 10, &n, &w->why), RC_OK);
	assert_int_equal(n, 1); /* untouched for too long */
	assert_int_equal(commit(w, &mine, 1), RC_TAKEN);
	blob_upload_done(&mine, false);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL) + world_keys(w, DATA_BLOB, NULL), 0);
	blob_close(&next);
	buf_done(&frame);
	buf_done(&other);
}

/* One content, many recipients: whatever the codec, it is stored once, and other codecs' frames are read as well. */
static void compressed_once(void **state)
{
	struct world *w = *state;
	static const char *const codecs[] = { "none", "lz4", "zstd" };
	size_t bytes[3];
	if (w->files)
		return;
	for (size_t c = 0; c < 3; c++) {
		struct blob *blob = w->blob;
		struct slice s = world_content(w, 300000 + c);
		assert_int_equal(
			blob_open(w->data, &(struct blob_options){ .compression = codecs[c] },
				&w->blob, &w->why),
			RC_OK);
		size_t before, after;
		world_keys(w, DATA_BLOB, &before);
		for (uint64_t rcpt = 0; rcpt < 50; rcpt++)
			upload(w, s, false, c * 100 + rcpt);
		world_keys(w, DATA_BLOB, &after);
		bytes[c] = after - before;
		blob_close(&w->blob);
		w->blob = blob;
		read_back(w, s);
	}
	assert_true(bytes[0] >= 300000 && bytes[0] < 301000);
	assert_true(bytes[1] < bytes[0] * 6 / 10 && bytes[2] < bytes[0] * 6 / 10);
}

int test_upload(struct world *w)
{
	const struct CMUnitTest tests[] = { { "same_as_whole", same_as_whole, world_begin,
						    world_end, w },
		{ "bounded_memory", bounded_memory, world_begin, world_end, w },
		{ "reads_what_it_needs", reads_what_it_needs, world_begin, world_end, w },
		{ "finds_the_place", finds_the_place, world_begin, world_end, w },
		{ "leaves_nothing", leaves_nothing, world_begin, world_end, w },
		{ "swept_after_a_crash", swept_after_a_crash, world_begin, world_end, w },
		{ "compressed_once", compressed_once, world_begin, world_end, w } };
	return _cmocka_run_group_tests(w->files ? "upload to files" : "upload to the data store",
		tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
