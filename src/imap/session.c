/* session.c: The steps of an IMAP session. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "run/run.h"
#include "wire/imap_write.h"

static const struct step_row steps[] = { { imap_step_greet, "greet" }, { imap_step_line, "line" },
	{ imap_step_literal, "literal" }, { imap_step_body, "body" }, { imap_step_run, "run" },
	{ imap_step_answer, "answer" }, { imap_step_idle, "idle" } };

enum {
	LINE_MAX = 65536,
	LINE_NEW_MAX = 8192, /* before log-in */
	APPEND_MAX = 50 << 20,
	COMMAND_MAX = 1 << 20,
	IDLE_MS = 30 * 60 * 1000,
	LOGIN_MS = 60 * 1000,
	ERRORS_MAX = 20
};

static void drop(struct task *t)
{
	struct conn *c = conn_of(t);
	struct imap_session *s = c->session;
	if (!s)
		return;
	must(s->stage != IMAP_CHANGE_COMMIT); /* [imap 2] */
	auth_cancel(&s->auth);
	account_leave(&s->visit);
	if (s->state == IMAP_SELECTED)
		mail_view_close(&s->view);
	if (s->ma)
		mail_close(&s->ma);
	imap_append_drop(s);
	buf_done(&s->cmd);
	ranges_done(&s->saved);
	ranges_done(&s->uids);
	ranges_done(&s->touched);
	ranges_done(&s->failed);
	arena_done(&s->arena);
	arena_done(&s->batch_arena);
	event_log(EVENT_IMAP_CLOSED, f_slice("peer", conn_peer(s->conn)));
	mem_free(MEM_SESSION, s);
	c->session = NULL;
}

static const struct task_kind kind = { "imap", steps, sizeof(steps) / sizeof(steps[0]), drop };

static enum rc open_session(void *arg, struct conn *c)
{
	struct imap_session *s = mem_new(MEM_SESSION, sizeof(*s));
	s->imap = arg;
	s->conn = c;
	s->state = IMAP_NEW;
	arena_init(&s->arena, 0);
	arena_init(&s->batch_arena, 0);
	buf_init(&s->cmd, (size_t)s->imap->deps.literal_max + LINE_MAX, NULL);
	buf_init(&s->body, 0, NULL);
	c->session = s;
	c->task.step = imap_step_greet;
	event_log(EVENT_IMAP_OPENED, f_slice("peer", conn_peer(s->conn)));
	return RC_OK;
}

struct imap *imap_new(const struct imap_deps *deps)
{
	struct imap *imap = mem_new(MEM_OTHER, sizeof(*imap));
	imap->deps = *deps;
	struct imap_deps *d = &imap->deps;
	d->append_max = d->append_max ? d->append_max : APPEND_MAX;
	d->literal_max = d->literal_max ? d->literal_max : COMMAND_MAX;
	d->idle_ms = d->idle_ms ? d->idle_ms : IDLE_MS;
	d->login_ms = d->login_ms ? d->login_ms : LOGIN_MS;
	d->errors_max = d->errors_max ? d->errors_max : ERRORS_MAX;
	imap->door = (struct door){ .name = "imap",
		.kind = &kind,
		.open = open_session,
		.arg = imap,
		.alpn = "\x04imap",
		.busy_text = "* BYE [UNAVAILABLE] too many connections; try again later\r\n" };
	return imap;
}

void imap_free(struct imap **imap)
{
	mem_free(MEM_OTHER, *imap);
	*imap = NULL;
}

const struct door *imap_door(struct imap *imap)
{
	return &imap->door;
}

struct buf *imap_out(struct imap_session *s)
{
	return conn_out(s->conn);
}

bool imap_full(struct imap_session *s)
{
	return conn_out_full(s->conn);
}

void *imap_work(struct imap_session *s, size_t size)
{
	s->work = arena_new(&s->arena, size);
	return s->work;
}

