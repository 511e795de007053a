/* client.c: The SMTP client: the steps of an outgoing connection. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "queue/queue_int.h"
#include "run/run.h"
#include "wire/smtp.h"

/*  banner → hello → (STARTTLS → tls → hello) → mail → rcpt ... → data → body → final → bye
 * With PIPELINING MAIL, all RCPTs and DATA go out together; the steps then only read their replies. */

static step_fn banner, hello, starttls, mail, rcpt, data_reply, body, final, bye;

static const struct step_row steps[] = { { banner, "banner" }, { hello, "hello" },
	{ starttls, "starttls" }, { mail, "mail" }, { rcpt, "rcpt" }, { data_reply, "data" },
	{ body, "body" }, { final, "final" }, { bye, "bye" } };

enum { PIECE = 64 * 1024 };

static struct delivery *of(struct task *t)
{
	return conn_of(t)->session;
}

/* The delivery's own task goes on. It may end at once: nothing of it is touched after this. */
static void hand_back(struct conn *c)
{
	struct delivery *d = c->session;
	c->session = NULL;
	if (!d)
		return;
	struct queue *q = d->q;
	arena_reset(&d->reply_arena);
	d->conn = NULL;
	lock_enter(&q->lock); /* it looks under the lock: it cannot be gone before it is woken */
	d->talking = false;
	task_wake(&d->task, WAKE_EVENT);
	lock_leave(&q->lock);
}

static void drop(struct task *t)
{
	hand_back(conn_of(t));
}

const struct task_kind queue_client_kind = { "client", steps, sizeof(steps) / sizeof(steps[0]),
	drop };

static void expect(struct delivery *d, struct task *t, step_fn *next)
{
	arena_reset(&d->reply_arena);
	smtp_answer_init(&d->reply, &d->reply_arena);
	t->step = next;
}

enum rc client_open(void *arg, struct conn *c)
{
	(void)arg;
	struct delivery *d = c->session;
	if (conn_failed(c)) {
		snprintf(d->answer, sizeof(d->answer), "451 4.4.1 cannot connect to %.*s",
			FMT(conn_peer(c)));
		return RC_TEMP;
	}
	conn_idle(c, d->q->deps.command_ms);
	expect(d, &c->task, banner);
	return RC_OK;
}

/* Reads reply lines. RC_OK: whole. RC_MORE: park. Else: the connection is lost. */
static enum rc read_reply(struct conn *c)
{
	struct delivery *d = c->session;
	if (conn_timed_out(c) || conn_failed(c)) {
		snprintf(d->answer, sizeof(d->answer), "451 4.4.2 %.*s %s", FMT(conn_peer(c)),
			conn_failed(c) ? "failed the TLS handshake" : "did not answer in time");
		return RC_TEMP;
	}
	while (true) {
		struct slice line;
		enum rc rc = conn_line_lax(c, 2000, &line);
		if (rc == RC_MORE)
			return RC_MORE;
		if (rc == RC_OK)
			rc = smtp_answer_line(&d->reply, line);
		if (rc == RC_OK)
			return RC_OK;
		if (rc != RC_MORE) {
			snprintf(d->answer, sizeof(d->answer),
				"451 4.4.2 the connection to %.*s was lost", FMT(conn_peer(c)));
			return RC_TEMP;
		}
	}
}

static struct slice reply_text(struct delivery *d, struct arena *a)
{
	const uint8_t *e = d->reply.enhanced;
	struct slice text = slice_head(smtp_answer_text(&d->reply), 400);
	if (e[0]) /* reports and commands read it from the text */
		return arena_fmt(a, "%u %u.%u.%u %.*s", d->reply.code, e[0], e[1], e[2], FMT(text));
	return arena_fmt(a, "%u %.*s", d->reply.code, FMT(text));
}

static void keep_answer(struct delivery *d, struct conn *c)
{
	struct slice s = reply_text(d, run_step_arena(c->task.run));
	snprintf(d->answer, sizeof(d->answer), "%.*s", FMT(s));
}

/* A reply to what concerns all recipients: 5xx fails them, else they wait. */
static enum step refuse_all(struct conn *c)
{
	struct delivery *d = c->session;
	keep_answer(d, c);
	enum queue_state state = d->reply.code >= 500 ? QUEUE_FAILED : QUEUE_WAITING;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->open[i])
			deliver_answer(d, i, state, slice_str(d->answer));
	buf_str(conn_out(c), "QUIT\r\n");
	return STEP_CLOSE;
}

static void say_hello(struct conn *c, const char *verb)
{
	struct delivery *d = c->session;
	d->said_ehlo = verb[0] == 'E';
	buf_fmt(conn_out(c), "%s %s\r\n", verb, d->q->deps.hostname);
	expect(d, &c->task, hello);
}

static enum step banner(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	if (d->reply.code != 220) {
		keep_answer(d, c); /* another host may take it */
		return STEP_CLOSE;
	}
	say_hello(c, "EHLO");
	return STEP_MORE;
}

