/* main.c: Content is stored once, read in ranges, purged when nobody links it: in the data store and in files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/frame.h"
#include "blob/place.h"
#include "blob/upload.h"
#include "world.h"

struct upload {
	struct blob_upload u;
	struct buf frame;
	struct data_batch b;
};

static void begin(struct world *w, struct slice s, struct upload *up)
{
	buf_init(&up->frame, 0, NULL);
	blob_upload_init(w->blob, &up->frame, &up->u);
	assert_int_equal(blob_upload_add(&up->u, s, &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&up->u, false, &w->a, &w->why), RC_OK);
}

static void build(struct world *w, struct upload *up, uint64_t item)
{
	data_batch_init(&up->b, &w->a);
	assert_int_equal(blob_upload_store(&up->u, &up->b, &w->why), RC_OK);
	blob_link(&up->b, &up->u.ref, 1, 'm', item);
}

static enum rc commit(struct world *w, struct upload *up, uint64_t item)
{
	build(w, up, item);
	return data_commit_now(w->data, &up->b, &w->why);
}

static void end(struct upload *up, bool stored)
{
	blob_upload_done(&up->u, stored);
	buf_done(&up->frame);
}

static enum rc store(struct world *w, struct slice s, uint64_t item, struct blob_ref *ref)
{
	struct upload up;
	begin(w, s, &up);
	*ref = up.u.ref;
	enum rc rc = commit(w, &up, item);
	end(&up, rc == RC_OK);
	return rc;
}

static void unlink_item(struct world *w, const struct blob_ref *ref, uint64_t item)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	blob_unlink(&b, ref, 1, 'm', item);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
}

static void ranges(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 0, 1, 100, BLOB_FRAME - 1, BLOB_FRAME, BLOB_FRAME + 1,
		3 * BLOB_FRAME + 7 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice s = world_content(w, sizes[i]), got;
		struct blob_ref ref;
		assert_int_equal(store(w, s, i, &ref), RC_OK);
		assert_int_equal(
			blob_read(w->blob, &ref, 0, UINT64_MAX, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, s));
		for (size_t from = 0; from <= s.len + 10; from += 40009) {
			assert_int_equal(
				blob_read(w->blob, &ref, from, 150000, &w->a, &got, &w->why),
				RC_OK);
			assert_true(slice_eq(got, slice_head(slice_tail(s, from), 150000)));
			struct buf out;
			buf_init(&out, 0, NULL);
			buf_str(&out, "before ");
			assert_int_equal(
				blob_append(w->blob, &ref, from, 150000, &out, &w->why), RC_OK);
			buf_str(&out, " behind");
			assert_int_equal(out.len, got.len + 14);
			assert_memory_equal(out.at, "before ", 7);
			assert_memory_equal(out.at + 7, got.at, got.len);
			buf_done(&out);
		}
	}
}

/* An output that takes no more is left as it was, and says so. */
static void append_over_a_limit(void **state)
{
	struct world *w = *state;
	struct blob_ref ref;
	struct buf out;
	assert_int_equal(store(w, world_content(w, 5000), 1, &ref), RC_OK);
	buf_init(&out, 4000, NULL);
	buf_str(&out, "before");
	assert_int_equal(blob_append(w->blob, &ref, 0, 5000, &out, &w->why), RC_LIMIT);
	assert_true(out.over);
	assert_int_equal(out.len, 6);
	buf_done(&out);
}

static void parts_of_frames(void **state)
{
	static const enum frame_codec codecs[] = { FRAME_RAW, FRAME_LZ4, FRAME_ZSTD };
	static const size_t sizes[] = { 1, 64, 65, 1000, 9999, BLOB_FRAME };
	struct world *w = *state;
	static uint8_t at[BLOB_FRAME];
	for (size_t i = 0; i < 18; i++) {
		size_t size = sizes[i / 3];
		struct slice s = world_content(w, size), packed;
		assert_int_equal(frame_pack(codecs[i % 3], s, &w->a, &packed), RC_OK);
		for (size_t from = 0; from <= size; from += 1 + size / 7) {
			for (size_t len = 0; from + len <= size; len += 1 + size / 11) {
				assert_int_equal(frame_unpack(packed, size, from, len, at), RC_OK);
				assert_memory_equal(at, s.at + from, len);
			}
			assert_int_equal(frame_unpack(packed, size, from, size - from, at), RC_OK);
			assert_memory_equal(at, s.at + from, size - from);
		}
		if (size > 1) /* it holds more than it should, and less */
			assert_int_equal(frame_unpack(packed, size - 1, 0, size - 1, at), RC_LOST);
		if (size < BLOB_FRAME)
			assert_int_equal(frame_unpack(packed, size + 1, 0, size + 1, at), RC_LOST);
		assert_int_equal(
			frame_unpack(slice_head(packed, packed.len - 1), size, 0, size, at),
			RC_LOST);
		assert_int_equal(frame_unpack(S(""), size, 0, size, at), RC_LOST);
		assert_int_equal(frame_unpack(S("\x09 what is this"), 13, 0, 13, at), RC_LOST);
	}
}