enum step imap_step_greet(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct buf *out = imap_out(s);
	conn_idle(s->conn, s->imap->deps.login_ms);
	conn_total(s->conn, s->imap->deps.login_ms);
	buf_str(out, "* OK [CAPABILITY ");
	imap_capabilities(s, out);
	buf_fmt(out, "] %s Veredus\r\n", conn_hostname(s->conn, s->imap->deps.hostname));
	t->step = imap_step_line;
	return STEP_MORE;
}

static void forget(struct imap_session *s)
{
	s->tag[0] = 0;
	s->command = NULL;
	s->work = NULL;
	s->refused = NULL;
	s->code[0] = 0;
	s->long_code = S("");
	s->done = NULL;
	s->silent = s->is_uid = false;
	imap_change_drop(s);
	imap_append_drop(s);
	buf_done(&s->cmd);
	ranges_done(&s->uids);
	ranges_done(&s->touched);
	ranges_done(&s->failed);
	arena_done(&s->arena);
	arena_done(&s->batch_arena);
}

static void count_error(struct imap_session *s)
{
	if (++s->errors <= s->imap->deps.errors_max || s->closing)
		return;
	buf_str(imap_out(s), "* BYE too many errors\r\n");
	s->closing = true;
}

static void answer_ok(struct imap_session *s, struct buf *out)
{
	s->errors = s->state == IMAP_NEW ? s->errors : 0; /* only errors in a row are suspicious */
	buf_str(out, " OK ");
	buf_str(out, s->long_code.len ? "" : s->code);
	buf_add(out, s->long_code);
	if (s->done)
		buf_str(out, s->done);
	else
		buf_fmt(out, "%s completed", s->command ? s->command->word : "command");
	buf_str(out, "\r\n");
}

static void answer(struct imap_session *s, enum rc rc, const struct fault *why)
{
	struct buf *out = imap_out(s);
	const struct fault_row *row = fault_row(why->id);
	buf_str(out, s->tag[0] ? s->tag : "*");
	if (rc == RC_OK) {
		answer_ok(s, out);
		return;
	}
	bool bad = rc == RC_BAD && (why->id == FAULT_NONE || why->id == FAULT_SYNTAX);
	buf_str(out, bad ? " BAD " : " NO ");
	if (!bad && s->code[0])
		buf_str(out, s->code);
	else if (!bad && row->imap[0])
		buf_fmt(out, "[%s] ", row->imap);
	else if (!bad && !why->id && rc == RC_LIMIT)
		buf_str(out, "[LIMIT] ");
	const char *text = why->id          ? fault_text(why)
			   : bad            ? "syntax error"
			   : rc == RC_LIMIT ? "too much"
					    : "failed";
	imap_write_text(slice_str(text), out);
	buf_str(out, "\r\n");
	metric_fault(why->id ? why->id : FAULT_SYNTAX);
	if (bad)
		count_error(s);
}

void imap_finish(struct imap_session *s, enum rc rc, const struct fault *why)
{
	bool may_expunge = s->is_uid || !(s->command && s->command->traits & IMAP_NO_EXPUNGE);
	if (s->state == IMAP_SELECTED && !s->closing)
		imap_news(s, may_expunge);
	if (!s->silent)
		answer(s, rc, why);
	if (s->command && s->began_us)
		metric_time((enum metric_id)s->command->metric, run_now_us() - s->began_us);
	s->began_us = 0;
	forget(s);
}

static void refuse(struct imap_session *s, enum fault_id id)
{
	count_error(s);
	struct fault why = { .id = id };
	imap_finish(s, fault_row(id)->rc, &why);
}

bool imap_too_slow(struct imap_session *s)
{
	if (!conn_timed_out(s->conn))
		return false;
	buf_fmt(imap_out(s), "* BYE %s\r\n", fault_row(conn_late(s->conn))->sentence);
	return true;
}

/* A command that has begun to come may come whole, without pauses, while the server drains. */
static bool may_finish(struct imap_session *s)
{
	enum { HURRIED_MS = 5000 };
	if (!s->cmd.len && !s->work && !s->refused)
		return false;
	if (!s->hurried)
		conn_idle(s->conn, HURRIED_MS);
	s->hurried = true;
	return true;
}

