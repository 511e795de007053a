/* locks.c: Which accounts' maildrops are open here, and when each was opened last. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "base/mem.h"
#include "pop3/session.h"

enum { BUCKETS = 256 };

/* One that is open, or was not long ago. */
struct drop {
	struct drop *next;
	uint32_t account;
	uint32_t sessions; /* that have it open */
	uint64_t opened_ms, quiet_ms; /* when last; until when the next one may not */
};

struct pop3_locks {
	struct lock lock;
	struct drop *buckets[BUCKETS];
};

struct pop3_locks *pop3_locks_new(void)
{
	struct pop3_locks *locks = mem_new(MEM_OTHER, sizeof(*locks));
	lock_init(&locks->lock, LOCK_POP3);
	return locks;
}

void pop3_locks_free(struct pop3_locks **locks)
{
	if (!*locks)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((*locks)->buckets[i]) {
			struct drop *d = (*locks)->buckets[i];
			(*locks)->buckets[i] = d->next;
			mem_free(MEM_SESSION, d);
		}
	lock_done(&(*locks)->lock);
	mem_free(MEM_OTHER, *locks);
	*locks = NULL;
}

/* The account's place, or NULL; those on the way that say nothing any more go. */
static struct drop *find(struct drop **at, uint32_t account, uint64_t now_ms)
{
	struct drop *found = NULL;
	while (*at) {
		struct drop *d = *at;
		if (d->account == account)
			found = d;
		if (d != found && !d->sessions && d->quiet_ms <= now_ms) {
			*at = d->next;
			mem_free(MEM_SESSION, d);
		} else {
			at = &d->next;
		}
	}
	return found;
}

static enum rc take(struct drop **bucket, uint32_t account, const struct pop3_lock_terms *terms,
	struct fault *why)
{
	struct drop *d = find(bucket, account, terms->now_ms);
	if (d && d->sessions && terms->is_exclusive)
		return fault_set(why, FAULT_MAILDROP_IN_USE, "%s", "");
	if (d && terms->delay_ms && terms->now_ms - d->opened_ms < terms->delay_ms)
		return fault_set(why, FAULT_LOGIN_TOO_SOON, "%s", "");
	if (!d) {
		d = mem_new(MEM_SESSION, sizeof(*d));
		d->account = account;
		d->next = *bucket;
		*bucket = d;
	}
	d->sessions++;
	d->opened_ms = terms->now_ms;
	d->quiet_ms = terms->now_ms + terms->delay_ms;
	return RC_OK;
}

enum rc pop3_lock_take(struct pop3_locks *locks, uint32_t account,
	const struct pop3_lock_terms *terms, struct fault *why)
{
	lock_enter(&locks->lock);
	enum rc rc = take(&locks->buckets[account % BUCKETS], account, terms, why);
	lock_leave(&locks->lock);
	return rc;
}

void pop3_lock_leave(struct pop3_locks *locks, uint32_t account)
{
	lock_enter(&locks->lock);
	struct drop *d = find(&locks->buckets[account % BUCKETS], account, 0);
	if (d && d->sessions)
		d->sessions--;
	lock_leave(&locks->lock);
}
