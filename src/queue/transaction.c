/* transaction.c: MAIL, RCPT, DATA to another server, pipelined where it can; the body dot-stuffed as it is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "queue/client_int.h"
#include "run/run.h"
#include "wire/smtp.h"

/* With PIPELINING MAIL, all RCPTs and DATA go out together; the steps then only read their replies. */

static bool pipelines(const struct client *c)
{
	return c->ehlo.ext & SMTP_EXT_PIPELINING;
}

/* --- the commands --- */

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

static void say_mail(struct client *c)
{
	const struct delivery *d = c->d;
	struct smtp_mail m = { .from = {
				       .address = d->m.sender, .is_null = d->m.sender.len == 0 } };
	if (c->ehlo.ext & SMTP_EXT_SIZE)
		m.size = d->m.blob.size - d->m.skip;
	if (c->ehlo.ext & SMTP_EXT_8BITMIME && d->m.body_8bit)
		m.body = SMTP_BODY_8BITMIME;
	m.is_utf8 = needs_utf8(d);
	if (c->ehlo.ext & SMTP_EXT_DSN) {
		m.ret = d->m.ret_headers ? SMTP_RET_HDRS
			: d->m.ret_full  ? SMTP_RET_FULL
					 : SMTP_RET_NONE;
		m.envid = d->m.envid;
	}
	smtp_mail_write(&m, conn_out(c->conn));
}

static void say_rcpt(struct client *c, size_t i)
{
	const struct queue_rcpt *r = &c->d->m.rcpts[i];
	struct smtp_rcpt args = { .to = { .address = r->address } };
	if (c->ehlo.ext & SMTP_EXT_DSN) {
		struct slice rest = r->orcpt;
		args.notify = r->notify;
		args.orcpt_type = slice_split(&rest, ';');
		args.orcpt = rest;
	}
	smtp_rcpt_write(&args, conn_out(c->conn));
}

static size_t next_rcpt(const struct delivery *d, size_t from)
{
	while (from < d->m.rcpts_n && !d->open[from])
		from++;
	return from;
}

/* What this server cannot take at all. NULL: it may go. */
static const char *unfit(const struct client *c)
{
	const struct delivery *d = c->d;
	if (needs_utf8(d) && !(c->ehlo.ext & SMTP_EXT_SMTPUTF8))
		return "553 5.6.7 its server takes no internationalized mail";
	if (c->ehlo.size && d->m.blob.size - d->m.skip > c->ehlo.size)
		return "552 5.3.4 the message is larger than its server takes";
	return NULL;
}

/* RFC 6152 3: parts that this server would not take get another encoding. */
static enum rc choose_spans(struct client *c, struct fault *why)
{
	struct delivery *d = c->d;
	c->whole = (struct downgrade_span){
		.kind = DOWNGRADE_AS_IS, .from = d->m.skip, .len = d->m.blob.size - d->m.skip
	};
	c->spans = &c->whole;
	c->spans_n = 1;
	if (!d->m.body_8bit || c->ehlo.ext & SMTP_EXT_8BITMIME)
		return RC_OK;
	if (!d->spans) {
		run_block_begin(RUN_STORE_BLOB);
		enum rc rc = downgrade_plan(
			c->q->deps.blob, &d->m, &d->arena, &d->spans, &d->spans_n, why);
		run_block_end();
		TRY(rc);
	}
	c->spans = d->spans;
	c->spans_n = d->spans_n;
	return RC_OK;
}

static void all_answer(struct delivery *d, enum queue_state state, struct slice text)
{
	for (size_t i = 0; i < d->m.rcpts_n; i++)
		if (d->open[i])
			deliver_answer(d, i, state, text);
}

/* RFC 9422 4: the server says how many it takes. The others come in the next transaction. */
static void cut_rcpts(struct client *c)
{
	size_t n = 0;
	for (size_t i = 0; c->ehlo.rcpt_max && i < c->d->m.rcpts_n; i++)
		if (c->d->open[i] && ++n > c->ehlo.rcpt_max)
			deliver_later(c->d, i);
}

/* Our own word, before the server has heard of the message. */
static enum step refuse(struct client *c, enum queue_state state)
{
	c->d->server[0] = '\0';
	all_answer(c->d, state, slice_str(c->d->answer));
	return client_done(c, CLIENT_CLEAN);
}

