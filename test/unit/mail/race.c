/* race.c: Messages come, are copied, moved and expunged while content is purged: what is linked stays, the rest goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "blob/place.h"
#include "groups.h"
#include "mail/fetch.h"
#include "mail/intake.h"
#include "mail/mail_int.h"
#include "mail/record.h"
#include "run/run.h"
#include "world.h"
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ACCOUNTS = 2, BOXES = 2, WORKERS = 4, EACH = 120, CONTENTS = 6, SHOWN = 64, TRIES = 200 };

struct race {
	const char *engine;
	bool files;
	struct world w;
	char folder[64], path[80], blobs[80];
	struct mail_account *ma[ACCOUNTS];
	uint32_t box[ACCOUNTS][BOXES];
	pthread_mutex_t turn[ACCOUNTS]; /* in place of the turnstile */
	_Atomic bool stop;
	_Atomic size_t read, swept;
	uint64_t purged;
};

struct worker {
	struct race *r;
	uint32_t chance;
};

static uint32_t roll(struct worker *k, uint32_t n)
{
	k->chance = k->chance * 1664525u + 1013904223u;
	return (k->chance >> 8) % n;
}

/* Few contents, so that one that was purged a moment ago comes again; some in one frame, some in two. */
static struct slice content(uint32_t k, struct arena *a)
{
	size_t len = k % 2 ? BLOB_FRAME + 5000 : 2000;
	struct buf out;
	buf_init(&out, 0, a);
	buf_fmt(&out, "From: a@b.test\r\nSubject: %u\r\n\r\n", k);
	while (out.len < len)
		buf_fmt(&out, "%u %zu\r\n", k, out.len);
	assert_false(out.over);
	return buf_slice(&out);
}

/* --- changes --- */

typedef enum rc build_fn(struct race *r, size_t acc, struct mail_change *ch, struct data_batch *b,
	void *arg, struct fault *why);

/* Built until no other was faster. */
static void change(struct race *r, size_t acc, build_fn *build, void *arg)
{
	enum rc rc = RC_TAKEN;
	for (size_t i = 0; rc == RC_TAKEN && i < TRIES; i++) {
		struct arena a;
		struct data_batch b;
		struct mail_change *ch;
		struct fault why = { 0 };
		arena_init(&a, 0);
		data_batch_init(&b, &a);
		assert_int_equal(mail_change_begin(r->ma[acc], &b, &a, &ch, &why), RC_OK);
		assert_int_equal(build(r, acc, ch, &b, arg, &why), RC_OK);
		assert_int_equal(mail_change_end(ch, &why), RC_OK);
		rc = data_commit_now(r->w.data, &b, &why);
		if (rc == RC_OK)
			mail_change_apply(ch, NULL);
		arena_done(&a);
	}
	assert_int_equal(rc, RC_OK);
}

static enum rc build_ingest(struct race *r, size_t acc, struct mail_change *ch,
	struct data_batch *b, void *arg, struct fault *why)
{
	struct mail_intake *in = arg;
	uint32_t uid;
	struct mail_new msg = { .blob = in->up.ref,
		.record = in->parsed.record,
		.size = in->up.ref.size,
		.received = 1795595889 };
	TRY(blob_upload_store(&in->up, b, why));
	return mail_change_append(ch, r->box[acc][0], &msg, &uid, why);
}

static void ingest(struct worker *k, size_t acc)
{
	struct mail_intake in;
	struct buf frame;
	struct arena work, a;
	struct fault why = { 0 };
	arena_init(&work, 0);
	arena_init(&a, 0);
	buf_init(&frame, 0, NULL);
	struct slice s = content(roll(k, CONTENTS), &a);
	assert_int_equal(mail_intake_begin(&in, k->r->w.blob, &frame, &work, &why), RC_OK);
	assert_int_equal(mail_intake_add(&in, s, &why), RC_OK);
	assert_int_equal(mail_intake_end(&in, false, &a, &why), RC_OK);
	pthread_mutex_lock(&k->r->turn[acc]);
	change(k->r, acc, build_ingest, &in);
	pthread_mutex_unlock(&k->r->turn[acc]);
	mail_intake_done(&in, true);
	buf_done(&frame);
	arena_done(&work);
	arena_done(&a);
}

struct chosen {
	size_t from;
	struct ranges uids;
	enum { COPY, MOVE, EXPUNGE, EXPUNGE_TOO } what; /* half of all expunge */
};

