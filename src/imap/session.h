/* session.h: One IMAP session, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "imap/imap.h"
#include "mail/change.h"
#include "net/conn.h"
#include "wire/imap_lex.h"

struct imap {
	struct imap_deps deps;
	struct door door;
};

enum imap_state { IMAP_NEW = 1, IMAP_AUTHED = 2, IMAP_SELECTED = 4 };

struct imap_session;

/* A command runs until it is through: RC_WAIT parks it (a wake, a commit), RC_MORE lets the output drain; it is then
 * called again, with `s->work` as it left it. RC_OK: "tag OK" with `s->code` and `s->done`; RC_BAD without a fault: BAD;
 * any other: NO with the fault. `s->silent`: it has answered itself. */
typedef enum rc imap_command_fn(struct imap_session *s, struct fault *why);

struct imap_command {
	const char *word;
	imap_command_fn *fn;
	unsigned states; /* enum imap_state */
	unsigned traits;
	const char *rfc;
	int metric; /* enum metric_id: its time goes there */
};
enum { IMAP_NO_EXPUNGE = 1, IMAP_TAKES_UID = 2 };

/* NULL: no such command. */
const struct imap_command *imap_command_find(struct slice word);

enum imap_change_stage { IMAP_CHANGE_IDLE, IMAP_CHANGE_BUILD, IMAP_CHANGE_COMMIT };

/* [imap 1] `arena`, `cmd` and `body` hold memory only while a command is under way.
 * [imap 2] A session is not closed while `stage` is IMAP_CHANGE_COMMIT: the batch is the committer's. */
struct imap_session {
	struct imap *imap;
	struct conn *conn;
	enum imap_state state;
	unsigned errors;
	bool closing, silent, is_uid, condstore, idling, auth_waits;
	bool hurried; /* the server drains, and a command is on its way */
	uint64_t literal_left;
	struct buf cmd; /* the command so far, heap */
	char tag[IMAP_TAG_MAX + 1];
	const struct imap_command *command;
	uint64_t began_us; /* when its last octet was here */
	struct imap_lex x; /* its arguments */
	void *work; /* the command's own, in `arena` */
	struct ranges uids, touched, failed; /* the command's own */
	struct arena arena;
	char code[96]; /* response code with brackets for the tagged OK, or empty */
	struct slice long_code; /* used instead when not empty; in `arena` */
	const char *done; /* text of the tagged OK, or NULL */
	/* change.c: */
	enum imap_change_stage stage;
	unsigned tries;
	bool follows; /* the change under way is one of imap_change_follow */
	struct mail_change *change;
	struct data_batch batch;
	struct arena batch_arena;
	struct account_visit visit;
	/* append: */
	struct imap_append_work *append; /* in `arena`; NULL: none */
	struct buf body; /* the frame of its message that is on its way */
	struct fault *
		refused; /* in `arena`: the literal on its way is thrown away, then the command is refused with it */
	enum rc refused_rc;
	struct auth_session auth;
	struct mail_account *ma;
	struct mail_view view; /* when IMAP_SELECTED */
	uint32_t box; /* of the view */
	size_t keywords_told; /* how many the last FLAGS response had */
	struct ranges saved; /* "$" (RFC 5182): UIDs */
};

/* Steps: greet → line → (literal → line | body → line) → run → line ...; answer: SASL; idle: IDLE. */
enum step imap_step_greet(struct task *t);
enum step imap_step_line(struct task *t);
enum step imap_step_literal(struct task *t);
enum step imap_step_body(struct task *t);
enum step imap_step_run(struct task *t);
enum step imap_step_answer(struct task *t);
enum step imap_step_idle(struct task *t);

