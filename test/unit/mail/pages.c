/* pages.c: A mailbox that is larger than the cache, against a model: by numbers, flags and news; opened anew now and then. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "groups.h"
#include "mail/mail_int.h"
#include "world.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
	MESSAGES = 200000,
	AT_ONCE = 2000,
	CACHE = 1 << 20,
	BESIDE = 3 << 20, /* directory, log since the checkpoint, sets of UIDs in views */
	ROUNDS = 1500,
	CHUNK = 256
};

/* What the mailbox is to be: by UID; flags, and GONE. */
enum { GONE = 1 << 7 };

struct model {
	struct world w;
	struct mail_view v;
	uint8_t *at;
	uint32_t uid_next;
	uint32_t exists;
	uint64_t random;
	uint32_t copies; /* another mailbox */
	size_t held_first;
};

static uint32_t dice(struct model *m, uint32_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (uint32_t)(m->random >> 11) % below;
}

static struct range some_uids(struct model *m, uint32_t most)
{
	uint32_t lo = 1 + dice(m, m->uid_next - 1), hi = lo + dice(m, most);
	return (struct range){ lo, hi < m->uid_next ? hi : m->uid_next - 1 };
}

static uint32_t below(const struct model *m, uint32_t uid)
{
	uint32_t n = 0;
	for (uint32_t i = 1; i < uid; i++)
		n += !(m->at[i] & GONE);
	return n;
}

static void sync_view(struct model *m)
{
	struct arena a;
	struct mail_news news;
	arena_init(&a, 0);
	assert_int_equal(mail_view_sync(&m->v, true, &a, &news), RC_OK);
	mail_news_done(&news);
	arena_done(&a);
	assert_int_equal(m->v.exists, m->exists);
}

static void look_at(struct model *m)
{
	assert_int_equal(mail_view_open(m->w.ma, m->w.box, false, NULL, &m->v, &m->w.why), RC_OK);
	assert_int_equal(m->v.exists, m->exists);
}

static void check_range(struct model *m, struct range r)
{
	static struct mail_entry e[CHUNK];
	static uint32_t seqs[CHUNK];
	struct ranges uids = { .at = &r, .n = 1 };
	struct mail_reading in = {
		.from = 1, .uids = &uids, .entries = e, .seqs = seqs, .max = CHUNK
	};
	uint32_t uid = r.lo, seq = below(m, r.lo);
	do {
		assert_int_equal(mail_view_read(&m->v, &in, &m->w.why), RC_OK);
		for (size_t i = 0; i < in.n; i++, uid++) {
			while (m->at[uid] & GONE)
				uid++;
			assert_int_equal(e[i].uid, uid);
			assert_int_equal(seqs[i], ++seq);
			assert_int_equal(e[i].flags & MAIL_FLAGS_ALL, m->at[uid]);
			assert_int_equal(e[i].kwset != 0, m->at[uid] & MAIL_FLAGGED ? 1 : 0);
		}
	} while (in.n == CHUNK);
	while (uid <= r.hi && m->at[uid] & GONE)
		uid++;
	assert_int_equal(uid, r.hi + 1);
}

static void check_numbers(struct model *m)
{
	uint32_t uid = 1 + dice(m, m->uid_next - 1), seq = below(m, uid) + 1;
	bool there = !(m->at[uid] & GONE);
	assert_int_equal(mail_view_seq(&m->v, uid), there ? seq : 0);
	if (there)
		assert_int_equal(mail_view_uid(&m->v, seq), uid);
	assert_int_equal(mail_view_uid(&m->v, m->exists + 1), 0);
}