static enum rc build_chosen(struct race *r, size_t acc, struct mail_change *ch,
	struct data_batch *b, void *arg, struct fault *why)
{
	struct chosen *c = arg;
	uint32_t from = r->box[acc][c->from], to = r->box[acc][1 - c->from];
	struct ranges src = { 0 }, dst = { 0 };
	(void)b;
	(void)why;
	if (c->what >= EXPUNGE)
		return mail_change_expunge(ch, from, &c->uids, false, NULL);
	enum rc rc = mail_change_copy(ch, from, &c->uids, to, c->what == MOVE, &src, &dst);
	ranges_done(&src);
	ranges_done(&dst);
	return rc;
}

static size_t shown(struct race *r, size_t acc, size_t box, struct mail_entry *e)
{
	struct mail_view v;
	uint32_t seqs[SHOWN];
	struct fault why = { 0 };
	assert_int_equal(mail_view_open(r->ma[acc], r->box[acc][box], true, NULL, &v, &why), RC_OK);
	struct mail_reading in = { .from = 1, .entries = e, .seqs = seqs, .max = SHOWN };
	assert_int_equal(mail_view_read(&v, &in, &why), RC_OK);
	mail_view_close(&v);
	return in.n;
}

/* The whole content of a message is there, and is what came. */
static void check(struct race *r, size_t acc, const struct mail_entry *e)
{
	struct arena a;
	struct slice record, got;
	struct mail_record rec;
	struct blob_ref ref;
	struct fault why = { 0 };
	arena_init(&a, 0);
	assert_int_equal(mail_record_get(r->ma[acc], e->mid, &a, &record, &why), RC_OK);
	assert_int_equal(mail_record_read(record, &rec), RC_OK);
	assert_int_equal(blob_read(r->w.blob, &rec.blob, 0, UINT64_MAX, &a, &got, &why), RC_OK);
	blob_ref_of(got, &ref);
	assert_memory_equal(ref.hash, rec.blob.hash, sizeof(ref.hash));
	atomic_fetch_add(&r->read, 1);
	arena_done(&a);
}

static void some(struct worker *k, size_t acc)
{
	struct mail_entry e[SHOWN];
	struct chosen c = { .from = roll(k, BOXES), .what = roll(k, 4) };
	pthread_mutex_lock(&k->r->turn[acc]);
	size_t n = shown(k->r, acc, c.from, e);
	if (n) {
		const struct mail_entry *one = &e[roll(k, (uint32_t)n)];
		check(k->r, acc, one);
		bool all = c.what >= EXPUNGE && roll(k, 2) == 0;
		assert_int_equal(ranges_add(&c.uids, all ? 1 : one->uid, one->uid), RC_OK);
		change(k->r, acc, build_chosen, &c);
	}
	pthread_mutex_unlock(&k->r->turn[acc]);
	ranges_done(&c.uids);
}

/* --- threads --- */

static void *work(void *arg)
{
	struct worker *k = arg;
	for (size_t i = 0; i < EACH; i++) {
		size_t acc = roll(k, ACCOUNTS);
		if (roll(k, 5) < 2)
			ingest(k, acc);
		else
			some(k, acc);
	}
	return NULL;
}

static void tidy(struct race *r)
{
	struct blob_cursor cursor = { 0 };
	struct blob_walk *walk = NULL;
	struct fault why = { 0 };
	uint32_t account = 0;
	size_t n = 0, files = 0;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE)
		rc = mail_tidy(r->w.mail, &account, 1, &n, &why);
	for (rc = rc == RC_OK ? RC_MORE : rc; rc == RC_MORE;)
		rc = blob_purge(r->w.blob, &cursor, &n, &why);
	for (rc = rc == RC_OK ? RC_MORE : rc; rc == RC_MORE;) /* however young a file is */
		rc = blob_orphans(r->w.blob, &walk, run_unix(NULL) + 10, &files, &why);
	if (rc != RC_OK)
		print_error("%s\n", fault_text(&why));
	assert_int_equal(rc, RC_OK);
	atomic_fetch_add(&r->swept, files);
}

static void *tidy_on(void *arg)
{
	struct race *r = arg;
	while (!atomic_load(&r->stop))
		tidy(r);
	return NULL;
}

/* --- the store --- */

static void open_account(struct race *r, size_t i)
{
	struct arena a;
	struct mail_box_info info;
	static const char *const names[BOXES] = { "INBOX", "Archive" };
	assert_int_equal(mail_open(r->w.mail, ACCOUNT + (uint32_t)i, &r->ma[i], &r->w.why), RC_OK);
	for (size_t b = 0; b < BOXES; b++) {
		arena_init(&a, 0);
		assert_int_equal(mail_box_find(r->ma[i], slice_str(names[b]), &a, &info), RC_OK);
		r->box[i][b] = info.id;
		arena_done(&a);
	}
	pthread_mutex_init(&r->turn[i], NULL);
}

