/* session.c: The steps of a POP3 session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/must.h"
#include "run/run.h"

static const struct step_row steps[] = { { pop3_step_greet, "greet" }, { pop3_step_line, "line" },
	{ pop3_step_run, "run" }, { pop3_step_answer, "answer" } };

enum { IDLE_MS = 10 * 60 * 1000, LOGIN_MS = 60 * 1000, ERRORS_MAX = 20, TEXT_MAX = 400 };

static void drop(struct task *t)
{
	struct conn *c = conn_of(t);
	struct pop3_session *s = c->session;
	if (!s)
		return;
	must(s->stage != POP3_UPDATE_COMMIT); /* [pop3 2] */
	auth_cancel(&s->auth);
	pop3_update_drop(s);
	pop3_close(s);
	buf_done(&s->user);
	event_log(EVENT_POP3_CLOSED, f_slice("peer", conn_peer(s->conn)));
	mem_free(MEM_SESSION, s);
	c->session = NULL;
}

static const struct task_kind kind = { "pop3", steps, sizeof(steps) / sizeof(steps[0]), drop };

static enum rc open_session(void *arg, struct conn *c)
{
	struct pop3_session *s = mem_new(MEM_SESSION, sizeof(*s));
	s->pop3 = arg;
	s->conn = c;
	s->state = POP3_AUTHORIZATION;
	arena_init(&s->batch_arena, 0);
	buf_init(&s->user, POP3_LINE_MAX, NULL);
	c->session = s;
	c->task.step = pop3_step_greet;
	event_log(EVENT_POP3_OPENED, f_slice("peer", conn_peer(s->conn)));
	return RC_OK;
}

struct pop3 *pop3_new(const struct pop3_deps *deps)
{
	struct pop3 *pop3 = mem_new(MEM_OTHER, sizeof(*pop3));
	pop3->deps = *deps;
	struct pop3_deps *d = &pop3->deps;
	d->idle_ms = d->idle_ms ? d->idle_ms : IDLE_MS;
	d->login_ms = d->login_ms ? d->login_ms : LOGIN_MS;
	d->errors_max = d->errors_max ? d->errors_max : ERRORS_MAX;
	pop3->door = (struct door){ .name = "pop3",
		.kind = &kind,
		.open = open_session,
		.arg = pop3,
		.alpn = "\x04pop3",
		.busy_text = "-ERR [SYS/TEMP] too many connections; try again later\r\n" };
	return pop3;
}

void pop3_free(struct pop3 **pop3)
{
	mem_free(MEM_OTHER, *pop3);
	*pop3 = NULL;
}

const struct door *pop3_door(struct pop3 *pop3)
{
	return &pop3->door;
}

struct auth_peer pop3_auth_peer(struct pop3_session *s)
{
	return auth_peer_of(s->pop3->deps.auth, s->conn, S("pop3"));
}

enum step pop3_step_greet(struct task *t)
{
	struct pop3_session *s = conn_of(t)->session;
	conn_idle(s->conn, s->pop3->deps.login_ms);
	conn_total(s->conn, s->pop3->deps.login_ms);
	buf_fmt(conn_out(s->conn), "+OK %s Veredus\r\n",
		conn_hostname(s->conn, s->pop3->deps.hostname));
	t->step = pop3_step_line;
	return STEP_MORE;
}

/* RFC 2449 8.1, RFC 3206: what a program can make of a refusal. */
static const char *code_of(enum rc rc, enum fault_id id)
{
	if (id == FAULT_AUTH_FAILED)
		return "[AUTH] ";
	if (id == FAULT_MAILDROP_IN_USE)
		return "[IN-USE] ";
	if (id == FAULT_LOGIN_TOO_SOON)
		return "[LOGIN-DELAY] ";
	if (rc == RC_TEMP || rc == RC_TAKEN || id == FAULT_MEMORY)
		return "[SYS/TEMP] ";
	return rc == RC_LOST ? "[SYS/PERM] " : "";
}

static void answer_ok(struct pop3_session *s)
{
	struct buf *out = conn_out(s->conn);
	s->errors = s->state == POP3_AUTHORIZATION ? s->errors
						   : 0; /* only in a row are they suspicious */
	buf_str(out, s->done ? "+OK " : "+OK");
	buf_str(out, s->done ? s->done : "");
	buf_str(out, "\r\n");
}

