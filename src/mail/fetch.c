/* fetch.c: Records and bytes of messages out of the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/fetch.h"
#include "mail/mail_int.h"
#include <string.h>

enum rc mail_record_get(struct mail_account *ma, uint64_t mid, struct arena *a,
	struct slice *record, struct fault *why)
{
	return data_get(ma->mail->deps.data, DATA_MAIN,
		mail_key_u64(a, account_id(ma->acc), 'r', mid), a, record, why);
}

struct scan {
	const struct mail_entry *entries;
	size_t n, at;
	mail_record_fn *visit;
	void *ctx;
	bool stopped, strayed;
	unsigned strange;
};

enum {
	STRANGE_MAX = 16, /* so many records of others in a row: a new seek is cheaper */
	KEPT_BYTES =
		32
		<< 20 /* so much of what one command reads may displace other things in the store's cache */
};

static bool visit(void *ctx, struct slice key, struct slice value)
{
	struct scan *s = ctx;
	uint64_t mid;
	struct slice tail = slice_tail(key, key.len - (key.len < 8 ? key.len : 8));
	if (take_be64(&tail, &mid) != RC_OK)
		return false;
	while (s->at < s->n && s->entries[s->at].mid < mid)
		s->at++;
	if (s->at == s->n)
		return false;
	if (s->entries[s->at].mid > mid) {
		s->strayed = ++s->strange > STRANGE_MAX;
		return !s->strayed;
	}
	s->strange = 0;
	s->stopped = !s->visit(s->ctx, s->at++, value);
	return !s->stopped && s->at < s->n;
}

/* How many entries from `at` on have rising message ids: one scan serves them. */
static size_t rising(const struct mail_entry *entries, size_t at, size_t n)
{
	size_t end = at + 1;
	while (end < n && entries[end].mid > entries[end - 1].mid)
		end++;
	return end;
}

enum rc mail_records(struct mail_account *ma, const struct mail_wanted *wanted, mail_record_fn *fn,
	void *ctx, struct fault *why)
{
	const struct mail_entry *entries = wanted->entries;
	size_t n = wanted->n;
	struct scan s = { .entries = entries, .visit = fn, .ctx = ctx };
	uint32_t account = account_id(ma->acc);
	while (s.at < n && !s.stopped) {
		struct arena a;
		s.n = rising(entries, s.at, n);
		s.strange = 0;
		s.strayed = false;
		arena_init(&a, 0);
		struct data_range range = { .space = DATA_MAIN,
			.passing = wanted->before > KEPT_BYTES,
			.from = mail_key_u64(&a, account, 'r', entries[s.at].mid),
			.to = mail_key_u64(&a, account, 'r', entries[s.n - 1].mid + 1) };
		enum rc rc = data_scan(ma->mail->deps.data, &range, visit, &s, why);
		arena_done(&a);
		TRY(rc);
		if (!s.strayed && !s.stopped)
			s.at = s.n; /* what is left of them is gone */
	}
	return RC_OK;
}

enum rc mail_bytes_append(struct mail_account *ma, const struct blob_ref *ref, uint64_t offset,
	uint64_t len, struct buf *out, struct fault *why)
{
	return blob_append(ma->mail->deps.blob, ref, offset, len, out, why);
}

enum rc mail_bytes_get(struct mail_account *ma, const struct blob_ref *ref, uint64_t offset,
	uint64_t len, struct arena *a, struct slice *out, struct fault *why)
{
	return blob_read(ma->mail->deps.blob, ref, offset, len, a, out, why);
}
