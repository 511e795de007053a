/* mailboxes.c: Mailboxes over the memory engine: numbers, news, replay, and what one change costs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"
#include "groups.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MANY = 100000, AT_ONCE = 1000, KEYS_MAX = 8, BYTES_MAX = 1024 };

static uint32_t box_id(struct world *w, const char *name)
{
	struct arena a;
	struct mail_box_info info;
	arena_init(&a, 0);
	assert_int_equal(mail_box_find(w->ma, slice_str(name), &a, &info), RC_OK);
	arena_done(&a);
	return info.id;
}

struct flagging {
	uint32_t box;
	struct ranges uids;
	uint32_t flags;
};

static void flag(struct world *w, struct mail_change *ch, void *arg)
{
	struct flagging *f = arg;
	struct slice word = S("$work");
	struct mail_flag_change fc = {
		.op = MAIL_FLAGS_ADD, .flags = f->flags, .keywords = &word, .keywords_n = 1
	};
	(void)w;
	assert_int_equal(mail_change_flags(ch, f->box, &f->uids, &fc, NULL, NULL), RC_OK);
}

static void expunge(struct world *w, struct mail_change *ch, void *arg)
{
	struct flagging *f = arg;
	(void)w;
	assert_int_equal(mail_change_expunge(ch, f->box, &f->uids, false, NULL), RC_OK);
}

static void view_numbers(void **state)
{
	struct world w;
	struct mail_view v;
	struct mail_news news;
	struct arena a;
	(void)state;
	world_begin(&w, 2);
	arena_init(&a, 0);
	struct world_adding ad = { .box = box_id(&w, "inbox"), .n = 10 };
	struct flagging f = { .box = ad.box };
	world_change(&w, world_add, &ad, NULL);
	assert_int_equal(mail_view_open(w.ma, ad.box, false, NULL, &v, &w.why), RC_OK);
	assert_int_equal(v.exists, 10);
	assert_int_equal(ranges_add(&f.uids, 3, 4), RC_OK);
	world_change(&w, expunge, &f, NULL);
	world_change(&w, world_add, &ad, NULL);
	/* not announced yet: numbers stay */
	assert_int_equal(mail_view_seq(&v, 5), 5);
	assert_int_equal(mail_view_uid(&v, 3), 3);
	assert_int_equal(mail_view_uid(&v, 10), 10);
	assert_int_equal(mail_view_uid(&v, 11), 0);
	assert_int_equal(mail_view_sync(&v, true, &a, &news), RC_OK);
	assert_int_equal(news.expunged_n, 2);
	assert_int_equal(news.expunged[0], 3);
	assert_int_equal(news.expunged[1], 3);
	assert_true(news.more);
	assert_int_equal(news.exists, 18);
	mail_news_done(&news);
	assert_int_equal(mail_view_seq(&v, 5), 3);
	assert_int_equal(mail_view_seq(&v, 3), 0);
	mail_view_close(&v);
	ranges_done(&f.uids);
	arena_done(&a);
	world_end(&w);
}

static void survives_eviction(void **state)
{
	struct world w;
	struct mail_view v;
	struct mail_entry e[20];
	uint32_t seqs[20];
	size_t n;
	(void)state;
	world_begin(&w, 2);
	struct world_adding ad = { .box = box_id(&w, "INBOX"), .n = 5 };
	struct flagging f = { .box = ad.box, .flags = MAIL_SEEN };
	assert_int_equal(ranges_add(&f.uids, 2, 3), RC_OK);
	world_change(&w, world_add, &ad, NULL);
	assert_int_equal(mail_view_open(w.ma, ad.box, false, NULL, &v, &w.why), RC_OK);
	world_change(&w, flag, &f, NULL);
	mail_view_close(&v);
	world_reopen(&w);
	assert_int_equal(mail_view_open(w.ma, ad.box, true, NULL, &v, &w.why), RC_OK);
	assert_int_equal(world_read(&w, &v, 1, e, seqs, 20), 5);
	assert_int_equal(e[1].flags & MAIL_SEEN, MAIL_SEEN);
	assert_int_equal(e[3].flags & MAIL_SEEN, 0);
	const char *const *words = mail_keywords(w.ma, e[2].kwset, &n);
	assert_int_equal(n, 1);
	assert_string_equal(words[0], "$work");
	mail_view_close(&v);
	ranges_done(&f.uids);
	world_end(&w);
}

/* One message more in a mailbox of 100,000: keys read and written, bytes of both. */
static void cost_follows_the_change(void **state)
{
	struct world w;
	struct data_stats before, after;
	(void)state;
	world_begin(&w, 2);
	struct world_adding ad = { .box = box_id(&w, "INBOX"), .n = AT_ONCE };
	for (size_t i = 0; i < MANY / AT_ONCE; i++)
		world_change(&w, world_add, &ad, NULL);
	assert_int_equal(mail_messages(w.ma), MANY);
	ad.n = 1;
	ad.first_id = 99;
	world_jobs(&w);
	world_change(&w, world_add, &ad,
		NULL); /* begins a checkpoint, if that one came before the last change */
	world_jobs(&w);
	ad.first_id++;
	data_stats(w.data, &before);
	world_change(&w, world_add, &ad, NULL);
	data_stats(w.data, &after);
	uint64_t read = after.keys_read - before.keys_read,
		 bytes = after.bytes_copied - before.bytes_copied;
	printf("one message in %d: %llu keys read, %llu bytes copied, %llu operations of %llu "
	       "bytes written\n",
		MANY, (unsigned long long)read, (unsigned long long)bytes,
		(unsigned long long)(after.batch_keys - before.batch_keys),
		(unsigned long long)(after.batch_bytes - before.batch_bytes));
	assert_true(read <= KEYS_MAX);
	assert_true(bytes <= BYTES_MAX);
	assert_true(after.batch_keys - before.batch_keys <= KEYS_MAX);
	assert_true(after.batch_bytes - before.batch_bytes <= BYTES_MAX);
	world_end(&w);
}

