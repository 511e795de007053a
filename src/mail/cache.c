/* cache.c: What lies in memory of all accounts, and what goes when it is too much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/metric.h"
#include "mail/mail_int.h"

enum { CALM_S = 3 };

/* Two things can go: an account that nobody uses, whole, and the entries of a page, also while sessions look at its mailbox.
 * Nothing is written for either: the log since the checkpoint stays, in the store and, of accounts that are used, in memory,
 * and brings a page up to date when it comes back. So a page that was changed may go before a checkpoint has stored it; its
 * mark in the directory stays, and the checkpoint reads it again.
 *
 * Locks: room, account, pages. Whoever lets a page go holds the room's, so the account stays that long; it takes the page out
 * of its order under that of the pages, and out of the table under that of the account. */

static void pages_counted(struct mail *mail)
{
	atomic_store(&mail->pages_bytes, fifo_bytes(&mail->pages));
}

void mail_idle_counted(struct mail *mail)
{
	atomic_store(&mail->idle_bytes, fifo_bytes(&mail->idle));
}

static size_t held(struct mail *mail)
{
	return atomic_load(&mail->idle_bytes) + atomic_load(&mail->pages_bytes);
}

static uint64_t hash_of(uint32_t account, uint32_t box, uint32_t no)
{
	uint64_t h = (((uint64_t)account << 32 | no) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 29 ^ box) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

void mail_body_list(struct mail_account *ma, uint32_t box, struct mail_body *body)
{
	struct mail *mail = ma->mail;
	size_t bytes = mail_body_bytes(body);
	if (bytes == body->node.bytes)
		return; /* neither new nor grown: no other thread sets it while we hold the account */
	lock_enter(&mail->pages_lock);
	if (body->ma) {
		fifo_resize(&mail->pages, &body->node, bytes);
	} else {
		body->ma = ma;
		body->box = box;
		fifo_add(&mail->pages, &body->node, hash_of(account_id(ma->acc), box, body->no),
			bytes);
	}
	pages_counted(mail);
	lock_leave(&mail->pages_lock);
}

void mail_body_unlist(struct mail_account *ma, struct mail_body *body)
{
	lock_enter(&ma->mail->pages_lock);
	fifo_remove(&ma->mail->pages, &body->node);
	pages_counted(ma->mail);
	lock_leave(&ma->mail->pages_lock);
}

void mail_bodies_unlist(struct mail_account *ma, struct mail_box *box)
{
	for (size_t i = 0; i < box->table.n; i++)
		if (box->table.pages[i].body)
			mail_body_unlist(ma, box->table.pages[i].body);
}

/* Takes one that nobody uses out of memory. Returns its bytes; 0: there is none. */
static size_t evict_account(struct mail *mail)
{
	lock_enter(&mail->lock);
	struct mail_account *ma = (struct mail_account *)fifo_evict(&mail->idle);
	size_t bytes = 0;
	if (ma) {
		account_state_set(ma->acc, ACCOUNT_MAIL, NULL);
		mail->drops[account_id(ma->acc) & 255]++;
		bytes = ma->node.bytes;
		for (size_t i = 0; i < ma->boxes_n; i++)
			mail_bodies_unlist(ma, ma->boxes[i]);
	}
	mail_idle_counted(mail);
	lock_leave(&mail->lock);
	if (ma)
		mail_destroy(ma);
	return bytes;
}

/* Where a body was that is in no order any more. The body itself may be gone before the account's lock is ours. */
struct place {
	const struct mail_body *body;
	struct mail_account *ma;
	uint32_t box, no;
};

static bool next_page(struct mail *mail, struct place *at)
{
	lock_enter(&mail->pages_lock);
	const struct mail_body *body = (struct mail_body *)fifo_evict(&mail->pages);
	if (body)
		*at = (struct place){ body, body->ma, body->box, body->no };
	pages_counted(mail);
	lock_leave(&mail->pages_lock);
	return body != NULL;
}

static size_t drop_body(const struct place *at)
{
	struct mail_box *box = mail_box_by_id(at->ma, at->box);
	struct mail_page *p =
		box ? mail_table_page(&box->table, at->no << MAIL_PAGE_BITS, false) : NULL;
	if (!p || p->body != at->body || p->body->node.is_listed)
		return 0;
	size_t bytes = mail_body_bytes(p->body);
	mail_body_free(p->body);
	p->body = NULL;
	return bytes;
}

/* Bytes of the page that went; 0: there is none. */
static size_t evict_page(struct mail *mail)
{
	struct place at;
	size_t bytes = 0;
	lock_enter(&mail->lock);
	while (bytes == 0 && next_page(mail, &at)) {
		lock_enter(&at.ma->lock);
		bytes = drop_body(&at);
		lock_leave(&at.ma->lock);
	}
	lock_leave(&mail->lock);
	return bytes;
}

/* From the larger of the two parts, so that each may have all when the other wants nothing. */
static size_t evict_one(struct mail *mail)
{
	bool account = atomic_load(&mail->idle_bytes) >= atomic_load(&mail->pages_bytes);
	size_t bytes = account ? evict_account(mail) : evict_page(mail);
	if (!bytes)
		bytes = account ? evict_page(mail) : evict_account(mail);
	metric_add(METRIC_CACHE_MAIL_EVICTIONS, bytes > 0);
	metric_set(METRIC_CACHE_MAIL_BYTES, held(mail));
	return bytes;
}

void mail_fit(struct mail *mail)
{
	while (held(mail) > atomic_load(&mail->cache_bytes) && evict_one(mail) > 0)
		continue;
}

size_t mail_evict(struct mail *mail, size_t bytes)
{
	size_t freed = 0, n = 1;
	while (freed < bytes && n > 0) {
		n = evict_one(mail);
		freed += n;
	}
	return freed;
}

void mail_cache_limit(struct mail *mail, size_t bytes)
{
	size_t max = bytes ? bytes : SIZE_MAX;
	lock_enter(&mail->lock);
	lock_enter(&mail->pages_lock);
	mail->idle.max = mail->pages.max = max;
	atomic_store(&mail->cache_bytes, max);
	lock_leave(&mail->pages_lock);
	lock_leave(&mail->lock);
	mail_fit(mail);
}

void mail_calm(struct mail *mail)
{
	uint64_t looks = atomic_load(&mail->looks);
	size_t has = held(mail), keep = mail->deps.calm_bytes;
	mail->calm_s = looks == mail->looks_seen ? mail->calm_s + 1 : 0;
	mail->looks_seen = looks;
	if (mail->calm_s >= CALM_S && has > keep)
		mail_evict(mail, has - keep);
}

size_t mail_cached(struct mail *mail)
{
	return held(mail);
}