/* What ends a session from outside: a time-out or the server's drain. */
static bool ended(struct imap_session *s)
{
	struct buf *out = imap_out(s);
	if (s->closing || imap_too_slow(s))
		return true;
	if (!conn_draining(s->conn) || may_finish(s))
		return false;
	buf_str(out, "* BYE [UNAVAILABLE] the server is shutting down\r\n");
	return true;
}

/* "tag SP command": finds the command; the arguments stay in s->x. */
static enum rc parse_head(struct imap_session *s, struct slice text, struct fault *why)
{
	struct slice tag, word;
	s->x = (struct imap_lex){ .rest = text, .a = &s->arena };
	if (imap_lex_tag(&s->x, &tag) != RC_OK || imap_lex_space(&s->x) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "a tag is expected");
	snprintf(s->tag, sizeof(s->tag), "%.*s", FMT(tag));
	if (imap_lex_atom(&s->x, &word) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "a command is expected");
	if (slice_eq_nocase(word, S("UID"))) {
		s->is_uid = true;
		if (imap_lex_space(&s->x) != RC_OK || imap_lex_atom(&s->x, &word) != RC_OK)
			return fault_set(why, FAULT_SYNTAX, "a command is expected behind UID");
	}
	s->command = imap_command_find(word);
	if (!s->command || (s->is_uid && !(s->command->traits & IMAP_TAKES_UID)))
		return fault_set(why, FAULT_SYNTAX, "unknown command");
	if (!(s->command->states & s->state))
		return fault_set(why, FAULT_SYNTAX, "not in this state");
	return RC_OK;
}

/* The command is whole in s->cmd. */
static enum step begin(struct imap_session *s)
{
	struct fault why = { 0 };
	struct slice text;
	metric_add(METRIC_IMAP_COMMANDS, 1);
	s->command = NULL;
	s->is_uid = false;
	enum rc rc = arena_copy(&s->arena, buf_slice(&s->cmd), &text);
	if (rc != RC_OK) /* no memory: the answer needs its tag all the same */
		(void)parse_head(s, buf_slice(&s->cmd), &(struct fault){ 0 });
	buf_done(&s->cmd);
	if (rc == RC_OK)
		rc = parse_head(s, text, &why);
	if (rc != RC_OK) {
		imap_finish(s, rc, &why);
		return STEP_MORE;
	}
	s->conn->task.step = imap_step_run;
	return STEP_MORE;
}