static bool has_utf8(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

static bool needs_utf8(const struct delivery *d)
{
	bool utf8 = d->m.smtputf8 || has_utf8(d->m.sender);
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		utf8 |= d->open[i] && has_utf8(d->m.rcpts[i].address);
	return utf8;
}

static struct smtp_mail mail_args(struct delivery *d)
{
	struct smtp_mail m = { .from = {
				       .address = d->m.sender, .is_null = d->m.sender.len == 0 } };
	if (d->ehlo.ext & SMTP_EXT_SIZE)
		m.size = d->m.blob.size - d->m.skip;
	if (d->ehlo.ext & SMTP_EXT_8BITMIME && d->m.body_8bit)
		m.body = SMTP_BODY_8BITMIME;
	m.is_utf8 = needs_utf8(d);
	if (d->ehlo.ext & SMTP_EXT_DSN) {
		m.ret = d->m.ret_headers ? SMTP_RET_HDRS : SMTP_RET_NONE;
		m.envid = d->m.envid;
	}
	return m;
}

static bool wanted(const struct delivery *d, size_t i)
{
	return d->open[i];
}

static void say_rcpt(struct delivery *d, size_t i, struct buf *out)
{
	const struct queue_rcpt *r = &d->m.rcpts[i];
	struct smtp_rcpt args = { .to = { .address = r->address } };
	if (d->ehlo.ext & SMTP_EXT_DSN) {
		struct slice rest = r->orcpt;
		args.notify = r->notify;
		args.orcpt_type = slice_split(&rest, ';');
		args.orcpt = rest;
	}
	smtp_rcpt_write(&args, out);
}

static size_t next_rcpt(const struct delivery *d, size_t from)
{
	while (from < d->m.rcpts_n && !wanted(d, from))
		from++;
	return from;
}

/* What this server cannot take at all. NULL: it may go. */
static const char *unfit(const struct delivery *d)
{
	if (needs_utf8(d) && !(d->ehlo.ext & SMTP_EXT_SMTPUTF8))
		return "553 5.6.7 its server takes no internationalized mail";
	if (d->ehlo.size && d->m.blob.size - d->m.skip > d->ehlo.size)
		return "552 5.3.4 the message is larger than its server takes";
	return NULL;
}

static enum step say_mail(struct conn *c)
{
	struct delivery *d = c->session;
	const char *no = unfit(d);
	if (!no && d->q->deps.tls == QUEUE_TLS_REQUIRED && !conn_is_tls(c)) {
		snprintf(d->answer, sizeof(d->answer),
			"451 4.7.10 %.*s offers no TLS, which is required", FMT(conn_peer(c)));
		return STEP_CLOSE;
	}
	for (size_t i = 0; no && i < d->m.rcpts_n; i++)
		if (d->open[i])
			deliver_answer(d, i, QUEUE_FAILED, slice_str(no));
	if (no) {
		buf_str(conn_out(c), "QUIT\r\n");
		return STEP_CLOSE;
	}
	d->reached = true;
	struct smtp_mail m = mail_args(d);
	struct buf *out = conn_out(c);
	smtp_mail_write(&m, out);
	if (d->ehlo.ext & SMTP_EXT_PIPELINING) {
		for (size_t i = next_rcpt(d, 0); i < d->m.rcpts_n; i = next_rcpt(d, i + 1))
			say_rcpt(d, i, out);
		buf_str(out, "DATA\r\n");
	}
	d->next_rcpt = next_rcpt(d, 0);
	d->accepted = 0;
	expect(d, &c->task, mail);
	return STEP_MORE;
}

static enum step hello(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	d->ehlo = (struct smtp_ehlo){ 0 };
	if (d->reply.code != 250) {
		if (!d->said_ehlo)
			return refuse_all(c);
		say_hello(c, "HELO");
		return STEP_MORE;
	}
	if (d->said_ehlo)
		smtp_ehlo_read(smtp_answer_text(&d->reply), &d->ehlo);
	bool tls = d->q->deps.tls != QUEUE_TLS_NEVER && !d->plain_only && !d->tls_done;
	if (d->ehlo.ext & SMTP_EXT_STARTTLS && tls) {
		buf_str(conn_out(c), "STARTTLS\r\n");
		expect(d, t, starttls);
		return STEP_MORE;
	}
	return say_mail(c);
}

static enum step starttls(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	if (!d->tls_done) {
		enum rc rc = read_reply(c);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
		d->tls_done = true;
		char name[256];
		snprintf(name, sizeof(name), "%.*s", FMT(d->hosts[d->host]));
		char *kept = arena_str(&d->arena, slice_str(name));
		if (d->reply.code == 220 && kept && conn_starttls_client(c, kept, false) == RC_OK)
			return STEP_MORE; /* the next run of this step is under TLS */
		return say_mail(c);
	}
	if (conn_failed(c)) {
		snprintf(d->answer, sizeof(d->answer),
			"451 4.7.5 the TLS handshake with %.*s failed", FMT(conn_peer(c)));
		d->plain_next = d->q->deps.tls != QUEUE_TLS_REQUIRED;
		return STEP_CLOSE;
	}
	say_hello(c, "EHLO");
	return STEP_MORE;
}

static enum step mail(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	if (d->reply.code != 250)
		return refuse_all(c);
	if (!(d->ehlo.ext & SMTP_EXT_PIPELINING))
		say_rcpt(d, d->next_rcpt, conn_out(c));
	expect(d, t, rcpt);
	return STEP_MORE;
}

static enum step rcpt(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	size_t i = d->next_rcpt, next = next_rcpt(d, i + 1);
	if (d->reply.code == 250 || d->reply.code == 251) {
		d->accepted++;
		d->taken[i] = true; /* the final reply decides */
	} else {
		struct slice text = reply_text(d, &d->arena);
		deliver_answer(d, i, d->reply.code >= 500 ? QUEUE_FAILED : QUEUE_WAITING, text);
	}
	d->next_rcpt = next;
	if (next < d->m.rcpts_n) {
		if (!(d->ehlo.ext & SMTP_EXT_PIPELINING))
			say_rcpt(d, next, conn_out(c));
		expect(d, t, rcpt);
		return STEP_MORE;
	}
	if (!(d->ehlo.ext & SMTP_EXT_PIPELINING)) {
		if (d->accepted == 0) {
			buf_str(conn_out(c), "QUIT\r\n");
			return STEP_CLOSE;
		}
		buf_str(conn_out(c), "DATA\r\n");
	}
	expect(d, t, data_reply);
	return STEP_MORE;
}

static enum step data_reply(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	if (d->reply.code != 354)
		return d->accepted ? refuse_all(c) : STEP_CLOSE;
	d->sent = d->m.skip;
	d->at_line_start = true;
	if (d->accepted == 0) { /* RFC 2920 3.1: an empty body for nobody */
		buf_str(conn_out(c), ".\r\nQUIT\r\n");
		return STEP_CLOSE;
	}
	t->step = body;
	return STEP_MORE;
}

/* Dots at the beginning of lines are doubled. */
static void stuff(struct delivery *d, struct slice s, struct buf *out)
{
	while (s.len) {
		if (d->at_line_start && s.at[0] == '.')
			buf_byte(out, '.');
		size_t lf = slice_find(s, '\n');
		size_t n = lf < s.len ? lf + 1 : lf;
		buf_add(out, slice_head(s, n));
		d->at_line_start = lf < s.len;
		s = slice_tail(s, n);
	}
}

static enum step body(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	struct fault why = { 0 };
	struct slice piece;
	if (conn_timed_out(c) || c->broken) {
		snprintf(d->answer, sizeof(d->answer), "451 4.4.2 the connection to %.*s was lost",
			FMT(conn_peer(c)));
		return STEP_CLOSE;
	}
	if (conn_out_full(c))
		return STEP_PARK;
	if (d->sent < d->m.blob.size) {
		struct arena a;
		arena_init(&a, 0);
		run_block_begin(RUN_STORE_BLOB);
		enum rc rc =
			blob_read(d->q->deps.blob, &d->m.blob, d->sent, PIECE, &a, &piece, &why);
		run_block_end();
		if (rc == RC_OK) {
			stuff(d, piece, conn_out(c));
			d->sent += piece.len;
		}
		arena_done(&a);
		if (rc != RC_OK) { /* cutting the connection is the only way to take DATA back */
			snprintf(d->answer, sizeof(d->answer), "451 4.3.0 %s", fault_text(&why));
			c->broken = true;
			return STEP_CLOSE;
		}
		return STEP_MORE;
	}
	buf_str(conn_out(c), d->at_line_start ? ".\r\n" : "\r\n.\r\n");
	expect(d, t, final);
	return STEP_MORE;
}

static enum step final(struct task *t)
{
	struct conn *c = conn_of(t);
	struct delivery *d = of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	struct slice text = rc == RC_OK ? reply_text(d, &d->arena) : slice_str(d->answer);
	enum queue_state state = rc != RC_OK                ? QUEUE_WAITING
				 : d->reply.code / 100 == 2 ? QUEUE_SENT
				 : d->reply.code >= 500     ? QUEUE_FAILED
							    : QUEUE_WAITING;
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->open[i] && d->taken[i])
			deliver_answer(d, i, state, text);
	if (rc != RC_OK)
		return STEP_CLOSE;
	buf_str(conn_out(c), "QUIT\r\n");
	hand_back(c); /* the result does not wait for the goodbye */
	conn_idle(c, 5000);
	t->step = bye;
	return STEP_MORE;
}

static enum step bye(struct task *t)
{
	struct conn *c = conn_of(t);
	struct slice line;
	if (conn_timed_out(c))
		return STEP_CLOSE;
	return conn_line_lax(c, 2000, &line) == RC_MORE ? STEP_PARK : STEP_CLOSE;
}