/* --- where messages are --- */

static bool count_key(void *ctx, struct slice key, struct slice value)
{
	(void)key;
	(void)value;
	++*(size_t *)ctx;
	return true;
}

static size_t keys_of(struct world *w, uint8_t tail)
{
	struct buf from, to;
	size_t n = 0;
	buf_init(&from, 0, NULL);
	buf_init(&to, 0, NULL);
	account_key(&from, ACCOUNT, ACCOUNT_MAIL, tail);
	account_key(&to, ACCOUNT, ACCOUNT_MAIL, (uint8_t)(tail + 1));
	struct data_range all = { .from = buf_slice(&from), .to = buf_slice(&to) };
	assert_int_equal(data_scan(w->data, &all, count_key, &n, &w->why), RC_OK);
	buf_done(&from);
	buf_done(&to);
	return n;
}

static void create(struct world *w, struct mail_change *ch, void *arg)
{
	uint32_t id;
	assert_int_equal(mail_change_create(ch, S("Copies"), MAIL_USE_NONE, &id, &w->why), RC_OK);
	(void)arg;
}

struct copying {
	uint32_t from, to, lo, hi;
	bool move;
};

static void copy(struct world *w, struct mail_change *ch, void *arg)
{
	struct copying *c = arg;
	struct ranges uids = { 0 }, src = { 0 }, dst = { 0 };
	(void)w;
	assert_int_equal(ranges_add(&uids, c->lo, c->hi), RC_OK);
	assert_int_equal(mail_change_copy(ch, c->from, &uids, c->to, c->move, &src, &dst), RC_OK);
	ranges_done(&uids);
	ranges_done(&src);
	ranges_done(&dst);
}

static void expunge_in(struct world *w, uint32_t box, uint32_t lo, uint32_t hi)
{
	struct mail_view v;
	struct flagging f = { .box = box };
	assert_int_equal(ranges_add(&f.uids, lo, hi), RC_OK);
	assert_int_equal(mail_view_open(w->ma, box, false, NULL, &v, &w->why), RC_OK);
	world_change(w, expunge, &f, NULL);
	mail_view_close(&v);
	ranges_done(&f.uids);
	world_jobs(w);
}

/* A message's record goes with its last place, whether it was copied, moved or neither. */
static void the_last_place_counts(void **state)
{
	struct world w;
	struct mail_view v;
	(void)state;
	world_begin(&w, 2);
	struct world_adding ad = { .box = box_id(&w, "INBOX"), .n = 4 };
	world_change(&w, world_add, &ad, NULL);
	world_change(&w, create, NULL, NULL);
	assert_int_equal(keys_of(&w, 'r'), 4);
	assert_int_equal(keys_of(&w, 'i'), 0);
	uint32_t copies = box_id(&w, "Copies");
	assert_int_equal(mail_view_open(w.ma, ad.box, false, NULL, &v, &w.why), RC_OK);
	world_change(&w, copy, &(struct copying){ ad.box, copies, 1, 2, false }, NULL);
	world_change(&w, copy, &(struct copying){ ad.box, copies, 3, 3, true }, NULL);
	mail_view_close(&v);
	assert_int_equal(keys_of(&w, 'i'), 5);
	expunge_in(&w, ad.box, 1, 9); /* two have a copy, one has none */
	assert_int_equal(keys_of(&w, 'r'), 3);
	assert_int_equal(keys_of(&w, 'i'), 3);
	expunge_in(&w, copies, 1, 1);
	assert_int_equal(keys_of(&w, 'r'), 2);
	expunge_in(&w, copies, 2, 9);
	assert_int_equal(keys_of(&w, 'r'), 0);
	assert_int_equal(keys_of(&w, 'i'), 0);
	world_end(&w);
}

static bool in_memory(struct world *w, uint32_t id)
{
	struct account *acc = account_get(w->accounts, id);
	bool there = account_state(acc, ACCOUNT_MAIL) != NULL;
	account_put(&acc);
	return there;
}

/* Asked for little, only the account goes that was used longest ago; one in use never. */
static void evicts_the_oldest(void **state)
{
	static const uint32_t uses[] = { 11, 12, 13, 11 };
	struct world w;
	(void)state;
	world_begin(&w, 2);
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		struct mail_account *ma;
		assert_int_equal(mail_open(w.mail, uses[i], &ma, &w.why), RC_OK);
		mail_close(&ma);
	}
	assert_int_equal(mail_evict(w.mail, 0), 0);
	assert_true(mail_evict(w.mail, 1) > 0);
	assert_true(in_memory(&w, 11) && !in_memory(&w, 12) && in_memory(&w, 13));
	assert_true(mail_evict(w.mail, 1) > 0);
	assert_true(in_memory(&w, 11) && !in_memory(&w, 13) && in_memory(&w, 7));
	assert_true(mail_evict(w.mail, SIZE_MAX) > 0);
	assert_true(!in_memory(&w, 11) && in_memory(&w, 7));
	world_end(&w);
}

int test_mailboxes(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(view_numbers),
		cmocka_unit_test(survives_eviction), cmocka_unit_test(evicts_the_oldest),
		cmocka_unit_test(the_last_place_counts),
		cmocka_unit_test(cost_follows_the_change) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
