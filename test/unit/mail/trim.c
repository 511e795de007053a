/* trim.c: Change logs stay short, and nothing is missed from them: not by who opens the account, not by what was expunged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"
#include "run/run.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <cmocka.h>

enum { CHANGES = 50, KEEP = 10, RACES = 400, OPENERS = 3, DAY = 86400 };

struct keys {
	size_t n;
	uint8_t at[64];
	size_t len;
	struct buf last;
};

static bool count(void *ctx, struct slice key, struct slice value)
{
	struct keys *k = ctx;
	k->n++;
	k->len = key.len;
	memcpy(k->at, key.at, key.len);
	buf_reset(&k->last);
	buf_add(&k->last, value);
	return true;
}

/* Keys of the account's mail that begin with `tail`. */
static size_t keys_of(struct world *w, uint8_t tail, struct keys *k)
{
	struct buf from, to;
	struct keys all = { 0 };
	buf_init(&from, 0, NULL);
	buf_init(&to, 0, NULL);
	buf_init(&all.last, 0, NULL);
	account_key(&from, ACCOUNT, ACCOUNT_MAIL, tail);
	account_key(&to, ACCOUNT, ACCOUNT_MAIL, (uint8_t)(tail + 1));
	struct data_range range = {
		.space = DATA_MAIN, .from = buf_slice(&from), .to = buf_slice(&to)
	};
	assert_int_equal(data_scan(w->data, &range, count, &all, &w->why), RC_OK);
	buf_done(&from);
	buf_done(&to);
	if (k)
		*k = all;
	else
		buf_done(&all.last);
	return all.n;
}

static void one_by_one(struct world *w, size_t n)
{
	struct world_adding ad = { .box = w->box, .n = 1 };
	for (size_t i = 0; i < n; i++)
		world_change(w, world_add, &ad, NULL);
}

static size_t tidy(struct world *w, int64_t since)
{
	uint32_t account = 0;
	size_t n = 0;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE)
		rc = mail_tidy(w->mail, &account, since, &n, &w->why);
	assert_int_equal(rc, RC_OK);
	return n;
}

/* What CHANGEDSINCE looks at is each message's own, and not the log's. */
static void check_all(struct world *w, size_t n)
{
	static struct mail_entry e[CHANGES + 1];
	static uint32_t seqs[CHANGES + 1];
	struct mail_view v;
	assert_int_equal(mail_view_open(w->ma, w->box, true, NULL, &v, &w->why), RC_OK);
	assert_int_equal(world_read(w, &v, 1, e, seqs, CHANGES + 1), n);
	for (size_t i = 0; i < n; i++)
		assert_true(e[i].uid == i + 1 && e[i].modseq == e[0].modseq + i);
	mail_view_close(&v);
}

static void by_count(void **state)
{
	struct world w;
	struct keys k;
	(void)state;
	world_begin(&w, 2);
	one_by_one(&w, CHANGES);
	size_t before = keys_of(&w, 'l', NULL);
	assert_int_equal(tidy(&w, 1), 0); /* fewer than the default */
	assert_int_equal(keys_of(&w, 'k', NULL), 0);
	mail_log_keep(w.mail, KEEP);
	assert_int_equal(tidy(&w, 1), before - KEEP);
	assert_int_equal(keys_of(&w, 'l', &k), KEEP);
	assert_int_equal(k.at[k.len - 1], before); /* the youngest are kept */
	buf_done(&k.last);
	check_all(&w, CHANGES);
	world_reopen(&w);
	check_all(&w, CHANGES);
	mail_log_keep(w.mail, KEEP);
	assert_int_equal(tidy(&w, 1), 0);
	world_end(&w);
}

static void by_age(void **state)
{
	struct world w;
	(void)state;
	world_begin(&w, 2);
	one_by_one(&w, CHANGES);
	assert_int_equal(tidy(&w, run_unix(w.run) - DAY), 0);
	size_t before = keys_of(&w, 'l', NULL);
	/* the one of the checkpoint stays */
	assert_int_equal(tidy(&w, run_unix(w.run) + DAY), before - 1);
	assert_int_equal(keys_of(&w, 'l', NULL), 1);
	assert_int_equal(tidy(&w, run_unix(w.run) + DAY), 0);
	world_reopen(&w);
	check_all(&w, CHANGES);
	one_by_one(&w, 1);
	world_reopen(&w);
	check_all(&w, CHANGES + 1);
	world_end(&w);
}

