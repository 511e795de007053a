/* change.c: Building, ending and applying a change; adding messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/change.h"
#include "base/must.h"
#include "mail/change_int.h"
#include "mail/record_int.h"
#include "run/run.h"
#include <string.h>

enum { REFS_MAX = 24 };

enum rc mail_change_begin(struct mail_account *ma, struct data_batch *b, struct arena *a,
	struct mail_change **out, struct fault *why)
{
	struct mail_change *ch = arena_new(a, sizeof(*ch));
	ch->ma = ma;
	ch->batch = b;
	ch->arena = a;
	ch->why = why;
	ch->account = account_id(ma->acc);
	buf_init(&ch->log, 0, a);
	buf_init(&ch->reap, 0, a);
	mail_log_begin(&ch->log, run_unix(ma->mail->deps.run));
	ch->log_empty = ch->log.len;
	lock_enter(&ma->lock);
	const struct mail_ahead *ahead = ma->ahead && ma->ahead->n ? ma->ahead : NULL;
	ch->before = ahead ? ahead->change : ma->change;
	enum rc rc = ahead ? arena_copy(a, buf_slice(&ahead->record), &ch->below) : RC_OK;
	ch->box_last = ma->box_last;
	ch->uid_validity_last = ma->uid_validity_last;
	lock_leave(&ma->lock);
	*out = ch;
	return rc == RC_OK ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

struct mail_pending *mail_pending(struct mail_change *ch, uint32_t box)
{
	for (size_t i = 0; i < ch->pending_n; i++)
		if (ch->pending[i].box == box)
			return &ch->pending[i];
	if (ch->pending_n == CHANGE_BOXES)
		return NULL;
	lock_enter(&ch->ma->lock);
	struct mail_box *b = mail_box_by_id(ch->ma, box);
	uint32_t uid_next = b ? b->head.uid_next : 0;
	(void)mail_ahead_uid_next(ch->ma, box, &uid_next);
	lock_leave(&ch->ma->lock);
	if (!uid_next)
		return NULL;
	ch->pending[ch->pending_n] = (struct mail_pending){ .box = box, .uid_next = uid_next };
	return &ch->pending[ch->pending_n++];
}

enum rc mail_change_place(struct mail_change *ch, uint32_t to, const struct mail_entry *e,
	const struct slice *words, size_t words_n, uint32_t *uid)
{
	struct mail_pending *p = mail_pending(ch, to);
	if (!p || p->uid_next == UINT32_MAX || words_n > MAIL_OP_WORDS_MAX)
		return RC_LIMIT;
	struct mail_op op = { .kind = MAIL_OP_APPEND, .box = to, .entry = *e, .words_n = words_n };
	op.entry.uid = p->uid_next++;
	op.entry.flags &= MAIL_FLAGS_ALL;
	for (size_t i = 0; i < words_n; i++)
		op.words[i] = words[i];
	mail_log_op(&ch->log, &op);
	ch->bytes += e->size;
	*uid = op.entry.uid;
	return RC_OK;
}

void mail_change_where(struct mail_change *ch, uint32_t box, uint64_t mid, uint32_t uid)
{
	data_put(
		ch->batch, DATA_MAIN, mail_key_where(ch->arena, ch->account, mid, box, uid), S(""));
}

void mail_change_unplace(
	struct mail_change *ch, uint32_t box, const struct mail_entry *e, bool reap)
{
	data_delete(
		ch->batch, DATA_MAIN, mail_key_where(ch->arena, ch->account, e->mid, box, e->uid));
	if (reap)
		buf_varint(&ch->reap, e->mid);
}

/* The thread of the first known Message-ID; the others are then made known as its members, so that a late parent
 * joins too. One read an id, whatever the mailbox holds. */
