/* checkpoint.c: Writes pages and heads now and then. */
/* SPDX-License-Identifier: Apache-2.0 */
/* With them the log need not be replayed from its start. */
#include "base/event.h"
#include "base/mem.h"
#include "base/must.h"
#include "mail/mail_int.h"
#include "run/run.h"
#include <inttypes.h>

/* The order, and why a crash anywhere is harmless:
 *   1. claim: 'k' is rewritten with a new claim number, asserted by all that follows. A second node that starts its own
 *      checkpoint takes the claim, and our later writes do not happen.
 *   2. pages that changed since the last checkpoint, each with the change id it is true for; those that the cache let go are
 *      read again, and the log brings them up to date. A page newer than the checkpoint is fine: records up to its id are
 *      not applied to it again.
 *   3. heads and directories as they were at step 1. From now on the log is replayed from there.
 *   4. log records that are too many go (trim.c). */
struct checkpoint {
	struct mail_account *ma;
	struct arena arena;
	struct slice key, claimed, heads;
	uint64_t at;
};

enum { PAGES_A_BATCH = 64 };

static enum rc claim(struct checkpoint *c, struct fault *why)
{
	struct mail_account *ma = c->ma;
	struct data_batch b;
	struct buf old, new;
	struct slice was = { 0 };
	uint64_t number = 0;
	uint32_t account = account_id(ma->acc);
	c->key = mail_key(&c->arena, account, 'k');
	enum rc rc = data_get(ma->mail->deps.data, DATA_MAIN, c->key, &c->arena, &was, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	buf_init(&old, 0, &c->arena);
	buf_init(&new, 0, &c->arena);
	data_batch_init(&b, &c->arena);
	if (rc == RC_OK) {
		struct slice rest = was;
		uint8_t version;
		if (take_byte(&rest, &version) != RC_OK || take_varint(&rest, &number) != RC_OK)
			return RC_LOST;
		buf_byte(&old, version);
		buf_varint(&old, number + 1);
		buf_add(&old, rest);
		data_assert(&b, DATA_MAIN, c->key, was);
		data_put(&b, DATA_MAIN, c->key, buf_slice(&old));
		c->claimed = buf_slice(&old);
		TRY(data_commit_now(ma->mail->deps.data, &b, why));
	}
	lock_enter(&ma->lock);
	c->at = ma->change;
	mail_heads_write(ma, number + 2, &new);
	lock_leave(&ma->lock);
	c->heads = buf_slice(&new);
	return RC_OK;
}

static void assert_claim(struct checkpoint *c, struct data_batch *b)
{
	if (c->claimed.len)
		data_assert(b, DATA_MAIN, c->key, c->claimed);
	else
		data_assert_absent(b, DATA_MAIN, c->key);
}

/* Pages of a box on their way to the store. */
struct saving {
	uint32_t from; /* page number to go on with */
	uint32_t put[PAGES_A_BATCH]; /* numbers of those in the batch */
	size_t n;
	uint64_t at; /* the change that they are true for */
	struct mail_absent absent; /* to be read before it can go on */
};

/* Puts touched pages, up to the first that is not in memory. Under the lock. */
static void put_pages(struct checkpoint *c, struct mail_box *box, struct saving *s,
	struct data_batch *b, struct arena *a)
{
	struct mail_account *ma = c->ma;
	struct mail_table *t = &box->table;
	s->n = s->absent.n = 0;
	s->at = ma->change;
	for (size_t i = mail_table_seek(t, s->from << MAIL_PAGE_BITS); i < t->n; i++) {
		const struct mail_page *p = &t->pages[i];
		struct buf value;
		if (!p->touched)
			continue;
		if (p->n && !p->body && s->absent.n < MAIL_PAGES_AT_ONCE)
			s->absent.no[s->absent.n++] = p->no;
		if (s->absent.n == MAIL_PAGES_AT_ONCE || s->n == PAGES_A_BATCH)
			break;
		if (s->absent.n)
			continue;
		struct slice key = mail_key_page(a, account_id(ma->acc), box->head.id, p->no);
		buf_init(&value, 0, a);
		if (p->n)
			mail_page_write(ma, p, ma->change, &value);
		if (p->n)
			data_put(b, DATA_MAIN, key, buf_slice(&value));
		else
			data_delete(b, DATA_MAIN, key);
		s->put[s->n++] = p->no;
		s->from = p->no + 1;
	}
}

/* They are stored; what was touched meanwhile is to be stored again. */
static void mark_stored(struct mail_account *ma, uint32_t box_id, const struct saving *s)
{
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_id(ma, box_id);
	for (size_t i = 0; box && i < s->n; i++) {
		struct mail_page *p =
			mail_table_page(&box->table, s->put[i] << MAIL_PAGE_BITS, false);
		if (p && p->touched <= s->at)
			p->touched = 0;
	}
	lock_leave(&ma->lock);
}

/* RC_MORE: there are more pages. */
static enum rc save_some(struct checkpoint *c, uint32_t id, struct saving *s, struct fault *why)
{
	struct mail_account *ma = c->ma;
	struct arena a;
	struct data_batch b;
	enum rc rc = RC_OK;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	assert_claim(c, &b);
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_id(ma, id);
	if (box)
		put_pages(c, box, s, &b, &a);
	lock_leave(&ma->lock);
	if (box && s->n)
		rc = data_commit_now(ma->mail->deps.data, &b, why);
	arena_done(&a);
	TRY(rc);
	if (!box)
		return RC_OK; /* deleted meanwhile */
	mark_stored(ma, id, s);
	mail_fit(ma->mail);
	if (s->absent.n)
		TRY(mail_pages_load(ma, id, &s->absent, why));
	return s->n || s->absent.n ? RC_MORE : RC_OK;
}

static enum rc save_box(struct checkpoint *c, uint32_t id, struct fault *why)
{
	struct saving s = { 0 };
	enum rc rc = mail_box_load(c->ma, id, why);
	if (rc == RC_OK)
		rc = RC_MORE;
	while (rc == RC_MORE)
		rc = save_some(c, id, &s, why);
	return rc == RC_NONE ? RC_OK : rc;
}

/* A box needs saving when a record since the checkpoint may have touched it. */
static bool touched(struct mail_account *ma, uint32_t *ids, size_t max, size_t *n)
{
	*n = 0;
	lock_enter(&ma->lock);
	bool fits = ma->boxes_n <= max;
	for (size_t i = 0; fits && i < ma->boxes_n; i++)
		if (ma->boxes[i]->head.modseq > ma->checkpoint)
			ids[(*n)++] = ma->boxes[i]->head.id;
	lock_leave(&ma->lock);
	return fits;
}

/* Pages that are stored as absent. */
static void drop_empty(struct mail_account *ma, struct mail_box *box)
{
	struct mail_table *t = &box->table;
	for (size_t i = 0; i < t->n; i++) {
		struct mail_page *p = &t->pages[i];
		if (p->n || p->touched || !p->body)
			continue;
		mail_body_unlist(ma, p->body);
		mail_body_free(p->body);
		p->body = NULL;
	}
	mail_table_tidy(t);
}

static void forget_recent(struct mail_account *ma, uint64_t upto)
{
	lock_enter(&ma->lock);
	ma->checkpoint = upto;
	size_t n = 0;
	while (n < ma->recent_n && ma->recent[n].id <= upto) {
		ma->recent_bytes -= ma->recent[n].len;
		mem_free(MEM_CACHE, ma->recent[n++].at);
	}
	for (size_t i = n; i < ma->recent_n; i++)
		ma->recent[i - n] = ma->recent[i];
	ma->recent_n -= n;
	for (size_t i = 0; i < ma->boxes_n; i++)
		drop_empty(ma, ma->boxes[i]);
	lock_leave(&ma->lock);
}

static enum rc finish(struct checkpoint *c, struct fault *why)
{
	struct mail_account *ma = c->ma;
	struct data_batch b;
	data_batch_init(&b, &c->arena);
	assert_claim(c, &b);
	data_put(&b, DATA_MAIN, c->key, c->heads);
	TRY(data_commit_now(ma->mail->deps.data, &b, why));
	forget_recent(ma, c->at);
	return RC_OK;
}

static enum rc run_checkpoint(struct checkpoint *c, struct fault *why)
{
	size_t n;
	uint32_t *ids = arena_try_array(&c->arena, 16384, sizeof(*ids));
	TRY(claim(c, why));
	/* not before: a box that is touched first in between would be in the heads, and its pages not in the store */
	if (!ids || !touched(c->ma, ids, 16384, &n))
		return RC_LIMIT;
	for (size_t i = 0; i < n; i++)
		TRY(save_box(c, ids[i], why));
	return finish(c, why);
}

enum rc mail_checkpoint_now(struct mail_account *ma, struct fault *why)
{
	struct checkpoint c = { .ma = ma };
	arena_init(&c.arena, 0);
	enum rc rc = run_checkpoint(&c, why);
	arena_done(&c.arena);
	return rc;
}

/* What was expunged, and the content that lost its last link, here or in the queue. */
static void reap_and_purge(struct mail_account *ma, struct fault *why)
{
	struct blob_cursor cursor = { 0 };
	size_t n = 0;
	enum rc rc = mail_reap(ma->mail, account_id(ma->acc), why);
	if (rc == RC_OK)
		rc = RC_MORE;
	while (rc == RC_MORE)
		rc = blob_purge(ma->mail->deps.blob, &cursor, &n, why);
	if (rc != RC_OK)
		event_log(EVENT_MAIL_REAP_FAILED, f_u64("account", account_id(ma->acc)),
			f_str("why", fault_text(why)));
}

static void work(void *arg)
{
	struct mail_account *ma = arg;
	struct fault why = { 0 };
	lock_enter(&ma->lock);
	bool reap = ma->reap;
	bool due = ma->recent_n >= MAIL_CHECKPOINT_RECORDS ||
		   ma->recent_bytes >= MAIL_CHECKPOINT_BYTES;
	ma->reap = false;
	lock_leave(&ma->lock);
	if (reap)
		reap_and_purge(ma, &why);
	enum rc rc = due ? mail_checkpoint_now(ma, &why) : RC_OK;
	if (due && rc == RC_OK)
		rc = mail_trim_log(ma->mail, account_id(ma->acc), 0, NULL, &why);
	if (rc != RC_OK)
		event_log(EVENT_MAIL_CHECKPOINT_FAILED, f_u64("account", account_id(ma->acc)),
			f_str("why", fault_text(&why)));
	lock_enter(&ma->lock);
	ma->checkpointing = false;
	lock_leave(&ma->lock);
	mail_close(&ma);
}

enum rc mail_checkpoint_account(struct mail *mail, uint32_t account, struct fault *why)
{
	struct mail_account *ma;
	enum rc rc = RC_OK;
	TRY(mail_open(mail, account, &ma, why));
	lock_enter(&ma->lock);
	bool busy = ma->checkpointing;
	ma->checkpointing = true;
	lock_leave(&ma->lock);
	if (!busy) {
		rc = mail_checkpoint_now(ma, why);
		lock_enter(&ma->lock);
		ma->checkpointing = false;
		lock_leave(&ma->lock);
	}
	mail_close(&ma);
	return rc;
}

void mail_checkpoint_maybe(struct mail_account *ma)
{
	lock_enter(&ma->lock);
	bool due = ma->recent_n >= MAIL_CHECKPOINT_RECORDS ||
		   ma->recent_bytes >= MAIL_CHECKPOINT_BYTES || ma->reap;
	due = due && !ma->checkpointing;
	ma->checkpointing |= due;
	lock_leave(&ma->lock);
	if (due &&
		run_job(ma->mail->deps.run, RUN_JOB_BACKGROUND, work, mail_ref(ma), NULL) != RC_OK)
		work(ma);
}
