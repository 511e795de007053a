/* orphans.c: Files whose commit never came go; those of content, of uploads under way and of other stores stay. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/place.h"
#include "blob/upload.h"
#include "run/run.h"
#include "world.h"
#include <ftw.h>

enum { MANY = 150, SOON = 10 };

struct upload {
	struct blob_upload u;
	struct buf frame;
	struct data_batch b;
};

static void begin(struct world *w, struct upload *up, size_t len)
{
	buf_init(&up->frame, 0, NULL);
	blob_upload_init(w->blob, &up->frame, &up->u);
	assert_int_equal(blob_upload_add(&up->u, world_content(w, len), &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&up->u, false, &w->a, &w->why), RC_OK);
	data_batch_init(&up->b, &w->a);
	assert_int_equal(blob_upload_store(&up->u, &up->b, &w->why), RC_OK);
	blob_link(&up->b, &up->u.ref, 1, 'm', len);
}

static void end(struct upload *up, bool stored)
{
	blob_upload_done(&up->u, stored);
	buf_done(&up->frame);
}

static size_t sweep(struct world *w, struct blob *blob, int64_t before)
{
	struct blob_walk *walk = NULL;
	size_t n = 0;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE)
		rc = blob_orphans(blob, &walk, before, &n, &w->why);
	assert_int_equal(rc, RC_OK);
	assert_null(walk);
	return n;
}

static size_t files_n;

static int count(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)path;
	(void)st;
	files_n += flag == FTW_F && f->level > 0;
	return 0;
}

/* Without the mark. */
static size_t files(struct world *w)
{
	char mark[80];
	files_n = 0;
	assert_int_equal(nftw(w->path, count, 8, FTW_PHYS), 0);
	(void)snprintf(mark, sizeof(mark), "%s/.store", w->path);
	return files_n - (access(mark, F_OK) == 0);
}

static void put_file(struct world *w, const char *name)
{
	char path[200];
	(void)snprintf(path, sizeof(path), "%s/%s", w->path, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
}

static const size_t sizes[] = { 0, 5000, 2 * BLOB_FRAME + 1 };

static void never_committed(void **state)
{
	struct world *w = *state;
	struct slice got;
	for (size_t i = 0; i < 3; i++) {
		struct upload lost, good;
		begin(w, &lost, sizes[i]);
		begin(w, &good, sizes[i]); /* the same content: two files */
		assert_int_equal(files(w), i + 2);
		assert_int_equal(sweep(w, w->blob, run_unix(NULL) + SOON), 0); /* under way */
		assert_int_equal(data_commit_now(w->data, &good.b, &w->why), RC_OK);
		assert_int_equal(data_commit_now(w->data, &lost.b, &w->why), RC_TAKEN);
		end(&good, true);
		end(&lost, false);
		assert_int_equal(sweep(w, w->blob, 1), 0); /* too young */
		assert_int_equal(sweep(w, w->blob, run_unix(NULL) + SOON), 1);
		assert_int_equal(files(w), i + 1);
		assert_int_equal(
			blob_read(w->blob, &good.u.ref, 0, UINT64_MAX, &w->a, &got, &w->why),
			RC_OK);
	}
}

static void many_and_strange(void **state)
{
	struct world *w = *state;
	char name[120], hash[65];
	for (size_t i = 0; i < MANY; i++) {
		struct upload up;
		begin(w, &up, 100 + i);
		if (i % 3 == 0)
			assert_int_equal(data_commit_now(w->data, &up.b, &w->why), RC_OK);
		end(&up, i % 3 == 0);
	}
	memset(hash, 'a', 64);
	hash[64] = 0;
	put_file(w, "notes");
	(void)snprintf(name, sizeof(name), "%s-%016dz", hash, 0);
	put_file(w, name);
	(void)snprintf(name, sizeof(name), "%s-%015dG", hash, 0);
	put_file(w, name);
	assert_int_equal(sweep(w, w->blob, run_unix(NULL) + SOON), MANY / 3 * 2);
	assert_int_equal(files(w), MANY / 3 + 3);
	assert_int_equal(sweep(w, w->blob, run_unix(NULL) + SOON), 0);
}

/* A data store that knows nothing of these files: they look like orphans, and are not. */
static void of_another_store(void **state)
{
	struct world *w = *state;
	struct data_options o = { .type = "memory" };
	struct data *data;
	struct blob *blob;
	struct upload up;
	begin(w, &up, 5000);
	assert_int_equal(data_commit_now(w->data, &up.b, &w->why), RC_OK);
	end(&up, true);
	assert_int_equal(sweep(w, w->blob, run_unix(NULL) + SOON), 0);
	assert_int_equal(data_open(&o, &data, &w->why), RC_OK);
	struct place_options place = { .kind = PLACE_FILES, .path = w->path, .depth = w->depth };
	assert_int_equal(
		blob_open(data, &(struct blob_options){ .place = &place }, &blob, &w->why), RC_OK);
	assert_int_equal(sweep(w, blob, run_unix(NULL) + SOON), 0);
	assert_int_equal(files(w), 1);
	blob_close(&blob);
	data_close(&data);
}

int test_orphans(struct world *w)
{
	const struct CMUnitTest tests[] = { { "never_committed", never_committed, world_begin,
						    world_end, w },
		{ "many_and_strange", many_and_strange, world_begin, world_end, w },
		{ "of_another_store", of_another_store, world_begin, world_end, w } };
	return _cmocka_run_group_tests(w->depth ? "orphans, in folders" : "orphans, in one folder",
		tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