static enum rc join_thread(struct mail_change *ch, const struct mail_new *msg, uint64_t mid,
	uint64_t *thread, struct fault *why)
{
	struct data *data = ch->ma->mail->deps.data;
	uint64_t ids[REFS_MAX + 1];
	bool known[REFS_MAX + 1];
	size_t n = 0;
	if (msg->msgid_hash)
		ids[n++] = msg->msgid_hash;
	size_t skip = msg->ref_n > REFS_MAX ? msg->ref_n - REFS_MAX
					    : 0; /* the nearest ancestors come last */
	for (size_t i = skip; i < msg->ref_n; i++)
		ids[n++] = msg->ref_hash[i];
	*thread = 0;
	for (size_t i = 0; i < n; i++) {
		struct slice value;
		uint64_t found;
		enum rc rc = data_get(data, DATA_MAIN,
			mail_key_u64(ch->arena, ch->account, 't', ids[i]), ch->arena, &value, why);
		if (rc != RC_OK && rc != RC_NONE)
			return rc;
		known[i] = rc == RC_OK ? take_be64(&value, &found) == RC_OK
				       : mail_ahead_thread(ch->ma, ids[i], &found) == RC_OK;
		if (known[i] && !*thread)
			*thread = found;
	}
	if (!*thread)
		*thread = mid;
	for (size_t i = 0; i < n; i++) {
		struct buf value;
		if (known[i])
			continue;
		buf_init(&value, 0, ch->arena);
		buf_be64(&value, *thread);
		data_put(ch->batch, DATA_MAIN, mail_key_u64(ch->arena, ch->account, 't', ids[i]),
			buf_slice(&value));
	}
	return RC_OK;
}

enum rc mail_change_append(struct mail_change *ch, uint32_t box, const struct mail_new *msg,
	uint32_t *uid, struct fault *why)
{
	TRY(mail_quota_check(ch->ma, ch->bytes + msg->size, why));
	if (ch->messages == CHANGE_MESSAGES || msg->size > UINT32_MAX)
		return fault_set(why, FAULT_MESSAGE_TOO_BIG, "%s", "");
	struct mail_entry e = { .mid = (ch->before + 1) << 16 | ch->messages++,
		.received = msg->received,
		.size = (uint32_t)msg->size,
		.flags = msg->flags };
	uint64_t thread;
	struct slice record;
	TRY(join_thread(ch, msg, e.mid, &thread, why));
	ch->msgid = msg->msgid_hash;
	ch->thread = thread;
	if (arena_copy(ch->arena, msg->record, &record) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	mail_record_set_thread(record, thread);
	if (mail_change_place(ch, box, &e, msg->keywords, msg->keywords_n, uid) != RC_OK)
		return fault_set(why, FAULT_MAILBOX_UNKNOWN, "the mailbox takes no more messages");
	data_put(ch->batch, DATA_MAIN, mail_key_u64(ch->arena, ch->account, 'r', e.mid), record);
	blob_link(ch->batch, &msg->blob, ch->account, ACCOUNT_MAIL, e.mid);
	return RC_OK;
}

bool mail_change_empty(const struct mail_change *ch)
{
	return ch->log.len == ch->log_empty;
}

uint64_t mail_change_id(const struct mail_change *ch)
{
	return ch->before + 1;
}

enum rc mail_change_end(struct mail_change *ch, struct fault *why)
{
	if (ch->log.over || ch->reap.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	account_change(ch->batch, ch->account, ACCOUNT_MAIL, ch->before, buf_slice(&ch->log));
	if (ch->below.len)
		data_assert(ch->batch, DATA_MAIN,
			mail_key_u64(ch->arena, ch->account, 'l', ch->before), ch->below);
	if (ch->reap.len)
		data_put(ch->batch, DATA_MAIN,
			mail_key_u64(ch->arena, ch->account, 'x', ch->before + 1),
			buf_slice(&ch->reap));
	return RC_OK;
}

void mail_change_apply(struct mail_change *ch, struct mail_view *self)
{
	enum rc rc = RC_OK;
	lock_enter(&ch->ma->lock);
	/* whoever loaded a page that knew more than we did has read it from the log already */
	if (ch->ma->change == ch->before)
		rc = mail_apply(ch->ma, ch->before + 1, buf_slice(&ch->log), self);
	ch->ma->reap |= ch->reap.len > 0;
	lock_leave(&ch->ma->lock);
	must(rc == RC_OK); /* our own bytes, written a moment ago */
	mail_checkpoint_maybe(ch->ma);
	mail_fit(ch->ma->mail);
}