/* Records of the version before had no time: they are read, and count as old. */
static void without_a_time(void **state)
{
	struct world w;
	struct keys k;
	struct arena a;
	struct data_batch b;
	uint64_t time;
	(void)state;
	world_begin(&w, 2);
	one_by_one(&w, 3);
	size_t before = keys_of(&w, 'l', &k);
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	struct slice rest = slice_tail(buf_slice(&k.last), 1);
	assert_int_equal(take_varint(&rest, &time), RC_OK);
	struct buf record;
	buf_init(&record, 0, &a);
	buf_byte(&record, 1);
	buf_add(&record, rest);
	data_put(&b, DATA_MAIN, slice_of(k.at, k.len), buf_slice(&record));
	assert_int_equal(data_commit_now(w.data, &b, &w.why), RC_OK);
	world_reopen(&w);
	check_all(&w, 3);
	/* those before are younger, and stay */
	assert_int_equal(tidy(&w, run_unix(w.run) - DAY), 0);
	assert_int_equal(tidy(&w, run_unix(w.run) + DAY), before - 1);
	world_reopen(&w);
	check_all(&w, 3);
	buf_done(&k.last);
	arena_done(&a);
	world_end(&w);
}

static void expunge_all(struct world *w, struct mail_change *ch, void *arg)
{
	assert_int_equal(mail_change_expunge(ch, w->box, arg, false, NULL), RC_OK);
}

/* The power goes between an expunge and the removal of what it left. */
static void left_over(void **state)
{
	struct world w;
	struct arena a;
	struct data_batch b;
	struct mail_change *ch;
	struct ranges uids = { 0 };
	(void)state;
	world_begin(&w, 2);
	one_by_one(&w, 3);
	assert_int_equal(ranges_add(&uids, 1, 2), RC_OK);
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	assert_int_equal(mail_change_begin(w.ma, &b, &a, &ch, &w.why), RC_OK);
	expunge_all(&w, ch, &uids);
	assert_int_equal(mail_change_end(ch, &w.why), RC_OK);
	assert_int_equal(data_commit_now(w.data, &b, &w.why), RC_OK);
	world_reopen(&w);
	assert_int_equal(keys_of(&w, 'x', NULL), 1);
	assert_int_equal(keys_of(&w, 'r', NULL), 3);
	assert_int_equal(tidy(&w, 1), 0);
	assert_int_equal(keys_of(&w, 'x', NULL), 0);
	assert_int_equal(keys_of(&w, 'r', NULL), 1);
	ranges_done(&uids);
	arena_done(&a);
	world_end(&w);
}

struct opener {
	struct world *w;
	_Atomic bool stop;
	_Atomic size_t n;
};

static void *open_again(void *arg)
{
	struct opener *o = arg;
	while (!atomic_load(&o->stop)) {
		struct mail_account *ma;
		struct fault why = { 0 };
		assert_int_equal(mail_open(o->w->mail, ACCOUNT, &ma, &why), RC_OK);
		mail_close(&ma);
		(void)mail_evict(o->w->mail, SIZE_MAX);
		atomic_fetch_add(&o->n, 1);
	}
	return NULL;
}

/* One reads the checkpoint, then the log; in between another is made, and the log up to it goes. */
static void opened_meanwhile(void **state)
{
	struct world w;
	struct opener o = { .w = &w };
	pthread_t threads[OPENERS];
	(void)state;
	world_begin(&w, 2);
	mail_log_keep(w.mail, 0);
	mail_close(&w.ma);
	for (size_t i = 0; i < OPENERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_again, &o), 0);
	for (size_t i = 0; i < RACES; i++) {
		assert_int_equal(mail_open(w.mail, ACCOUNT, &w.ma, &w.why), RC_OK);
		one_by_one(&w, 1);
		mail_close(&w.ma);
		(void)tidy(&w, 1);
	}
	atomic_store(&o.stop, true);
	for (size_t i = 0; i < OPENERS; i++)
		pthread_join(threads[i], NULL);
	printf("opened %zu times beside %d checkpoints\n", atomic_load(&o.n), RACES);
	assert_int_equal(mail_open(w.mail, ACCOUNT, &w.ma, &w.why), RC_OK);
	assert_int_equal(mail_messages(w.ma), RACES);
	world_end(&w);
}

int test_trim(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(by_count), cmocka_unit_test(by_age),
		cmocka_unit_test(without_a_time), cmocka_unit_test(left_over),
		cmocka_unit_test(opened_meanwhile) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