enum step imap_step_run(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct fault why = { 0 };
	t->step = imap_step_line; /* the command may choose another */
	enum rc rc = s->command->fn(s, &why);
	if (rc == RC_WAIT || rc == RC_MORE) {
		if (t->step == imap_step_line)
			t->step = imap_step_run;
		if (rc == RC_MORE && conn_timed_out(s->conn))
			return STEP_CLOSE; /* nobody reads the answer */
		if (rc == RC_MORE)
			return imap_full(s) ? STEP_PARK : STEP_MORE;
		return s->stage == IMAP_CHANGE_COMMIT ? STEP_COMMIT : STEP_PARK;
	}
	if (s->conn->broken)
		s->closing = true;
	if (t->step == imap_step_line)
		imap_finish(s, rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

/* A literal that nobody waits for is on its way all the same: it is thrown away, or is so big that the session ends
 * (RFC 7888 4). */
static enum step refuse_literal(
	struct imap_session *s, const struct imap_literal *lit, enum rc rc, const struct fault *why)
{
	if (!lit->is_sync && s->state != IMAP_NEW && lit->size <= s->imap->deps.append_max) {
		s->refused = arena_new(&s->arena, sizeof(*s->refused));
		*s->refused = *why;
		s->refused_rc = rc;
		s->literal_left = lit->size;
		s->conn->task.step = imap_step_body;
		return STEP_MORE;
	}
	if (!lit->is_sync) {
		buf_str(imap_out(s), "* BYE [TOOBIG] literal too big\r\n");
		s->closing = true;
	}
	imap_finish(s, rc, why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

/* The line behind a literal that was thrown away. */
static enum step behind_refused(struct imap_session *s, struct slice line)
{
	struct imap_literal lit;
	if (imap_literal_at_end(line, &lit) == RC_OK && !lit.is_sync)
		return refuse_literal(
			s, &lit, s->refused_rc, &(struct fault){ .id = s->refused->id });
	struct fault why = *s->refused;
	imap_finish(s, s->refused_rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

/* A line that ends in a literal: wait for it, refuse it, or hand it to APPEND. */
static enum step literal(struct imap_session *s, const struct imap_literal *lit)
{
	struct fault why = { 0 };
	enum rc rc = imap_append_line(s, lit, &why);
	if (rc == RC_OK)
		return STEP_MORE;
	uint64_t max = s->state == IMAP_NEW ? LINE_NEW_MAX : s->imap->deps.literal_max;
	bool fits = lit->size <= max && s->cmd.len + lit->size <= max + LINE_MAX;
	if (rc == RC_NONE && fits) {
		if (lit->is_sync)
			buf_str(imap_out(s), "+ go on\r\n");
		buf_str(&s->cmd, "\r\n");
		s->literal_left = lit->size;
		s->conn->task.step = imap_step_literal;
		return STEP_MORE;
	}
	if (!s->tag[0])
		(void)parse_head(s, buf_slice(&s->cmd), &(struct fault){ 0 });
	if (rc == RC_NONE)
		rc = fault_set(&why, FAULT_MESSAGE_TOO_BIG, "literal too big");
	return refuse_literal(s, lit, rc, &why);
}

/* APPEND goes on behind a message's octets. */
static enum step behind_message(struct imap_session *s, struct slice line)
{
	struct fault why = { 0 };
	struct imap_literal lit;
	enum rc rc = imap_append_next(s, line, &why);
	if (rc == RC_OK)
		return STEP_MORE;
	if (imap_literal_at_end(line, &lit) == RC_OK)
		return refuse_literal(s, &lit, rc, &why);
	imap_finish(s, rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step imap_step_line(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct slice line;
	struct imap_literal lit;
	if (ended(s))
		return STEP_CLOSE;
	if (imap_full(s))
		return STEP_PARK;
	switch (conn_line(s->conn, s->state == IMAP_NEW ? LINE_NEW_MAX : LINE_MAX, &line)) {
	case RC_OK:
		s->began_us = run_now_us();
		break;
	case RC_MORE:
		return STEP_PARK;
	case RC_LIMIT:
		refuse(s, FAULT_LINE_TOO_LONG);
		return s->closing ? STEP_CLOSE : STEP_MORE;
	case RC_BAD:
		buf_str(imap_out(s), "* BYE lines must end in CR LF\r\n");
		return STEP_CLOSE;
	case RC_WAIT:
	case RC_NONE:
	case RC_TAKEN:
	case RC_DENIED:
	case RC_TEMP:
	case RC_LOST:
		return STEP_CLOSE;
	}
	if (s->refused)
		return behind_refused(s, line);
	if (s->work)
		return behind_message(s, line);
	buf_add(&s->cmd, line);
	if (s->cmd.over) {
		refuse(s, FAULT_LINE_TOO_LONG);
		return s->closing ? STEP_CLOSE : STEP_MORE;
	}
	enum rc rc = imap_literal_at_end(line, &lit);
	if (rc == RC_OK)
		return literal(s, &lit);
	if (rc == RC_NONE)
		return begin(s);
	refuse(s, FAULT_SYNTAX);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step imap_step_literal(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct slice bytes;
	if (ended(s))
		return STEP_CLOSE;
	while (s->literal_left) {
		size_t max = s->literal_left < 65536 ? (size_t)s->literal_left : 65536;
		enum rc rc = conn_bytes(s->conn, max, &bytes);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
		buf_add(&s->cmd, bytes);
		s->literal_left -= bytes.len;
	}
	t->step = imap_step_line;
	return STEP_MORE;
}