static void check_unseen(struct model *m)
{
	uint32_t seq = 0, want = 0, uid = 1, unseen = 0, deleted = 0;
	struct mail_box_info info;
	struct arena a;
	for (uint32_t n = 0; uid < m->uid_next; uid++) {
		if (m->at[uid] & GONE)
			continue;
		n++;
		want = want || m->at[uid] & MAIL_SEEN ? want : n;
		unseen += !(m->at[uid] & MAIL_SEEN);
		deleted += !!(m->at[uid] & MAIL_DELETED);
	}
	assert_int_equal(mail_view_first_unseen(&m->v, &seq, &m->w.why), RC_OK);
	assert_int_equal(seq, want);
	arena_init(&a, 0);
	assert_int_equal(mail_box_find(m->w.ma, S("INBOX"), &a, &info), RC_OK);
	assert_int_equal(info.exists, m->exists);
	assert_int_equal(info.unseen, unseen);
	assert_int_equal(info.deleted, deleted);
	arena_done(&a);
}

/* \Flagged and the keyword go together, so that both are seen. */
struct storing {
	struct ranges uids;
	enum mail_flag_op op;
	uint32_t flags;
	bool only_deleted, move;
	uint32_t from, to;
};

static void store(struct world *w, struct mail_change *ch, void *arg)
{
	struct storing *s = arg;
	struct slice word = S("$flagged");
	struct mail_flag_change fc = { .op = s->op,
		.flags = s->flags,
		.keywords = &word,
		.keywords_n = s->flags & MAIL_FLAGGED ? 1 : 0 };
	assert_int_equal(mail_change_flags(ch, w->box, &s->uids, &fc, NULL, NULL), RC_OK);
}

static void expunge(struct world *w, struct mail_change *ch, void *arg)
{
	struct storing *s = arg;
	assert_int_equal(mail_change_expunge(ch, w->box, &s->uids, s->only_deleted, NULL), RC_OK);
}

static void copy(struct world *, struct mail_change *ch, void *arg)
{
	struct storing *s = arg;
	struct ranges src = { 0 }, dst = { 0 };
	assert_int_equal(
		mail_change_copy(ch, s->from, &s->uids, s->to, s->move, &src, &dst), RC_OK);
	assert_int_equal(ranges_count(&src), ranges_count(&dst));
	ranges_done(&src);
	ranges_done(&dst);
}

static void take_out(struct model *m, struct range r, bool only_deleted)
{
	for (uint32_t uid = r.lo; uid <= r.hi; uid++) {
		if (m->at[uid] & GONE || (only_deleted && !(m->at[uid] & MAIL_DELETED)))
			continue;
		m->at[uid] = GONE;
		m->exists--;
	}
}

static void store_some(struct model *m)
{
	static const enum mail_flag_op ops[] = { MAIL_FLAGS_ADD, MAIL_FLAGS_REMOVE,
		MAIL_FLAGS_SET };
	static const uint32_t flags[] = { MAIL_SEEN, MAIL_FLAGGED, MAIL_DELETED,
		MAIL_SEEN | MAIL_FLAGGED, MAIL_SEEN | MAIL_DELETED | MAIL_ANSWERED };
	struct range r = some_uids(m, dice(m, 20) ? 700 : 20000);
	struct storing s = { .op = ops[dice(m, 3)], .flags = flags[dice(m, 5)] };
	if (dice(m, 100) == 0)
		r = (struct range){ 1, m->uid_next - 1 };
	assert_int_equal(ranges_add(&s.uids, r.lo, r.hi), RC_OK);
	world_change(&m->w, store, &s, &m->v);
	ranges_done(&s.uids);
	for (uint32_t uid = r.lo; uid <= r.hi; uid++) {
		uint32_t was = m->at[uid];
		if (was & GONE)
			continue;
		m->at[uid] = (uint8_t)(s.op == MAIL_FLAGS_SET   ? s.flags
				       : s.op == MAIL_FLAGS_ADD ? was | s.flags
								: was & ~s.flags);
	}
	check_range(m, some_uids(m, 300));
}

