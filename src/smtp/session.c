/* session.c: The steps of an SMTP session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/session.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "run/run.h"

static const struct step_row steps[] = { { smtp_step_greet, "greet" }, { smtp_step_line, "line" },
	{ smtp_step_body, "body" }, { smtp_step_chunk, "chunk" }, { smtp_step_deliver, "deliver" },
	{ smtp_step_answer, "answer" } };

static void drop(struct task *t)
{
	struct conn *c = conn_of(t);
	struct smtp_session *s = c->session;
	if (!s)
		return;
	auth_cancel(&s->auth);
	post_drop(&s->mail);
	mem_free(MEM_SESSION, s);
	c->session = NULL;
}

static const struct task_kind kinds[SMTP_ROLES] = {
	[SMTP_MX] = { "smtp", steps, sizeof(steps) / sizeof(steps[0]), drop },
	[SMTP_SUBMISSION] = { "submission", steps, sizeof(steps) / sizeof(steps[0]), drop },
	[SMTP_LMTP] = { "lmtp", steps, sizeof(steps) / sizeof(steps[0]), drop },
};

static enum rc open_session(void *arg, struct conn *c)
{
	const struct smtp_door_arg *door = arg;
	struct smtp_session *s = mem_new(MEM_SESSION, sizeof(*s));
	s->smtp = door->smtp;
	s->conn = c;
	s->role = door->role;
	c->session = s;
	c->task.step = smtp_step_greet;
	return RC_OK;
}

struct smtp *smtp_new(const struct smtp_deps *deps)
{
	struct smtp *smtp = mem_new(MEM_OTHER, sizeof(*smtp));
	smtp->deps = *deps;
	for (unsigned r = 0; r < SMTP_ROLES; r++) {
		smtp->args[r] = (struct smtp_door_arg){ smtp, (enum smtp_role)r };
		smtp->doors[r] = (struct door){ .name = kinds[r].name,
			.kind = &kinds[r],
			.open = open_session,
			.arg = &smtp->args[r],
			.busy_text = "421 4.7.0 too many connections; try again later\r\n" };
	}
	return smtp;
}

void smtp_free(struct smtp **smtp)
{
	mem_free(MEM_OTHER, *smtp);
	*smtp = NULL;
}

const struct door *smtp_door(struct smtp *smtp, enum smtp_role role)
{
	return &smtp->doors[role];
}

void smtp_say(struct smtp_session *s, const char *codes, const char *text)
{
	smtp_reply(conn_out(s->conn), codes, slice_str(text));
}

/* What a mail system behind us says of its recipients is no offence: LMTP speaks for many senders. */
static bool is_offence(const struct smtp_session *s, const struct fault_row *row)
{
	return s->role != SMTP_LMTP || row->rc == RC_BAD || row->rc == RC_DENIED;
}

void smtp_refuse(struct smtp_session *s, const struct fault *why)
{
	const struct fault reasonless = { .id = FAULT_INTERNAL };
	why = why->id == FAULT_NONE ? &reasonless : why; /* a refusal may never read as 250 */
	const struct fault_row *row = fault_row(why->id);
	smtp_say(s, row->smtp, fault_text(why));
	metric_fault(why->id);
	event_log(EVENT_SMTP_REFUSED, f_slice("trace", s->mail ? post_id(s->mail) : S("")),
		f_str("door", kinds[s->role].name), f_slice("peer", conn_peer(s->conn)),
		f_str("fault", row->name), f_str("why", fault_text(why)));
	if (is_offence(s, row) && ++s->errors > s->smtp->deps.errors_max) {
		smtp_say(s, fault_row(FAULT_TOO_MANY_ERRORS)->smtp,
			fault_row(FAULT_TOO_MANY_ERRORS)->sentence);
		event_log(EVENT_SMTP_TOO_MANY_ERRORS, f_slice("peer", conn_peer(s->conn)));
		s->closing = true;
	}
}

void smtp_refuse_id(struct smtp_session *s, enum fault_id id)
{
	struct fault why = { .id = id };
	smtp_refuse(s, &why);
}

void smtp_reset(struct smtp_session *s)
{
	post_drop(&s->mail);
	s->chunking = s->chunk_last = false;
	s->chunk_left = 0;
	s->data = (struct smtp_data){ 0 };
	s->body_fault = (struct fault){ 0 };
}

struct auth_peer smtp_auth_peer(struct smtp_session *s)
{
	return auth_peer_of(s->smtp->deps.auth, s->conn, S("smtp"));
}

const char *smtp_hostname(const struct smtp_session *s)
{
	return conn_hostname(s->conn, s->smtp->deps.hostname);
}