enum step transaction_begin(struct client *c)
{
	struct delivery *d = c->d;
	struct fault why = { 0 };
	c->heard = false;
	memcpy(d->server, c->name, sizeof(d->server));
	conn_idle(c->conn, c->terms->command_ms);
	const char *no = unfit(c);
	if (no) {
		snprintf(d->answer, sizeof(d->answer), "%s", no);
		return refuse(c, QUEUE_FAILED);
	}
	enum rc rc = choose_spans(c, &why);
	if (rc != RC_OK) {
		snprintf(d->answer, sizeof(d->answer), "%s its server takes no 8-bit mail: %s",
			rc == RC_LIMIT ? "554 5.6.3" : "451 4.3.0", fault_text(&why));
		return refuse(c, rc == RC_LIMIT ? QUEUE_FAILED : QUEUE_WAITING);
	}
	cut_rcpts(c);
	d->reached = true;
	say_mail(c);
	c->behind = 0;
	if (pipelines(c)) {
		for (size_t i = next_rcpt(d, 0); i < d->m.rcpts_n; i = next_rcpt(d, i + 1)) {
			say_rcpt(c, i);
			c->behind++;
		}
		buf_str(conn_out(c->conn), "DATA\r\n");
		c->behind++;
	}
	c->next_rcpt = next_rcpt(d, 0);
	c->accepted = 0;
	client_expect(c, transaction_mail);
	return STEP_MORE;
}

/* --- their replies --- */

/* A reply to what concerns all recipients: 5xx fails them, else they wait. */
static enum step refuse_all(struct client *c)
{
	struct delivery *d = c->d;
	client_keep(c);
	all_answer(d, c->reply.code >= 500 ? QUEUE_FAILED : QUEUE_WAITING, slice_str(d->answer));
	if (c->reply.code == 421)
		return client_done(c, CLIENT_QUIT);
	if (c->behind == 0)
		return client_done(c, CLIENT_RESET);
	client_expect(c, transaction_drain);
	return STEP_MORE;
}

/* Replies to what was sent behind a MAIL that was refused. */
static enum step said_behind(struct client *c)
{
	if (--c->behind) {
		client_expect(c, transaction_drain);
		return STEP_MORE;
	}
	return client_done(c, c->reply.code == 354 ? CLIENT_QUIT : CLIENT_RESET);
}

enum step transaction_drain(struct task *t)
{
	return client_reply(t, said_behind);
}

static enum step said_mail(struct client *c)
{
	if (c->reply.code == 421 &&
		c->carried) /* it has had enough of this connection, not of this message */
		return client_lost(c);
	c->heard = true;
	if (c->reply.code != 250)
		return refuse_all(c);
	if (!pipelines(c))
		say_rcpt(c, c->next_rcpt);
	client_expect(c, transaction_rcpt);
	return STEP_MORE;
}

enum step transaction_mail(struct task *t)
{
	return client_reply(t, said_mail);
}

static void take_rcpt(struct client *c, size_t i)
{
	struct delivery *d = c->d;
	unsigned code = c->reply.code;
	if (code == 250 || code == 251) {
		c->accepted++;
		d->taken[i] = true; /* the final reply decides */
	} else if (code == 452 &&
		   c->accepted) { /* RFC 5321 4.5.3.1.10: enough for one transaction */
		deliver_later(d, i);
	} else {
		deliver_answer(d, i, code >= 500 ? QUEUE_FAILED : QUEUE_WAITING,
			client_said(c, &d->arena));
	}
}

static enum step said_rcpt(struct client *c)
{
	size_t i = c->next_rcpt;
	c->next_rcpt = next_rcpt(c->d, i + 1);
	take_rcpt(c, i);
	bool more = c->next_rcpt < c->d->m.rcpts_n;
	if (!pipelines(c)) {
		if (more)
			say_rcpt(c, c->next_rcpt);
		else if (c->accepted)
			buf_str(conn_out(c->conn), "DATA\r\n");
		else
			return client_done(c, CLIENT_RESET);
	}
	client_expect(c, more ? transaction_rcpt : transaction_data);
	return STEP_MORE;
}

enum step transaction_rcpt(struct task *t)
{
	return client_reply(t, said_rcpt);
}

static enum step said_data(struct client *c)
{
	c->behind = 0;
	if (c->reply.code != 354)
		return c->accepted ? refuse_all(c) : client_done(c, CLIENT_RESET);
	c->sent = c->span = 0;
	c->qp = (struct downgrade_qp){ 0 };
	c->at_line_start = true;
	if (c->accepted == 0) { /* RFC 2920 3.1: an empty body for nobody */
		buf_str(conn_out(c->conn), ".\r\n");
		return client_done(c, CLIENT_QUIT);
	}
	c->conn->task.step = transaction_body;
	return STEP_MORE;
}

