/* account.c: Account objects, turnstiles, and the keys of change counters and logs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "account/account.h"
#include "base/chaos.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/must.h"

enum { BUCKETS = 4096 };

struct account {
	struct accounts *all;
	struct account *chain;
	uint32_t id;
	unsigned refs; /* under all->lock */
	struct account_visit *head; /* under all->lock: the owner, then those who wait */
	struct account_visit *tail;
	unsigned
		passed; /* under all->lock: visits that passed the turnstile on and have not left */
	void *state[4]; /* one a kind; under all->lock */
};

struct accounts {
	struct accounts_deps deps;
	struct lock lock;
	struct account *buckets[BUCKETS];
};

struct accounts *accounts_new(const struct accounts_deps *deps)
{
	struct accounts *all = mem_new(MEM_CACHE, sizeof(*all));
	all->deps = *deps;
	lock_init(&all->lock, LOCK_ACCOUNTS);
	return all;
}

void accounts_free(struct accounts **all)
{
	if (!*all)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		must((*all)->buckets[i] == NULL);
	lock_done(&(*all)->lock);
	mem_free(MEM_CACHE, *all);
	*all = NULL;
}

struct account *account_get(struct accounts *all, uint32_t id)
{
	struct account **bucket = &all->buckets[id * 2654435761u >> 20];
	lock_enter(&all->lock);
	struct account *acc = *bucket;
	while (acc && acc->id != id)
		acc = acc->chain;
	if (!acc) {
		acc = mem_new(MEM_CACHE, sizeof(*acc));
		acc->all = all;
		acc->id = id;
		acc->chain = *bucket;
		*bucket = acc;
	}
	acc->refs++;
	lock_leave(&all->lock);
	return acc;
}

void account_put(struct account **ref)
{
	struct account *acc = *ref;
	*ref = NULL;
	if (!acc)
		return;
	struct accounts *all = acc->all;
	lock_enter(&all->lock);
	must(acc->refs > 0);
	bool last = --acc->refs == 0;
	if (last) {
		must(acc->head == NULL);
		struct account **at = &all->buckets[acc->id * 2654435761u >> 20];
		while (*at != acc)
			at = &(*at)->chain;
		*at = acc->chain;
	}
	lock_leave(&all->lock);
	if (last)
		mem_free(MEM_CACHE, acc);
}

uint32_t account_id(const struct account *acc)
{
	return acc->id;
}

struct data *account_data(const struct account *acc)
{
	return acc->all->deps.data;
}

static size_t slot_of(enum account_kind kind)
{
	switch (kind) {
	case ACCOUNT_MAIL:
		return 0;
	case ACCOUNT_CALENDAR:
		return 1;
	case ACCOUNT_CONTACTS:
		return 2;
	case ACCOUNT_FILES:
		return 3;
	}
	return 0;
}

void *account_state(struct account *acc, enum account_kind kind)
{
	lock_enter(&acc->all->lock);
	void *state = acc->state[slot_of(kind)];
	lock_leave(&acc->all->lock);
	return state;
}

void account_state_set(struct account *acc, enum account_kind kind, void *state)
{
	lock_enter(&acc->all->lock);
	acc->state[slot_of(kind)] = state;
	lock_leave(&acc->all->lock);
}

/* Under the lock: the first in the queue becomes the owner, when it may. It is woken under the lock too: a session that
 * gives up in between is still in the list, and cannot be freed before it has left. */
static void admit(struct account *acc, bool wake)
{
	struct account_visit *v = acc->head;
	if (!v || v->inside || (acc->passed && !v->follows))
		return;
	v->inside = true;
	if (wake)
		task_wake(v->task, WAKE_EVENT);
}

static enum rc enter(struct account *acc, struct account_visit *v, struct task *task, bool follows)
{
	if (v->acc) {
		must(v->acc == acc);
		lock_enter(&acc->all->lock);
		bool inside = v->inside;
		lock_leave(&acc->all->lock);
		return inside ? RC_OK : RC_WAIT;
	}
	if (chaos_waits()) {
		task_wake(task, WAKE_EVENT);
		return RC_WAIT;
	}
	*v = (struct account_visit){
		.acc = account_get(acc->all, acc->id), .task = task, .follows = follows
	};
	lock_enter(&acc->all->lock);
	if (acc->tail)
		acc->tail->next = v;
	else
		acc->head = v;
	acc->tail = v;
	admit(acc, false);
	bool inside = v->inside;
	lock_leave(&acc->all->lock);
	return inside ? RC_OK : RC_WAIT;
}

enum rc account_enter(struct account *acc, struct account_visit *v, struct task *task)
{
	return enter(acc, v, task, false);
}

enum rc account_follow(struct account *acc, struct account_visit *v, struct task *task)
{
	return enter(acc, v, task, true);
}

/* Under the lock: out of the queue. */
static void unlist(struct account *acc, struct account_visit *v)
{
	struct account_visit *prev = NULL, *at = acc->head;
	while (at != v) {
		prev = at;
		at = at->next;
	}
	if (prev)
		prev->next = v->next;
	else
		acc->head = v->next;
	if (acc->tail == v)
		acc->tail = prev;
}

void account_pass(struct account_visit *v)
{
	struct account *acc = v->acc;
	lock_enter(&acc->all->lock);
	must(v->inside && !v->passed);
	unlist(acc, v);
	v->passed = true;
	acc->passed++;
	admit(acc, true);
	lock_leave(&acc->all->lock);
}

void account_leave(struct account_visit *v)
{
	struct account *acc = v->acc;
	if (!acc)
		return;
	lock_enter(&acc->all->lock);
	if (v->passed)
		acc->passed--;
	else
		unlist(acc, v);
	admit(acc, true);
	lock_leave(&acc->all->lock);
	*v = (struct account_visit){ 0 };
	account_put(&acc);
}

void account_key(struct buf *key, uint32_t account, enum account_kind kind, uint8_t tail)
{
	buf_byte(key, 'A');
	buf_be32(key, account);
	buf_byte(key, (uint8_t)kind);
	buf_byte(key, tail);
}

void account_change(struct data_batch *b, uint32_t account, enum account_kind kind, uint64_t before,
	struct slice record)
{
	struct buf key, log, was, is;
	buf_init(&key, 0, b->arena);
	buf_init(&log, 0, b->arena);
	buf_init(&was, 0, b->arena);
	buf_init(&is, 0, b->arena);
	account_key(&key, account, kind, 'c');
	account_key(&log, account, kind, 'l');
	buf_be64(&log, before + 1);
	buf_be64(&was, before);
	buf_be64(&is, before + 1);
	if (before)
		data_assert(b, DATA_MAIN, buf_slice(&key), buf_slice(&was));
	else
		data_assert_absent(b, DATA_MAIN, buf_slice(&key));
	data_put(b, DATA_MAIN, buf_slice(&key), buf_slice(&is));
	data_put(b, DATA_MAIN, buf_slice(&log), record);
}