static void answer(struct pop3_session *s, enum rc rc, const struct fault *why)
{
	struct buf *out = conn_out(s->conn);
	enum fault_id id = why->id          ? why->id
			   : rc == RC_BAD   ? FAULT_SYNTAX
			   : rc == RC_LIMIT ? FAULT_MEMORY
					    : FAULT_INTERNAL;
	const struct fault reason = { .id = id };
	buf_fmt(out, "-ERR %s", code_of(rc, id));
	pop3_text_write(slice_str(fault_text(why->id ? why : &reason)), TEXT_MAX, out);
	buf_str(out, "\r\n");
	metric_fault(id);
	if (++s->errors > s->pop3->deps.errors_max)
		s->closing = true;
}

void pop3_finish(struct pop3_session *s, enum rc rc, const struct fault *why)
{
	if (!s->silent && rc == RC_OK)
		answer_ok(s);
	else if (!s->silent)
		answer(s, rc, why);
	if (s->command && s->began_us)
		metric_time(s->command->metric, run_now_us() - s->began_us);
	s->command = NULL;
	s->began_us = 0;
	s->silent = false;
	s->done = NULL;
	s->work = (struct pop3_work){ 0 };
	pop3_update_drop(s);
}

bool pop3_unsay(struct pop3_session *s)
{
	if (s->work.at == SIZE_MAX) {
		s->closing = s->silent = true;
		return false;
	}
	conn_out(s->conn)->len = s->work.at;
	return true;
}

static void refuse(struct pop3_session *s, enum fault_id id)
{
	const struct fault why = { .id = id };
	pop3_finish(s, fault_row(id)->rc, &why);
}

/* What ends a session from outside: a time-out, which RFC 1939 3 wants to be without a word, or the server's drain. */
static bool ended(struct pop3_session *s)
{
	if (s->closing || conn_timed_out(s->conn))
		return true;
	if (!conn_draining(s->conn))
		return false;
	buf_fmt(conn_out(s->conn), "-ERR [SYS/TEMP] %s\r\n",
		fault_row(FAULT_SHUTTING_DOWN)->sentence);
	return true;
}

static enum step run(struct pop3_session *s, struct slice args)
{
	struct task *t = &s->conn->task;
	struct fault why = { 0 };
	t->step = pop3_step_line; /* the command may choose another */
	enum rc rc = s->command->fn(s, args, &why);
	if (t->step == pop3_step_answer)
		return rc == RC_WAIT ? STEP_PARK : STEP_MORE;
	if (rc == RC_WAIT || rc == RC_MORE) {
		t->step = pop3_step_run;
		if (rc == RC_WAIT)
			return s->stage == POP3_UPDATE_COMMIT ? STEP_COMMIT : STEP_PARK;
		s->work.at = SIZE_MAX;
		return conn_timed_out(s->conn) ? STEP_CLOSE
					       : STEP_PARK; /* nobody reads the answer */
	}
	if (s->conn->broken)
		return STEP_CLOSE;
	pop3_finish(s, rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step pop3_step_run(struct task *t)
{
	return run(conn_of(t)->session, S(""));
}

static enum step line(struct pop3_session *s, struct slice text)
{
	struct slice args;
	metric_add(METRIC_POP3_COMMANDS, 1);
	s->began_us = run_now_us();
	s->command = pop3_command_find(pop3_verb(text, &args));
	if (!s->command)
		refuse(s, FAULT_UNKNOWN_COMMAND);
	else if (!(s->command->states & s->state))
		refuse(s, FAULT_BAD_SEQUENCE);
	else
		return run(s, args);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step pop3_step_line(struct task *t)
{
	struct pop3_session *s = conn_of(t)->session;
	struct slice text;
	if (ended(s))
		return STEP_CLOSE;
	if (conn_out_full(s->conn))
		return STEP_PARK;
	enum rc rc = conn_line(s->conn, POP3_LINE_MAX, &text);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc == RC_OK)
		return line(s, text);
	if (rc == RC_LIMIT) {
		refuse(s, FAULT_LINE_TOO_LONG);
		return s->closing ? STEP_CLOSE : STEP_MORE;
	}
	if (rc == RC_BAD)
		refuse(s, FAULT_BARE_NEWLINE);
	return STEP_CLOSE;
}