static int begin(void **state)
{
	struct race *r = *state;
	struct world *w = &r->w;
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/veredus-race-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/store", r->folder);
	(void)snprintf(r->blobs, sizeof(r->blobs), "%s/blobs", r->folder);
	struct place_options place = { .kind = PLACE_FILES, .path = r->blobs, .depth = 1 };
	struct data_options o = { .type = r->engine, .path = r->path };
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(
		blob_open(w->data, &(struct blob_options){ .place = r->files ? &place : NULL },
			&w->blob, &w->why),
		RC_OK);
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	run_start(w->run);
	w->accounts = accounts_new(&(struct accounts_deps){ .data = w->data, .run = w->run });
	world_reopen(w);
	mail_log_keep(w->mail, 20);
	for (size_t i = 0; i < ACCOUNTS; i++)
		open_account(r, i);
	return 0;
}

static int end(void **state)
{
	struct race *r = *state;
	char command[100];
	for (size_t i = 0; i < ACCOUNTS; i++) {
		mail_close(&r->ma[i]);
		pthread_mutex_destroy(&r->turn[i]);
	}
	world_end(&r->w);
	(void)snprintf(command, sizeof(command), "rm -rf %s", r->folder);
	return system(command);
}

/* --- what is left --- */

static bool count_key(void *ctx, struct slice key, struct slice value)
{
	(void)value;
	*(size_t *)ctx += key.len != 2; /* not the mark of the folder */
	return true;
}

static size_t files_n;

static int count_file(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)f;
	files_n += flag == FTW_F && strcmp(path + strlen(path) - 6, ".store") != 0;
	return 0;
}

static size_t left(struct race *r)
{
	struct data_range frames = { .space = DATA_BLOB },
			  others = { .space = DATA_MAIN, .from = S("B"), .to = S("C") };
	files_n = 0;
	assert_int_equal(data_scan(r->w.data, &frames, count_key, &files_n, &r->w.why), RC_OK);
	assert_int_equal(data_scan(r->w.data, &others, count_key, &files_n, &r->w.why), RC_OK);
	if (r->files)
		assert_int_equal(nftw(r->blobs, count_file, 8, FTW_PHYS), 0);
	return files_n;
}

static void check_all(struct race *r)
{
	struct mail_entry e[SHOWN];
	for (size_t acc = 0; acc < ACCOUNTS; acc++)
		for (size_t box = 0; box < BOXES; box++)
			for (size_t i = 0, n = shown(r, acc, box, e); i < n; i++)
				check(r, acc, &e[i]);
}

static void expunge_all(struct race *r)
{
	for (size_t acc = 0; acc < ACCOUNTS; acc++)
		for (size_t box = 0; box < BOXES; box++) {
			struct mail_entry e[SHOWN];
			struct chosen c = { .from = box, .what = EXPUNGE };
			assert_int_equal(ranges_add(&c.uids, 1, UINT32_MAX - 1), RC_OK);
			if (shown(r, acc, box, e))
				change(r, acc, build_chosen, &c);
			ranges_done(&c.uids);
		}
}

static void linked_stays(void **state)
{
	struct race *r = *state;
	pthread_t threads[WORKERS], tidier;
	struct worker workers[WORKERS];
	r->purged = metric_get(METRIC_BLOBS_PURGED);
	assert_int_equal(pthread_create(&tidier, NULL, tidy_on, r), 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ r, i + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&r->stop, true);
	pthread_join(tidier, NULL);
	check_all(r);
	r->purged = metric_get(METRIC_BLOBS_PURGED) - r->purged;
	expunge_all(r);
	world_jobs(&r->w);
	tidy(r);
	print_message("%s%s: %zu contents read whole, %zu purged, %zu files swept\n", r->engine,
		r->files ? " and files" : "", atomic_load(&r->read), (size_t)r->purged,
		atomic_load(&r->swept));
	assert_true(r->purged > 0);
	assert_int_equal(left(r), 0);
}

int test_race(void)
{
	static struct race races[] = { { .engine = "rocksdb" }, { .engine = "sqlite" },
		{ .engine = "rocksdb", .files = true }, { .engine = "sqlite", .files = true } };
	const struct CMUnitTest tests[] = { { "rocksdb", linked_stays, begin, end, &races[0] },
		{ "sqlite", linked_stays, begin, end, &races[1] },
		{ "rocksdb and files", linked_stays, begin, end, &races[2] },
		{ "sqlite and files", linked_stays, begin, end, &races[3] } };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