enum step transaction_data(struct task *t)
{
	return client_reply(t, said_data);
}

/* --- the body --- */

/* Dots at the beginning of lines are doubled. */
static void stuff(struct client *c, struct slice s)
{
	struct buf *out = conn_out(c->conn);
	while (s.len) {
		if (c->at_line_start && s.at[0] == '.')
			buf_byte(out, '.');
		size_t lf = slice_find(s, '\n');
		size_t n = lf < s.len ? lf + 1 : lf;
		buf_add(out, slice_head(s, n));
		c->at_line_start = lf < s.len;
		s = slice_tail(s, n);
	}
}

static enum rc send_octets(
	struct client *c, const struct downgrade_span *span, struct arena *a, struct fault *why)
{
	struct slice piece;
	struct buf coded;
	uint64_t from = span->from + c->sent, left = span->len - c->sent;
	uint64_t room = BLOB_FRAME - from % BLOB_FRAME; /* each frame is unpacked once */
	uint64_t most = left < room ? left : room;
	const struct hot *hot = c->d->hot;
	if (hot && hot->content.len == c->d->m.blob.size) {
		piece = slice_head(slice_tail(hot->content, from), most);
	} else {
		run_block_begin(RUN_STORE_BLOB);
		enum rc rc = blob_read(c->q->deps.blob, &c->d->m.blob, from, most, a, &piece, why);
		run_block_end();
		TRY(rc);
	}
	if (piece.len == 0)
		return fault_set(why, FAULT_DAMAGED, "the message is shorter than its record says");
	c->sent += piece.len;
	if (span->kind == DOWNGRADE_QP) {
		buf_init(&coded, 0, a);
		downgrade_qp(&c->qp, piece, c->sent == span->len, &coded);
		piece = buf_slice(&coded);
	}
	stuff(c, piece);
	return RC_OK;
}

static enum rc send_piece(struct client *c, struct fault *why)
{
	const struct downgrade_span *span = &c->spans[c->span];
	struct arena a;
	enum rc rc = RC_OK;
	arena_init(&a, 0);
	if (span->kind == DOWNGRADE_TEXT)
		stuff(c, span->text);
	else if (c->sent < span->len)
		rc = send_octets(c, span, &a, why);
	if (rc == RC_OK && c->sent == span->len) {
		c->span++;
		c->sent = 0;
	}
	arena_done(&a);
	return rc;
}

enum step transaction_body(struct task *t)
{
	struct client *c = client_of(t);
	struct delivery *d = c->d;
	struct fault why = { 0 };
	if (conn_timed_out(c->conn) || c->conn->broken) {
		snprintf(d->answer, sizeof(d->answer), "451 4.4.2 the connection to %.*s was lost",
			FMT(conn_peer(c->conn)));
		return client_lost(c);
	}
	if (conn_out_full(c->conn))
		return STEP_PARK;
	if (c->span < c->spans_n) {
		if (send_piece(c, &why) == RC_OK)
			return STEP_MORE;
		/* cutting the connection is the only way to take DATA back */
		snprintf(d->answer, sizeof(d->answer), "451 4.3.0 %s", fault_text(&why));
		c->conn->broken = true;
		return client_lost(c);
	}
	buf_str(conn_out(c->conn), c->at_line_start ? ".\r\n" : "\r\n.\r\n");
	conn_idle(c->conn, 2 * c->terms->command_ms); /* RFC 5321 4.5.3.2.6: it may take longest */
	client_expect(c, transaction_final);
	return STEP_MORE;
}

static enum step said_final(struct client *c)
{
	struct delivery *d = c->d;
	struct slice text = client_said(c, &d->arena);
	enum queue_state state = c->reply.code / 100 == 2 ? QUEUE_SENT
				 : c->reply.code >= 500   ? QUEUE_FAILED
							  : QUEUE_WAITING;
	for (size_t i = 0; i < d->m.rcpts_n; i++) {
		if (!d->open[i] || !d->taken[i])
			continue;
		deliver_answer(d, i, state, text);
		d->m.rcpts[i].how = c->ehlo.ext & SMTP_EXT_DSN ? QUEUE_PASSED : QUEUE_RELAYED;
	}
	return client_done(c, c->reply.code == 421 ? CLIENT_QUIT : CLIENT_CLEAN);
}

enum step transaction_final(struct task *t)
{
	return client_reply(t, said_final);
}
