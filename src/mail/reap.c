/* reap.c: Removes the records of messages that no mailbox holds any more, and their links to content. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_int.h"
#include "mail/record.h"

static enum rc reap_one(
	struct data *data, uint32_t account, uint64_t mid, struct data_batch *b, struct fault *why)
{
	struct slice prefix = mail_key_u64(b->arena, account, 'i', mid);
	struct data_range where = {
		.space = DATA_MAIN, .from = prefix, .to = mail_key_end(b->arena, prefix)
	};
	bool held = false;
	struct slice key = mail_key_u64(b->arena, account, 'r', mid), bytes;
	struct mail_record rec;
	TRY(data_any(data, &where, &held, why));
	if (held)
		return RC_OK;
	enum rc rc = data_get(data, DATA_MAIN, key, b->arena, &bytes, why);
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	if (mail_record_read(bytes, &rec) == RC_OK)
		blob_unlink(b, &rec.blob, account, ACCOUNT_MAIL, mid);
	data_delete(b, DATA_MAIN, key);
	return RC_OK;
}

struct reap {
	struct slice key, mids;
	struct arena *arena;
	enum rc rc;
};

static bool first_reap(void *ctx, struct slice key, struct slice value)
{
	struct reap *r = ctx;
	r->rc = arena_copy(r->arena, key, &r->key);
	if (r->rc == RC_OK)
		r->rc = arena_copy(r->arena, value, &r->mids);
	return false;
}

/* One expunge: the messages of one 'x' key. RC_NONE: no more. */
static enum rc reap_next(struct data *data, uint32_t account, struct arena *a, struct fault *why)
{
	struct reap r = { .arena = a, .rc = RC_NONE };
	struct slice prefix = mail_key(a, account, 'x');
	struct data_range all = {
		.space = DATA_MAIN, .from = prefix, .to = mail_key_end(a, prefix), .limit = 1
	};
	struct data_batch b;
	uint64_t mid;
	data_batch_init(&b, a);
	TRY(data_scan(data, &all, first_reap, &r, why));
	TRY(r.rc);
	while (r.mids.len && take_varint(&r.mids, &mid) == RC_OK)
		TRY(reap_one(data, account, mid, &b, why));
	data_delete(&b, DATA_MAIN, r.key);
	return data_commit_now(data, &b, why);
}

enum rc mail_reap(struct mail *mail, uint32_t account, struct fault *why)
{
	enum rc rc = RC_OK;
	while (rc == RC_OK) {
		struct arena a;
		arena_init(&a, 0);
		rc = reap_next(mail->deps.data, account, &a, why);
		arena_done(&a);
	}
	return rc == RC_NONE ? RC_OK : rc;
}
