/* ahead.c: Deliveries that build upon each other before they are durable. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "mail/change_int.h"

bool mail_ahead_uid_next(const struct mail_account *ma, uint32_t box, uint32_t *uid_next)
{
	if (!ma->ahead || !ma->ahead->n || ma->ahead->box != box)
		return false;
	*uid_next = ma->ahead->uid_next;
	return true;
}

enum rc mail_ahead_thread(struct mail_account *ma, uint64_t msgid, uint64_t *thread)
{
	enum rc rc = RC_NONE;
	lock_enter(&ma->lock);
	const struct mail_ahead *ahead = ma->ahead && ma->ahead->n ? ma->ahead : NULL;
	for (size_t i = 0; ahead && rc != RC_OK && i < AHEAD_THREADS; i++) {
		if (ahead->threads[i].msgid == msgid && msgid) {
			*thread = ahead->threads[i].thread;
			rc = RC_OK;
		}
	}
	lock_leave(&ma->lock);
	return rc;
}

void mail_ahead_done(struct mail_account *ma)
{
	if (!ma->ahead)
		return;
	must(ma->ahead->n == 0);
	buf_done(&ma->ahead->record);
	mem_free(MEM_CACHE, ma->ahead);
	ma->ahead = NULL;
}

/* A chain that is empty or broken: what comes builds upon what is durable. */
static void begin_chain(struct mail_ahead *ahead)
{
	ahead->chain++;
	ahead->n = 0;
	ahead->bytes = 0;
	ahead->threads_at = 0;
	for (size_t i = 0; i < AHEAD_THREADS; i++)
		ahead->threads[i].msgid = 0;
}

static bool note(struct mail_account *ma, struct mail_change *ch)
{
	if (!ma->ahead)
		ma->ahead = mem_new(MEM_CACHE, sizeof(*ma->ahead));
	struct mail_ahead *ahead = ma->ahead;
	const struct mail_pending *p = &ch->pending[0];
	/* what it was built upon has failed meanwhile, or is another mailbox's: it goes its way alone */
	if (ahead->n ? ch->before != ahead->change || ahead->box != p->box
		     : ch->before != ma->change)
		return false;
	if (!ahead->n)
		begin_chain(ahead);
	buf_reset(&ahead->record);
	buf_add(&ahead->record, buf_slice(&ch->log));
	if (ahead->record.over)
		return false;
	ahead->n++;
	ahead->change = ch->before + 1;
	ahead->bytes += ch->bytes;
	ahead->box = p->box;
	ahead->uid_next = p->uid_next;
	size_t at = ahead->threads_at++ % AHEAD_THREADS;
	ahead->threads[at].msgid = ch->msgid;
	ahead->threads[at].thread = ch->thread;
	ch->chain = ahead->chain;
	return true;
}

bool mail_change_ahead(struct mail_change *ch)
{
	if (ch->pending_n != 1 || ch->pending[0].name.len || ch->reap.len || ch->messages != 1)
		return false;
	lock_enter(&ch->ma->lock);
	ch->noted = note(ch->ma, ch);
	lock_leave(&ch->ma->lock);
	return ch->noted;
}

/* Under the lock. */
static void forget(struct mail_change *ch, bool failed)
{
	struct mail_ahead *ahead = ch->ma->ahead;
	if (!ch->noted || ch->chain != ahead->chain)
		return; /* its chain broke before */
	must(ahead->n > 0);
	ahead->n--;
	ahead->bytes -= ch->bytes;
	if (failed)
		begin_chain(ahead);
}

void mail_change_answered(struct mail_change *ch, enum rc rc)
{
	struct mail_account *ma = ch->ma;
	lock_enter(&ma->lock);
	if (rc == RC_OK && ch->before == ma->change) {
		rc = mail_apply(ma, ch->before + 1, buf_slice(&ch->log), NULL);
		must(rc == RC_OK); /* our own bytes, written a moment ago */
	}
	/* when a refresh has read it from the store already, or one below it could not be read, nothing is applied */
	ch->applied = rc == RC_OK && ma->change > ch->before;
	forget(ch, rc != RC_OK);
	lock_leave(&ma->lock);
}

void mail_change_finish(struct mail_change *ch)
{
	struct fault why = { 0 };
	/* it is durable: that memory stays behind makes the next change fail, look again and catch up */
	if (!ch->applied)
		(void)mail_refresh(ch->ma, &why);
	mail_checkpoint_maybe(ch->ma);
	mail_fit(ch->ma->mail);
}