static void expunge_some(struct model *m)
{
	struct storing s = { .only_deleted = dice(m, 2) };
	struct range r = some_uids(m, 400);
	if (s.only_deleted && dice(m, 5) == 0)
		r = (struct range){ 1, m->uid_next - 1 };
	assert_int_equal(ranges_add(&s.uids, r.lo, r.hi), RC_OK);
	world_change(&m->w, expunge, &s, &m->v);
	ranges_done(&s.uids);
	take_out(m, r, s.only_deleted);
}

static void copy_some(struct model *m)
{
	struct storing s = { .from = m->w.box, .to = m->copies, .move = dice(m, 2) };
	struct range r = some_uids(m, 500);
	assert_int_equal(ranges_add(&s.uids, r.lo, r.hi), RC_OK);
	world_change(&m->w, copy, &s, &m->v);
	ranges_done(&s.uids);
	if (s.move)
		take_out(m, r, false);
}

static void add_some(struct model *m, size_t n)
{
	struct world_adding ad = { .box = m->w.box, .n = n, .flags = dice(m, 2) ? MAIL_SEEN : 0 };
	world_change(&m->w, world_add, &ad, &m->v);
	for (size_t i = 0; i < n; i++)
		m->at[m->uid_next++] = (uint8_t)ad.flags;
	m->exists += (uint32_t)n;
}

static void open_anew(struct model *m)
{
	mail_view_close(&m->v);
	world_jobs(&m->w);
	world_reopen(&m->w);
	look_at(m);
}

static void round_of(struct model *m)
{
	uint32_t what = dice(m, 100);
	if (what < 40)
		check_range(m, some_uids(m, 1000));
	else if (what < 65)
		store_some(m);
	else if (what < 75)
		expunge_some(m);
	else if (what < 80)
		copy_some(m);
	else if (what < 90)
		add_some(m, 1 + dice(m, 40));
	else if (what < 95)
		check_unseen(m);
	else if (what < 97)
		open_anew(m);
	else
		(void)mail_evict(m->w.mail, dice(m, CACHE));
	sync_view(m);
	check_numbers(m);
	assert_true(mail_cached(m->w.mail) <= CACHE);
	assert_true(mem_used(MEM_CACHE) < m->held_first + CACHE + BESIDE);
}

static uint32_t id_of(struct world *w, const char *name)
{
	struct arena a;
	struct mail_box_info info;
	arena_init(&a, 0);
	assert_int_equal(mail_box_find(w->ma, slice_str(name), &a, &info), RC_OK);
	arena_done(&a);
	return info.id;
}

static void begin(struct model *m, uint32_t messages, size_t cache)
{
	*m = (struct model){ .uid_next = 1, .random = 88172645463325252U };
	m->held_first = mem_used(MEM_CACHE);
	world_begin_small(&m->w, 2, cache);
	m->at = calloc(messages * 2, 1);
	assert_non_null(m->at);
	m->copies = id_of(&m->w, "Archive");
	look_at(m);
	while (m->uid_next <= messages)
		add_some(m, AT_ONCE);
	sync_view(m);
	world_jobs(&m->w); /* or all of the log would still be in memory */
	assert_int_equal(mail_checkpoint_account(m->w.mail, ACCOUNT, &m->w.why), RC_OK);
}

static void end(struct model *m)
{
	mail_view_close(&m->v);
	world_end(&m->w);
	free(m->at);
}

static void as_the_model(void **state)
{
	struct model m;
	(void)state;
	begin(&m, MESSAGES, CACHE);
	for (int i = 0; i < ROUNDS; i++)
		round_of(&m);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	open_anew(&m);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	check_unseen(&m);
	end(&m);
}

