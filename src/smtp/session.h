/* session.h: One SMTP, LMTP or submission session, for the files of this room. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "base/metric.h"
#include "net/conn.h"
#include "smtp/smtp.h"
#include "wire/smtp.h"
#include "wire/smtp_data.h"
#include "wire/smtp_reply.h"

enum { SMTP_ROLES = 3, HELO_MAX = 255 };

struct smtp {
	struct smtp_deps deps;
	struct door doors[SMTP_ROLES];
	struct smtp_door_arg {
		struct smtp *smtp;
		enum smtp_role role;
	} args[SMTP_ROLES];
};

/* [smtp 1] `mail` exists from MAIL to the end of its transaction; post.src points at `source`, which outlives it. */
struct smtp_session {
	struct smtp *smtp;
	struct conn *conn;
	enum smtp_role role;
	bool greeted, extended, closing;
	bool hurried; /* the server drains, and a transaction is open */
	bool auth_waits; /* a hash job or a delay is under way, no line is wanted */
	enum smtp_verb hello_verb;
	bool chunking; /* a BDAT was taken: DATA is out of order until RSET */
	bool chunk_last;
	uint64_t chunk_left;
	uint64_t began_us; /* the last octet of the command that is under way */
	enum metric_id metric; /* its time goes there */
	unsigned errors;
	struct smtp_data data;
	struct fault body_fault; /* the body is read to its end, then refused with this */
	struct post_mail *mail;
	struct post_source source;
	struct auth_session auth;
	char helo[HELO_MAX + 1];
	char with[12];
	char tls[96];
};

/* Steps: greet → line → (body | chunk → deliver) → line ...; answer: a SASL dialogue. */
enum step smtp_step_greet(struct task *t);
enum step smtp_step_line(struct task *t);
enum step smtp_step_body(struct task *t);
enum step smtp_step_chunk(struct task *t);
enum step smtp_step_deliver(struct task *t);
enum step smtp_step_answer(struct task *t);

/* A command: `args` as smtp_verb left them. It answers, and may set conn's next step. */
typedef void smtp_command_fn(struct smtp_session *s, struct slice args);
smtp_command_fn smtp_cmd_hello, smtp_cmd_mail, smtp_cmd_rcpt, smtp_cmd_data, smtp_cmd_bdat,
	smtp_cmd_rset, smtp_cmd_noop, smtp_cmd_quit, smtp_cmd_vrfy, smtp_cmd_help,
	smtp_cmd_starttls, smtp_cmd_auth, smtp_cmd_unknown;

/* Which roles know it, and whether it counts before a greeting. */
struct smtp_command {
	enum smtp_verb verb;
	smtp_command_fn *fn;
	bool needs_hello;
	const char *rfc;
	enum metric_id metric;
};
const struct smtp_command *smtp_command_find(enum smtp_role role, enum smtp_verb verb);

/* The command's last octet is here, after others: its time counts from now. */
void smtp_time_begin(struct smtp_session *s);
/* Its reply is written. */
void smtp_time_end(struct smtp_session *s);

void smtp_say(struct smtp_session *s, const char *codes, const char *text);
/* Answers with the fault's codes and text; counts it, and logs what is worth it. */
void smtp_refuse(struct smtp_session *s, const struct fault *why);
void smtp_refuse_id(struct smtp_session *s, enum fault_id id);
/* The client has time for one more message, or for its log-in. */
void smtp_grant_time(struct smtp_session *s);
/* Silent for too long, or too slow: answers 421, and the session is to be closed. */
bool smtp_too_slow(struct smtp_session *s);
/* Waiting for a command. */
uint64_t smtp_idle_ms(const struct smtp_session *s);
/* Ends the transaction, if there is one. */
void smtp_reset(struct smtp_session *s);
/* The body is complete: the deliver step is next. */
void smtp_body_done(struct smtp_session *s);
/* complete.c: for submission, as post_source's `complete`; the session is `arg`. */
void smtp_complete(void *arg);
struct auth_peer smtp_auth_peer(struct smtp_session *s);
/* What a SASL step led to: answers, and sets the next step. */
enum step smtp_auth_result(
	struct smtp_session *s, enum rc rc, struct buf *reply, const struct fault *why);
const char *smtp_role_name(enum smtp_role role);
/* Who we are to this client. */
const char *smtp_hostname(const struct smtp_session *s);

#endif
