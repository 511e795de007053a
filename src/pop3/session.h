/* session.h: One POP3 session, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include "base/metric.h"
#include "mail/change.h"
#include "net/conn.h"
#include "pop3/pop3.h"
#include "wire/pop3.h"

struct pop3 {
	struct pop3_deps deps;
	struct door door;
};

enum pop3_state { POP3_AUTHORIZATION = 1, POP3_TRANSACTION = 2 };

struct pop3_session;

/* A command runs until it is through: RC_WAIT parks it (a wake, a commit), RC_MORE lets the output drain; it is then
 * called again, with `s->work` as it left it and without arguments. RC_OK: "+OK" with `s->done`; any other: "-ERR" with the
 * fault. `s->silent`: it has answered itself. */
typedef enum rc pop3_command_fn(struct pop3_session *s, struct slice args, struct fault *why);

struct pop3_command {
	enum pop3_verb verb;
	pop3_command_fn *fn;
	unsigned states; /* enum pop3_state */
	const char *rfc;
	enum metric_id metric;
};
/* NULL: none of ours. */
const struct pop3_command *pop3_command_find(enum pop3_verb verb);

/* What a command keeps while its answer drains. */
struct pop3_work {
	bool begun;
	size_t at; /* where its answer begins in the output; SIZE_MAX: some of it has left */
	uint32_t from; /* LIST, UIDL: the next UID to look at */
	struct blob_ref blob; /* RETR, TOP: */
	uint64_t offset, left; /* octets of the message */
	uint64_t head_len, lines; /* TOP: so many lines of what is behind the header */
	bool is_top;
	struct pop3_body body;
};

enum pop3_update_stage { POP3_UPDATE_IDLE, POP3_UPDATE_BUILD, POP3_UPDATE_COMMIT };

/* [pop3 1] `deleted`, `retrieved` and the view are there in POP3_TRANSACTION only; nothing is changed before QUIT.
 * [pop3 2] A session is not closed while `stage` is POP3_UPDATE_COMMIT: the batch is the committer's. */
struct pop3_session {
	struct pop3 *pop3;
	struct conn *conn;
	enum pop3_state state;
	unsigned errors;
	bool closing, silent, auth_waits, holds_lock;
	bool utf8; /* RFC 6856 2 */
	const struct pop3_command *command;
	uint64_t began_us; /* when its last octet was here */
	const char *done; /* text behind +OK, or NULL */
	struct pop3_work work;
	struct buf user; /* of USER, heap */
	struct auth_session auth;
	struct mail_account *ma;
	struct mail_view view;
	uint32_t box, uid_validity;
	struct ranges deleted, retrieved; /* UIDs */
	/* update.c: */
	enum pop3_update_stage stage;
	unsigned tries;
	struct mail_change *change;
	struct data_batch batch;
	struct arena batch_arena;
	struct account_visit visit;
};

/* Steps: greet → line → (run → line | answer → line) ...; answer: a SASL dialogue. */
enum step pop3_step_greet(struct task *t);
enum step pop3_step_line(struct task *t);
enum step pop3_step_run(struct task *t);
enum step pop3_step_answer(struct task *t);

pop3_command_fn pop3_cmd_auth, pop3_cmd_capa, pop3_cmd_dele, pop3_cmd_lang, pop3_cmd_list,
	pop3_cmd_noop, pop3_cmd_pass, pop3_cmd_quit, pop3_cmd_retr, pop3_cmd_rset, pop3_cmd_stat,
	pop3_cmd_stls, pop3_cmd_top, pop3_cmd_uidl, pop3_cmd_user, pop3_cmd_utf8;

/* --- session.c --- */
/* The command ends: its answer, memory back. */
void pop3_finish(struct pop3_session *s, enum rc rc, const struct fault *why);
struct auth_peer pop3_auth_peer(struct pop3_session *s);
/* For a command that failed when some of its answer may have left: takes back what has not. False: too late, the session
 * ends. */
bool pop3_unsay(struct pop3_session *s);

/* --- maildrop.c --- */
/* After log-in: opens the account's INBOX. TAKEN: MAILDROP_IN_USE; LIMIT: LOGIN_TOO_SOON; else as mail_open. */
enum rc pop3_open(struct pop3_session *s, struct fault *why);
/* Nothing happens when it is not open. */
void pop3_close(struct pop3_session *s);
/* Others may open the mailbox from here on. */
void pop3_unlock(struct pop3_session *s);
enum { POP3_CHUNK = 256 };
struct pop3_chunk {
	struct mail_entry entries[POP3_CHUNK];
	uint32_t numbers[POP3_CHUNK];
	size_t n; /* 0: there are no more */
};
/* Messages from UID `*from` on that are not deleted; `*from` moves behind them, 0 past the last one there can be. What other
 * sessions expunged counts as deleted, and all others keep their numbers. In the step's arena. */
enum rc pop3_chunk_read(
	struct pop3_session *s, uint32_t *from, struct pop3_chunk **out, struct fault *why);
/* One message. NONE: NO_SUCH_MESSAGE. */
enum rc pop3_find(
	struct pop3_session *s, uint32_t number, struct mail_entry *out, struct fault *why);

/* --- locks.c --- */
struct pop3_lock_terms {
	bool is_exclusive;
	uint64_t delay_ms, now_ms;
};
/* TAKEN: MAILDROP_IN_USE; LIMIT: LOGIN_TOO_SOON. */
enum rc pop3_lock_take(struct pop3_locks *locks, uint32_t account,
	const struct pop3_lock_terms *terms, struct fault *why);
void pop3_lock_leave(struct pop3_locks *locks, uint32_t account);

/* --- update.c --- */
/* Expunges what is deleted, in one change. RC_WAIT: call it again when woken. */
enum rc pop3_update(struct pop3_session *s, struct fault *why);
/* Leaves the turnstile and forgets a change that is not under way. */
void pop3_update_drop(struct pop3_session *s);

#endif