imap_command_fn imap_cmd_append, imap_cmd_authenticate, imap_cmd_capability, imap_cmd_check,
	imap_cmd_close, imap_cmd_copy, imap_cmd_create, imap_cmd_delete, imap_cmd_enable,
	imap_cmd_examine, imap_cmd_expunge, imap_cmd_fetch, imap_cmd_id, imap_cmd_idle,
	imap_cmd_list, imap_cmd_login, imap_cmd_logout, imap_cmd_lsub, imap_cmd_move,
	imap_cmd_namespace, imap_cmd_noop, imap_cmd_rename, imap_cmd_search, imap_cmd_select,
	imap_cmd_starttls, imap_cmd_status, imap_cmd_store, imap_cmd_subscribe, imap_cmd_unselect,
	imap_cmd_unsubscribe;

/* --- session.c --- */
struct buf *imap_out(struct imap_session *s);
/* The command ends: news, the tagged answer, memory back. */
void imap_finish(struct imap_session *s, enum rc rc, const struct fault *why);
/* Is the output full, or has a slice of work been done: for cursors. */
bool imap_full(struct imap_session *s);
void imap_capabilities(struct imap_session *s, struct buf *out);
/* Silent for too long, or too slow: says BYE, and the session is to be closed. */
bool imap_too_slow(struct imap_session *s);
/* Zeroed, in the command's arena. */
void *imap_work(struct imap_session *s, size_t size);

/* --- append: collecting a message (cmd_append.c) --- */
/* A line of APPEND that ends in the message's literal: begins to collect it. RC_NONE: it is another literal; RC_OK: the
 * body step is next; else the command is refused. */
enum rc imap_append_line(struct imap_session *s, const struct imap_literal *lit, struct fault *why);
/* Ends it: what was not stored is removed. Before the command's arena goes. */
void imap_append_drop(struct imap_session *s);
/* The line behind a message: runs the command, or begins to collect the next message. */
enum rc imap_append_next(struct imap_session *s, struct slice line, struct fault *why);

/* --- change.c --- */
typedef enum rc imap_build_fn(struct imap_session *s, struct mail_change *ch, struct fault *why);
/* Enters the turnstile, builds, commits, applies. RC_WAIT: call it again when woken. `build` may run several times: it
 * sets its outputs anew each time. */
enum rc imap_change(struct imap_session *s, imap_build_fn *build, struct fault *why);
/* The same for a change that only appends: it may build upon appends that are under way, and the next upon it, so that
 * they share a flush. */
enum rc imap_change_follow(struct imap_session *s, imap_build_fn *build, struct fault *why);
/* Leaves the turnstile and forgets a change that is not under way. */
void imap_change_drop(struct imap_session *s);

/* --- news.c --- */
/* Untagged EXISTS, RECENT, EXPUNGE and FETCH for what others changed. */
/* The FLAGS response with all keywords; and before an entry that may have one the client has not heard of. */
void imap_tell_keywords(struct imap_session *s);
void imap_tell_new_keywords(struct imap_session *s, const struct mail_entry *e);
void imap_news(struct imap_session *s, bool may_expunge);
/* "* n FETCH (FLAGS (...) UID n MODSEQ (n))": uid and modseq as asked. */
void imap_flags_response(
	struct imap_session *s, const struct mail_entry *e, uint32_t seq, bool with_uid);
/* FLAGS (...) of an entry. */
void imap_write_entry_flags(struct imap_session *s, const struct mail_entry *e, struct buf *out);

/* --- seqs.c --- */
/* A set as UIDs of messages in the view, by s->is_uid. RC_BAD: a sequence number past the end. */
enum rc imap_uids(struct imap_session *s, const struct imap_set *set, struct ranges *uids);
/* The same, without what is past the end (SEARCH). */
enum rc imap_uids_lax(struct imap_session *s, const struct imap_set *set, struct ranges *uids);
/* The arguments begin with a set and a space. */
enum rc imap_take_uids(struct imap_session *s, struct ranges *uids);
/* The box of a name that is opened for a change or a look. */
enum rc imap_box(
	struct imap_session *s, struct slice name, struct mail_box_info *info, struct fault *why);
/* Leaves SELECTED. */
void imap_unselect(struct imap_session *s);
/* After log-in: opens the account's mail. */
enum rc imap_logged_in(struct imap_session *s, struct fault *why);

#endif