static void stored_once_and_purged(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, BLOB_FRAME), got;
	struct blob_ref ref;
	size_t n;
	assert_int_equal(store(w, s, 1, &ref), RC_OK);
	struct data_stats before, after;
	data_stats(w->data, &before);
	assert_int_equal(store(w, s, 2, &ref), RC_OK);
	data_stats(w->data, &after);
	assert_true(after.batch_bytes - before.batch_bytes < 1000); /* no frame was written again */
	unlink_item(w, &ref, 1);
	n = world_purge(w);
	assert_int_equal(n, 0);
	assert_int_equal(blob_read(w->blob, &ref, 0, 10, &w->a, &got, &w->why), RC_OK);
	unlink_item(w, &ref, 2);
	n = world_purge(w);
	assert_int_equal(n, 1);
	assert_int_equal(blob_read(w->blob, &ref, 0, 10, &w->a, &got, &w->why), RC_NONE);
	assert_int_equal(store(w, s, 3, &ref), RC_OK);
	assert_int_equal(blob_read(w->blob, &ref, 0, s.len, &w->a, &got, &w->why), RC_OK);
	assert_true(slice_eq(got, s));
}

/* A delivery that found the content loses against the purge between its look and its commit, and builds again. */
static void purge_wins_a_race(void **state)
{
	struct world *w = *state;
	struct slice s = world_content(w, 5000), got;
	struct blob_ref ref;
	struct upload up;
	size_t n;
	assert_int_equal(store(w, s, 1, &ref), RC_OK);
	unlink_item(w, &ref, 1);
	begin(w, s, &up);
	build(w, &up, 2);
	n = world_purge(w);
	assert_int_equal(n, 1);
	assert_int_equal(data_commit_now(w->data, &up.b, &w->why), RC_TAKEN);
	assert_int_equal(commit(w, &up, 2), RC_OK);
	end(&up, true);
	assert_int_equal(blob_read(w->blob, &ref, 0, s.len, &w->a, &got, &w->why), RC_OK);
	assert_true(slice_eq(got, s));
}

static int run(struct world *w, const char *name)
{
	const struct CMUnitTest tests[] = { { "ranges", ranges, world_begin, world_end, w },
		{ "append_over_a_limit", append_over_a_limit, world_begin, world_end, w },
		{ "parts_of_frames", parts_of_frames, world_begin, world_end, w },
		{ "stored_once_and_purged", stored_once_and_purged, world_begin, world_end, w },
		{ "purge_wins_a_race", purge_wins_a_race, world_begin, world_end, w } };
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

/* s3 ENDPOINT BUCKET KEY SECRET, or azure ENDPOINT CONTAINER ACCOUNT KEY. */
static struct place_options far_place(char **words)
{
	return (struct place_options){ .kind = strcmp(words[0], "azure") == 0 ? PLACE_AZURE
									      : PLACE_S3,
		.name = words[0],
		.endpoint = words[1],
		.bucket = words[2],
		.access_key = words[3],
		.secret_key = words[4],
		.account = words[3],
		.account_key = words[4],
		.path_style = true,
		.timeout_ms = 15000,
		.retries = 2,
		.connections = 10 };
}

static int run_all(struct world *w, const char *name)
{
	return run(w, name) + test_upload(w) + (w->far ? test_far(w) : 0);
}

/* Two stores that run somewhere: spread over both, and moved from one to the other. */
static int run_two(const struct place_options *one, const struct place_options *two)
{
	const struct place_options *both[] = { one, two };
	struct place_options o = {
		.kind = PLACE_SHARDED, .name = "both", .shards = both, .shards_n = 2
	};
	struct world sharded = { .files = true, .far = &o },
		     tiered = { .files = true, .far = one, .cold = two },
		     from_data = { .cold = two };
	return run_all(&sharded, "sharded over object stores") + test_archive(&tiered) +
	       test_archive(&from_data);
}

int main(int argc, char **argv)
{
	struct world in_store = { .files = false }, in_files = { .files = true, .depth = 2 },
		     flat = { .files = true };
	int failed = 0;
	if (argc > 5) {
		struct place_options one = far_place(argv + 1);
		struct world w = { .files = true, .far = &one };
		struct place_options two = argc > 10 ? far_place(argv + 6) : one;
		return (argc > 10 ? run_two(&one, &two) : run_all(&w, one.name)) ? 1 : 0;
	}
	failed +=
		run_all(&in_store, "blob in the data store") + run_all(&in_files, "blob in files");
	failed += test_orphans(&in_files) + test_orphans(&flat);
	failed += test_sharded() + test_archive(NULL);
	return failed ? 1 : 0;
}