/* What is dealt with once and what is looked at again and again: a cache that lets all go would read for each look. */
static void reads_what_it_needs(void **state)
{
	enum { HOT = 20, LOOKS = 200 };
	struct model m;
	struct data_stats before, after;
	(void)state;
	begin(&m, MESSAGES, CACHE);
	open_anew(&m);
	data_stats(m.w.data, &before);
	mail_view_close(&m.v);
	look_at(&m);
	check_numbers(&m);
	data_stats(m.w.data, &after);
	assert_int_equal(after.keys_read, before.keys_read); /* the directory is there */
	check_range(&m, (struct range){ 70000, 70010 });
	data_stats(m.w.data, &after);
	assert_int_equal(after.keys_read - before.keys_read, 1); /* a page */
	for (int i = 0; i < LOOKS; i++)
		for (uint32_t k = 0; k < HOT; k++)
			check_range(&m, (struct range){ 70000 + k * 256, 70000 + k * 256 });
	data_stats(m.w.data, &after);
	assert_true(after.keys_read - before.keys_read <= HOT + 1);
	end(&m);
}

/* --- a checkpoint of version 1 had no directories --- */

static void write_old_heads(const struct mail_account *ma, struct buf *out)
{
	buf_byte(out, 1);
	buf_varint(out, 77);
	buf_varint(out, ma->change);
	buf_varint(out, ma->uid_validity_last);
	buf_varint(out, ma->box_last);
	buf_varint(out, ma->boxes_n);
	for (size_t i = 0; i < ma->boxes_n; i++) {
		const struct mail_box *box = ma->boxes[i];
		mail_put_info(out, &box->head);
		buf_varint(out, box->head.uid_next);
		buf_varint(out, box->head.exists);
		buf_varint(out, box->head.unseen);
		buf_varint(out, box->head.deleted);
		buf_varint(out, box->head.bytes);
		buf_varint(out, box->head.modseq);
		buf_varint(out, box->recent_uid);
	}
}

static void reads_the_old_form(void **state)
{
	struct model m;
	struct arena a;
	struct buf heads;
	struct data_batch b;
	(void)state;
	begin(&m, 5000, CACHE);
	for (int i = 0; i < 20; i++)
		expunge_some(&m);
	sync_view(&m);
	world_jobs(&m.w);
	assert_int_equal(mail_checkpoint_now(m.w.ma, &m.w.why), RC_OK);
	arena_init(&a, 0);
	buf_init(&heads, 0, &a);
	write_old_heads(m.w.ma, &heads);
	data_batch_init(&b, &a);
	data_put(&b, DATA_MAIN, mail_key(&a, ACCOUNT, 'k'), buf_slice(&heads));
	assert_int_equal(data_commit_now(m.w.data, &b, &m.w.why), RC_OK);
	arena_done(&a);
	open_anew(&m);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	/* what comes before the directory is known; and the next checkpoint has it */
	mail_view_close(&m.v);
	world_reopen(&m.w);
	assert_false(mail_box_by_id(m.w.ma, m.w.box)->listed);
	add_some(&m, 300);
	look_at(&m);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	expunge_some(&m);
	sync_view(&m);
	assert_int_equal(mail_checkpoint_now(m.w.ma, &m.w.why), RC_OK);
	open_anew(&m);
	assert_true(mail_box_by_id(m.w.ma, m.w.box)->listed);
	assert_false(mail_box_by_id(m.w.ma, m.copies)->listed);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	check_unseen(&m);
	end(&m);
}

/* --- many at once --- */

enum { THREADS = 3, TURNS = 150, FEW = 30000, SMALL = 200000 };

struct reader {
	pthread_t thread;
	struct model *m;
	uint32_t start;
};