enum step smtp_step_greet(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct buf *out = conn_out(s->conn);
	conn_idle(s->conn, s->smtp->deps.idle_ms);
	smtp_grant_time(s);
	if (s->role == SMTP_LMTP)
		conn_trust(s->conn); /* only our own mail systems come here */
	buf_fmt(out, "220 %s %s Veredus\r\n", smtp_hostname(s),
		s->role == SMTP_LMTP ? "LMTP" : "ESMTP");
	t->step = smtp_step_line;
	return STEP_MORE;
}

void smtp_grant_time(struct smtp_session *s)
{
	bool stranger = s->role == SMTP_SUBMISSION && !s->auth.account;
	conn_total(s->conn, stranger ? s->smtp->deps.login_ms : s->smtp->deps.total_ms);
}

bool smtp_too_slow(struct smtp_session *s)
{
	if (!conn_timed_out(s->conn))
		return false;
	const struct fault_row *row =
		fault_row(conn_draining(s->conn) ? FAULT_SHUTTING_DOWN : conn_late(s->conn));
	smtp_say(s, row->smtp, row->sentence);
	return true;
}

uint64_t smtp_idle_ms(const struct smtp_session *s)
{
	enum { HURRIED_MS = 5000 };
	return s->hurried ? HURRIED_MS : s->smtp->deps.idle_ms;
}

/* What ends a session from outside: a time-out or the server's drain. */
static bool ended(struct smtp_session *s)
{
	if (smtp_too_slow(s))
		return true;
	if (!conn_draining(s->conn))
		return false;
	if (s->mail && !s->hurried) { /* a transaction may go on to its end, without pauses */
		s->hurried = true;
		conn_idle(s->conn, smtp_idle_ms(s));
	}
	if (s->mail)
		return false;
	smtp_say(s, fault_row(FAULT_SHUTTING_DOWN)->smtp, fault_row(FAULT_SHUTTING_DOWN)->sentence);
	return true;
}

void smtp_time_begin(struct smtp_session *s)
{
	s->began_us = run_now_us();
}

void smtp_time_end(struct smtp_session *s)
{
	if (s->began_us)
		metric_time(s->metric, run_now_us() - s->began_us);
	s->began_us = 0;
}

const char *smtp_role_name(enum smtp_role role)
{
	return kinds[role].name;
}

static void run_line(struct smtp_session *s, struct slice line)
{
	struct slice args;
	enum smtp_verb verb = smtp_verb(line, &args);
	const struct smtp_command *cmd = smtp_command_find(s->role, verb);
	if (verb == SMTP_HELO || verb == SMTP_EHLO || verb == SMTP_LHLO)
		s->hello_verb = verb;
	if (!cmd)
		smtp_cmd_unknown(s, args);
	else if (cmd->needs_hello && !s->greeted)
		smtp_refuse_id(s, FAULT_BAD_SEQUENCE);
	else if (s->chunking && verb != SMTP_BDAT && verb != SMTP_RSET && verb != SMTP_QUIT &&
		 verb != SMTP_NOOP)
		smtp_refuse_id(s, FAULT_BAD_SEQUENCE); /* RFC 3030 2: between chunks nothing else */
	else {
		s->metric = cmd->metric;
		smtp_time_begin(s);
		cmd->fn(s, args);
	}
}

enum step smtp_step_line(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct slice line;
	if (s->closing || ended(s))
		return STEP_CLOSE;
	if (conn_out_full(s->conn))
		return STEP_PARK;
	enum rc rc = conn_line(s->conn, SMTP_COMMAND_MAX, &line);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc == RC_OK) {
		run_line(s, line);
		if (t->step == smtp_step_line)
			smtp_time_end(s);
	} else if (rc == RC_LIMIT)
		smtp_refuse_id(s, FAULT_LINE_TOO_LONG);
	else if (rc == RC_BAD) {
		smtp_refuse_id(s, FAULT_BARE_NEWLINE);
		return STEP_CLOSE;
	} else {
		return STEP_CLOSE;
	}
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step smtp_step_answer(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct slice line = S("");
	struct buf reply;
	struct fault why = { 0 };
	if (!s->auth_waits && smtp_too_slow(s))
		return STEP_CLOSE;
	if (!s->auth_waits) {
		enum rc rc = conn_line(s->conn, SMTP_AUTH_MAX, &line);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
		smtp_time_begin(s);
	}
	buf_init(&reply, SMTP_AUTH_MAX, run_step_arena(t->run));
	enum step next = smtp_auth_result(s, auth_step(&s->auth, line, &reply, &why), &reply, &why);
	if (t->step == smtp_step_line)
		smtp_time_end(s);
	return next;
}
