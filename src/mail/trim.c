/* trim.c: Keeps change logs short: so many records, so many days, and never less than what is replayed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "mail/mail_int.h"

enum { AT_ONCE = 1024, ID_LEN = 8 };

/* What goes, of one account. Only records below the checkpoint: opening the account replays what is past it; and who comes
 * with an older checkpoint sees by the record at this one that some are missing. */
struct trim {
	struct mail *mail;
	uint32_t account;
	int64_t since; /* what was made before goes */
	uint64_t last; /* and what has an id up to this one */
	uint64_t checkpoint;
	struct arena a;
	struct slice heads; /* the checkpoint, as it was read */
	struct data_batch b;
	size_t n, seen;
	bool over; /* no memory for more */
	bool young; /* a record stays */
	bool due; /* one past the checkpoint should go */
};

static bool visit(void *ctx, struct slice key, struct slice record)
{
	struct trim *t = ctx;
	struct slice tail = slice_tail(key, key.len - ID_LEN), copy;
	uint64_t id;
	int64_t made;
	t->seen++;
	t->young = take_be64(&tail, &id) != RC_OK || mail_log_open(&record, &made) != RC_OK ||
		   (id > t->last && made >= t->since);
	t->due = !t->young && id > t->checkpoint;
	if (t->young || t->due)
		return false;
	if (id == t->checkpoint)
		return true;
	t->over = arena_copy(&t->a, key, &copy) != RC_OK;
	if (!t->over)
		data_delete(&t->b, DATA_MAIN, copy);
	t->n += !t->over;
	return !t->over;
}

/* RC_NONE: the account has no mail. */
static enum rc read_state(struct trim *t, struct fault *why)
{
	struct data *data = t->mail->deps.data;
	struct slice counter, in;
	uint64_t change, claim, most = atomic_load(&t->mail->log_most);
	uint8_t version;
	TRY(data_get(data, DATA_MAIN, mail_key(&t->a, t->account, 'c'), &t->a, &counter, why));
	enum rc rc =
		data_get(data, DATA_MAIN, mail_key(&t->a, t->account, 'k'), &t->a, &t->heads, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	in = t->heads;
	if (take_be64(&counter, &change) != RC_OK ||
		(rc == RC_OK &&
			(take_byte(&in, &version) != RC_OK || take_varint(&in, &claim) != RC_OK ||
				take_varint(&in, &t->checkpoint) != RC_OK)))
		return fault_set(why, FAULT_DAMAGED, "the checkpoint of an account is damaged");
	t->last = change > most ? change - most : 0;
	return RC_OK;
}

static enum rc trim_some(struct trim *t, struct fault *why)
{
	TRY(read_state(t, why));
	struct slice prefix = mail_key(&t->a, t->account, 'l');
	struct data_range range = { .space = DATA_MAIN,
		.from = prefix,
		.to = mail_key_end(&t->a, prefix),
		.limit = AT_ONCE };
	data_batch_init(&t->b, &t->a);
	TRY(data_scan(t->mail->deps.data, &range, visit, t, why));
	if (t->n == 0)
		return t->over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
	/* the checkpoint that made them superfluous stands, or the next look sees another one */
	data_assert(&t->b, DATA_MAIN, mail_key(&t->a, t->account, 'k'), t->heads);
	TRY(data_commit_now(t->mail->deps.data, &t->b, why));
	return t->over || t->seen == AT_ONCE ? RC_MORE : RC_OK;
}

/* `due`: a checkpoint would let more go. */
static enum rc trim(
	struct mail *mail, uint32_t account, int64_t since, size_t *n, bool *due, struct fault *why)
{
	enum rc rc = RC_MORE;
	while (rc == RC_MORE) {
		struct trim t = { .mail = mail, .account = account, .since = since };
		arena_init(&t.a, 0);
		rc = trim_some(&t, why);
		arena_done(&t.a);
		*due = t.due;
		if (n && (rc == RC_OK || rc == RC_MORE))
			*n += t.n;
		if (rc == RC_OK || rc == RC_MORE)
			metric_add(METRIC_CHANGES_TRIMMED, t.n);
	}
	return rc == RC_NONE || rc == RC_TAKEN ? RC_OK : rc;
}

enum rc mail_trim_log(
	struct mail *mail, uint32_t account, int64_t since, size_t *n, struct fault *why)
{
	bool due;
	return trim(mail, account, since, n, &due, why);
}

void mail_log_keep(struct mail *mail, uint64_t most)
{
	atomic_store(&mail->log_most, most);
}

struct next {
	uint32_t account;
	bool found;
};

static bool take_account(void *ctx, struct slice key, struct slice value)
{
	struct next *next = ctx;
	(void)value;
	key = slice_tail(key, 1);
	next->found = take_be32(&key, &next->account) == RC_OK;
	return false;
}

static enum rc find_account(struct mail *mail, struct next *next, struct fault *why)
{
	struct arena a;
	struct buf from;
	arena_init(&a, 0);
	buf_init(&from, 0, &a);
	buf_byte(&from, 'A');
	buf_be32(&from, next->account);
	struct data_range range = {
		.space = DATA_MAIN, .from = buf_slice(&from), .to = S("B"), .limit = 1
	};
	enum rc rc = data_scan(mail->deps.data, &range, take_account, next, why);
	arena_done(&a);
	return rc;
}

enum rc mail_tidy(struct mail *mail, uint32_t *account, int64_t since, size_t *n, struct fault *why)
{
	struct next next = { .account = *account };
	bool due;
	TRY(find_account(mail, &next, why));
	if (!next.found)
		return RC_OK;
	*account = next.account + 1; /* also after a fault: it is not in the way of the others */
	TRY(mail_reap(mail, next.account, why));
	TRY(trim(mail, next.account, since, n, &due, why));
	if (due) {
		TRY(mail_checkpoint_account(mail, next.account, why));
		TRY(trim(mail, next.account, since, n, &due, why));
	}
	return *account ? RC_MORE : RC_OK;
}
