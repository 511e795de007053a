/* account.h: Accounts in memory: turnstile, change counters, change logs, watchers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "base/buf.h"
#include "base/fault.h"
#include "data/data.h"
#include "run/task.h"

/* Everything a user owns lives under its account id. Keys of subspace 'A':
 *   'A' be32(account) kind 'c'            the change counter of that kind: be64
 *   'A' be32(account) kind 'l' be64(id)   the change log: one record a change
 *   'A' be32(account) kind ...            the kind's own keys (mail.h)
 *
 * [account 1] A change is made only by the visitor that owns the turnstile; it may pass it on once its batch is submitted
 *             (account_pass), and then only to one that builds upon what is not durable yet.
 * [account 2] Its batch asserts the counter, moves it by one and puts the log record, so two nodes cannot both win.
 * [account 3] What lies in memory is changed only by applying log records, in their order, after they are durable. */

struct accounts;
struct account;

enum account_kind {
	ACCOUNT_MAIL = 'm',
	ACCOUNT_CALENDAR = 'e',
	ACCOUNT_CONTACTS = 'd',
	ACCOUNT_FILES = 'f'
};

struct accounts_deps {
	struct data *data;
	struct run *run;
};

struct accounts *accounts_new(const struct accounts_deps *deps);
void accounts_free(struct accounts **all);

/* The account's object, counted; made when it is not in memory. Reads no store. */
struct account *account_get(struct accounts *all, uint32_t id);
void account_put(struct account **acc);
uint32_t account_id(const struct account *acc);
struct data *account_data(const struct account *acc);
/* What a kind keeps in memory of the account; the account only remembers it. NULL: nothing. Any thread. */
void *account_state(struct account *acc, enum account_kind kind);
void account_state_set(struct account *acc, enum account_kind kind, void *state);

/* A place in the queue at an account's turnstile: embedded in a session, zeroed before its first use. */
struct account_visit {
	struct account *acc; /* counted while queued or inside */
	struct task *task;
	struct account_visit *next;
	bool inside;
	bool follows; /* may build upon changes that are under way */
	bool passed; /* inside, but the turnstile is another's */
};

/* RC_OK: this visit owns the turnstile (also when asked again). RC_WAIT: queued, first come first served; the task is
 * woken with WAKE_EVENT when it owns it. */
enum rc account_enter(struct account *acc, struct account_visit *v, struct task *task);
/* The same for a visitor that builds upon the changes of those that have passed the turnstile on: all others wait until
 * those have left. */
enum rc account_follow(struct account *acc, struct account_visit *v, struct task *task);
/* Its batch is submitted and noted (mail_change_ahead): the next one may build, if it follows. Still leave at the end. */
void account_pass(struct account_visit *v);
/* Leaves, or gives up waiting; hands the turnstile to the next. Nothing happens when neither. */
void account_leave(struct account_visit *v);

/* `key` receives 'A' id kind and `tail`. */
void account_key(struct buf *key, uint32_t account, enum account_kind kind, uint8_t tail);

/* Adds counter and log record to the batch (see [account 2]). `before` is the counter's value now. */
void account_change(struct data_batch *b, uint32_t account, enum account_kind kind, uint64_t before,
	struct slice record);

#endif