/* Numbers rise, and nothing is missing that nobody takes out. */
static void *read_over(void *arg)
{
	struct reader *r = arg;
	struct mail_entry e[64];
	uint32_t seqs[64];
	struct fault why = { 0 };
	for (int i = 0; i < TURNS; i++) {
		struct mail_view v;
		struct range range = { 1 + (r->start + (uint32_t)i * 7919) % FEW, FEW };
		struct ranges uids = { .at = &range, .n = 1 };
		struct mail_reading in = {
			.from = 1, .uids = &uids, .entries = e, .seqs = seqs, .max = 64
		};
		bool ok = mail_view_open(r->m->w.ma, r->m->w.box, true, NULL, &v, &why) == RC_OK;
		uint32_t last = 0;
		for (int k = 0; ok && k < 10; k++) {
			ok = mail_view_read(&v, &in, &why) == RC_OK;
			for (size_t j = 0; j < in.n; j++) {
				ok = ok && e[j].uid > last && (e[j].uid % 2 || e[j].uid > last);
				last = e[j].uid;
			}
		}
		mail_view_close(&v);
		if (!ok)
			return arg;
	}
	return NULL;
}

static void beside_each_other(void **state)
{
	struct model m;
	struct reader readers[THREADS];
	void *bad;
	(void)state;
	begin(&m, FEW, SMALL);
	for (uint32_t i = 0; i < THREADS; i++) {
		readers[i] = (struct reader){ .m = &m, .start = i * 9999 };
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, read_over, &readers[i]), 0);
	}
	for (int i = 0; i < TURNS; i++) {
		store_some(&m);
		expunge_some(&m);
		add_some(&m, 20);
		sync_view(&m);
		check_range(&m, some_uids(&m, 600));
		if (i % 20 == 0)
			(void)mail_evict(m.w.mail, SIZE_MAX);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, &bad), 0);
		assert_null(bad);
	}
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	end(&m);
}

struct keeper {
	struct model *m;
	atomic_bool over;
	unsigned n;
};

static void *checkpoint_over(void *arg)
{
	struct keeper *k = arg;
	struct fault why = { 0 };
	while (!atomic_load(&k->over)) {
		if (mail_checkpoint_account(k->m->w.mail, ACCOUNT, &why) != RC_OK)
			return arg;
		(void)mail_evict(k->m->w.mail, SIZE_MAX);
		k->n++;
	}
	return NULL;
}

/* Pages are stored, let go and read while they change, and the log before the checkpoint goes. */
static void beside_checkpoints(void **state)
{
	enum { CHANGES = 6000, LITTLE = 3000 };
	struct model m;
	struct keeper k = { .m = &m };
	pthread_t thread;
	void *bad;
	(void)state;
	begin(&m, LITTLE, CACHE);
	assert_int_equal(pthread_create(&thread, NULL, checkpoint_over, &k), 0);
	for (int i = 0; i < CHANGES; i++) {
		struct storing s = { .op = i % 2 ? MAIL_FLAGS_ADD : MAIL_FLAGS_REMOVE,
			.flags = MAIL_FLAGGED };
		struct range r = some_uids(&m, 10);
		assert_int_equal(ranges_add(&s.uids, r.lo, r.hi), RC_OK);
		world_change(&m.w, store, &s, &m.v);
		ranges_done(&s.uids);
		for (uint32_t uid = r.lo; uid <= r.hi; uid++)
			if (!(m.at[uid] & GONE))
				m.at[uid] = i % 2 ? m.at[uid] | MAIL_FLAGGED
						  : m.at[uid] & (uint8_t)~MAIL_FLAGGED;
		if (i % 100 == 0)
			expunge_some(&m);
		sync_view(&m);
		check_range(&m, r);
	}
	atomic_store(&k.over, true);
	assert_int_equal(pthread_join(thread, &bad), 0);
	assert_null(bad);
	printf("%d changes beside %u checkpoints\n", CHANGES, k.n);
	open_anew(&m);
	check_range(&m, (struct range){ 1, m.uid_next - 1 });
	end(&m);
}

int test_pages(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_the_model),
		cmocka_unit_test(reads_what_it_needs), cmocka_unit_test(reads_the_old_form),
		cmocka_unit_test(beside_each_other), cmocka_unit_test(beside_checkpoints) };
	return cmocka_run_group_tests_name("mail: pages", tests, NULL, NULL);
}
