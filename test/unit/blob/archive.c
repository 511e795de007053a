/* archive.c: Old content moves to the cold place, is read as before, is stored once, and is purged from there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_int.h"
#include "blob/upload.h"
#include "run/run.h"
#include "world.h"

static const size_t sizes[] = { 0, 1, 5000, BLOB_FRAME, 3 * BLOB_FRAME + 7, 90 * BLOB_FRAME };
enum { CONTENTS = sizeof(sizes) / sizeof(sizes[0]), SOON = 10 };

static enum rc store(struct world *w, struct slice s, uint64_t item, struct blob_ref *ref)
{
	struct buf frame;
	struct blob_upload u;
	struct data_batch b;
	buf_init(&frame, 0, NULL);
	blob_upload_init(w->blob, &frame, &u);
	assert_int_equal(blob_upload_add(&u, s, &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&u, false, &w->a, &w->why), RC_OK);
	data_batch_init(&b, &w->a);
	assert_int_equal(blob_upload_store(&u, &b, &w->why), RC_OK);
	blob_link(&b, &u.ref, 1, 'm', item);
	*ref = u.ref;
	enum rc rc = data_commit_now(w->data, &b, &w->why);
	blob_upload_done(&u, rc == RC_OK);
	buf_done(&frame);
	return rc;
}

static size_t archive(struct world *w, int64_t before)
{
	struct blob_cursor cursor = { 0 };
	size_t n = 0;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE)
		rc = blob_archive(w->blob, &cursor, before, &n, &w->why);
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), fault_text(&w->why));
	return n;
}

static void reads(struct world *w, const struct blob_ref *ref, struct slice s)
{
	struct slice got;
	for (size_t from = 0; from < s.len; from += s.len / 3 + 1000) {
		assert_int_equal(
			blob_read(w->blob, ref, from, 300000, &w->a, &got, &w->why), RC_OK);
		assert_true(slice_eq(got, slice_head(slice_tail(s, from), 300000)));
	}
}

static enum meta_where where(struct world *w, const struct blob_ref *ref, struct blob_meta *m)
{
	struct slice value;
	assert_int_equal(meta_get(w->blob, ref, &w->a, &value, m, &w->why), RC_OK);
	return m->where;
}

static void unlink_item(struct world *w, const struct blob_ref *ref, uint64_t item)
{
	struct data_batch b;
	data_batch_init(&b, &w->a);
	blob_unlink(&b, ref, 1, 'm', item);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
}

static void moves_what_is_old(void **state)
{
	struct world *w = *state;
	struct blob_ref refs[CONTENTS];
	struct slice texts[CONTENTS], got;
	struct blob_meta m, cold;
	for (size_t i = 0; i < CONTENTS; i++) {
		texts[i] = world_content(w, sizes[i]);
		assert_int_equal(store(w, texts[i], i, &refs[i]), RC_OK);
	}
	assert_int_equal(archive(w, run_unix(NULL) - 3600), 0); /* too young */
	where(w, &refs[4], &m);
	assert_int_equal(archive(w, run_unix(NULL) + SOON), CONTENTS);
	assert_int_equal(archive(w, run_unix(NULL) + SOON), 0);
	assert_int_equal(world_keys(w, DATA_BLOB, NULL), 0);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 2 * CONTENTS); /* no reservation */
	for (size_t i = 0; i < CONTENTS; i++) {
		assert_int_equal(where(w, &refs[i], &cold), META_IN_COLD);
		reads(w, &refs[i], texts[i]);
	}
	if (w->blob->place) { /* the hot object has gone */
		struct place_name name;
		struct place_range two = { 0, 2 };
		meta_name(&refs[4], &m, &name);
		assert_int_equal(
			place_get(w->blob->place, &name, &two, &w->a, &got, &w->why), RC_NONE);
	}
	/* the same content again is the cold one; without a link it goes */
	assert_int_equal(store(w, texts[4], 100, &refs[4]), RC_OK);
	assert_int_equal(where(w, &refs[4], &cold), META_IN_COLD);
	reads(w, &refs[4], texts[4]);
	for (size_t i = 0; i < CONTENTS; i++)
		unlink_item(w, &refs[i], i);
	assert_int_equal(world_purge(w), CONTENTS - 1);
	reads(w, &refs[4], texts[4]);
	unlink_item(w, &refs[4], 100);
	assert_int_equal(world_purge(w), 1);
	struct place_name name;
	struct place_range two = { 0, 2 };
	meta_name(&refs[4], &cold, &name);
	assert_int_equal(place_get(w->blob->cold, &name, &two, &w->a, &got, &w->why), RC_NONE);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL) + world_keys(w, DATA_BLOB, NULL), 0);
}

/* What cannot be moved stays where it is. */
static void damaged_stays(void **state)
{
	struct world *w = *state;
	struct blob_ref ref;
	struct blob_meta m;
	struct data_batch b;
	struct slice s = world_content(w, 5000);
	if (w->files)
		return; /* a frame of the data store is easy to damage */
	assert_int_equal(store(w, s, 1, &ref), RC_OK);
	data_batch_init(&b, &w->a);
	data_put(&b, DATA_BLOB, meta_key_frame(&w->a, &ref, 0, 0), S("\0damaged"));
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	assert_int_equal(archive(w, run_unix(NULL) + SOON), 0);
	assert_int_equal(where(w, &ref, &m), META_IN_DATA);
	assert_int_equal(world_keys(w, DATA_MAIN, NULL), 2);
}

static int run(struct world *w, const char *name)
{
	const struct CMUnitTest tests[] = { { "moves_what_is_old", moves_what_is_old, world_begin,
						    world_end, w },
		{ "damaged_stays", damaged_stays, world_begin, world_end, w } };
	return _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int test_archive(struct world *w)
{
	char folder[64] = "/tmp/veredus-cold-XXXXXX", cmd[200];
	if (w)
		return run(w, "tiered");
	if (!mkdtemp(folder))
		return 1;
	struct place_options cold = {
		.kind = PLACE_FILES, .name = "cold", .path = folder, .depth = 1
	};
	struct world data = { .cold = &cold }, files = { .files = true, .cold = &cold };
	int failed = run(&data, "from the data store to a folder") +
		     run(&files, "from a folder to a folder");
	(void)snprintf(cmd, sizeof(cmd), "test -z \"$(find '%s' -type f)\" && rm -rf '%s'", folder,
		folder);
	if (system(cmd) != 0)
		failed++; /* something was left in the cold place */
	return failed;
}
