/* mail.c: The room: accounts' mail in memory, opened, counted, evicted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "mail/mail_int.h"
#include <string.h>

enum { LOG_MOST = 10000 }; /* until mail_log_keep says otherwise */

struct mail *mail_new(const struct mail_deps *deps)
{
	struct mail *mail = mem_new(MEM_CACHE, sizeof(*mail));
	mail->deps = *deps;
	mail->cache_bytes = deps->cache_bytes ? deps->cache_bytes : SIZE_MAX;
	fifo_init(&mail->idle, mail->cache_bytes);
	fifo_init(&mail->pages, mail->cache_bytes);
	mail->log_most = LOG_MOST;
	lock_init(&mail->lock, LOCK_MAIL_ROOM);
	lock_init(&mail->pages_lock, LOCK_MAIL_PAGES);
	return mail;
}

static struct mail_account *make(struct mail *mail, uint32_t account)
{
	struct mail_account *ma = mem_new(MEM_CACHE, sizeof(*ma));
	ma->mail = mail;
	ma->acc = account_get(mail->deps.accounts, account);
	ma->refs = 1;
	lock_init(&ma->lock, LOCK_MAIL_ACCOUNT);
	mail_keywords_init(&ma->keywords);
	return ma;
}

void mail_destroy(struct mail_account *ma)
{
	for (size_t i = 0; i < ma->boxes_n; i++) {
		must(ma->boxes[i]->views == NULL);
		mail_table_done(&ma->boxes[i]->table);
		mem_free(MEM_CACHE, (void *)(uintptr_t)ma->boxes[i]->head.name.at);
		mem_free(MEM_CACHE, ma->boxes[i]);
	}
	for (size_t i = 0; i < ma->recent_n; i++)
		mem_free(MEM_CACHE, ma->recent[i].at);
	mem_free(MEM_CACHE, ma->boxes);
	mem_free(MEM_CACHE, ma->recent);
	mail_keywords_done(&ma->keywords);
	mail_ahead_done(ma);
	lock_done(&ma->lock);
	account_put(&ma->acc);
	mem_free(MEM_CACHE, ma);
}

/* What it holds on the heap beside bodies of pages, near enough. */
static size_t size_of(const struct mail_account *ma)
{
	size_t sum = sizeof(*ma) + ma->boxes_cap * sizeof(*ma->boxes) + ma->recent_bytes +
		     ma->recent_cap * sizeof(*ma->recent);
	for (size_t i = 0; i < ma->boxes_n; i++)
		sum += sizeof(*ma->boxes[i]) + ma->boxes[i]->head.name.len +
		       mail_table_bytes(&ma->boxes[i]->table);
	return sum;
}

void mail_free(struct mail **ref)
{
	struct mail *mail = *ref;
	if (!mail)
		return;
	(void)mail_evict(mail, SIZE_MAX);
	lock_done(&mail->lock);
	lock_done(&mail->pages_lock);
	mem_free(MEM_CACHE, mail);
	*ref = NULL;
}

struct mail_account *mail_ref(struct mail_account *ma)
{
	lock_enter(&ma->mail->lock);
	ma->refs++;
	lock_leave(&ma->mail->lock);
	return ma;
}

static void use(struct mail *mail, struct mail_account *ma)
{
	if (ma->refs++ == 0) {
		fifo_hit(&ma->node);
		fifo_remove(&mail->idle, &ma->node);
		mail_idle_counted(mail);
	}
}

static struct mail_account *find(struct mail *mail, struct account *acc, uint64_t *drops)
{
	lock_enter(&mail->lock);
	mail->looks++;
	struct mail_account *ma = account_state(acc, ACCOUNT_MAIL);
	if (ma) {
		use(mail, ma);
	}
	*drops = mail->drops[account_id(acc) & 255];
	lock_leave(&mail->lock);
	return ma;
}

/* Puts the loaded account where others find it. Another thread's wins; an eviction in between may have hidden a
 * change from us, so then nothing is installed. */
static struct mail_account *install(struct mail *mail, struct mail_account *ma, uint64_t drops)
{
	lock_enter(&mail->lock);
	struct mail_account *other = account_state(ma->acc, ACCOUNT_MAIL);
	if (other) {
		use(mail, other);
	} else if (drops == mail->drops[account_id(ma->acc) & 255]) {
		account_state_set(ma->acc, ACCOUNT_MAIL, ma);
		other = ma;
	}
	lock_leave(&mail->lock);
	return other;
}

enum rc mail_open(struct mail *mail, uint32_t account, struct mail_account **out, struct fault *why)
{
	struct account *acc = account_get(mail->deps.accounts, account);
	uint64_t drops;
	struct mail_account *ma = find(mail, acc, &drops);
	enum rc rc = RC_OK;
	metric_add(ma ? METRIC_CACHE_MAIL_HITS : METRIC_CACHE_MAIL_MISSES, 1);
	while (!ma && rc == RC_OK) {
		struct mail_account *fresh = make(mail, account);
		rc = mail_load(fresh, why);
		bool again = rc == RC_TAKEN;
		if (rc == RC_OK && fresh->boxes_n == 0)
			rc = mail_first(fresh, why);
		ma = rc == RC_OK ? install(mail, fresh, drops) : NULL;
		if (ma != fresh)
			mail_destroy(fresh);
		if (again)
			rc = RC_OK;
		if (!ma && rc == RC_OK)
			ma = find(mail, acc, &drops);
	}
	account_put(&acc);
	if (rc == RC_OK)
		*out = ma;
	return rc;
}

static uint64_t hash_of(uint32_t account)
{
	uint64_t h = (account + 1ULL) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

void mail_close(struct mail_account **ref)
{
	struct mail_account *ma = *ref;
	*ref = NULL;
	if (!ma)
		return;
	struct mail *mail = ma->mail;
	lock_enter(&mail->lock);
	must(ma->refs > 0);
	if (--ma->refs == 0) {
		mail_ahead_done(ma);
		fifo_add(&mail->idle, &ma->node, hash_of(account_id(ma->acc)), size_of(ma));
		mail_idle_counted(mail);
	}
	lock_leave(&mail->lock);
	mail_fit(mail);
}

struct account *mail_account_of(struct mail_account *ma)
{
	return ma->acc;
}

struct mail *mail_of(struct mail_account *ma)
{
	return ma->mail;
}

uint64_t mail_bytes_held(const struct mail_account *ma)
{
	uint64_t sum = ma->ahead ? ma->ahead->bytes : 0;
	for (size_t i = 0; i < ma->boxes_n; i++)
		sum += ma->boxes[i]->head.bytes;
	return sum;
}

uint64_t mail_bytes(struct mail_account *ma)
{
	lock_enter(&ma->lock);
	uint64_t sum = mail_bytes_held(ma);
	lock_leave(&ma->lock);
	return sum;
}

uint64_t mail_messages(struct mail_account *ma)
{
	uint64_t sum = 0;
	lock_enter(&ma->lock);
	for (size_t i = 0; i < ma->boxes_n; i++)
		sum += ma->boxes[i]->head.exists;
	lock_leave(&ma->lock);
	return sum;
}

void mail_quota_set(struct mail_account *ma, uint64_t bytes)
{
	lock_enter(&ma->lock);
	ma->quota = bytes;
	lock_leave(&ma->lock);
}

enum rc mail_quota_check(struct mail_account *ma, uint64_t more, struct fault *why)
{
	lock_enter(&ma->lock);
	uint64_t held = mail_bytes_held(ma), quota = ma->quota;
	lock_leave(&ma->lock);
	if (quota && held + more > quota)
		return fault_set(why, FAULT_QUOTA, "%s", "");
	return RC_OK;
}
