/* client.c: An outgoing SMTP session: greeting, TLS, one message after the other, rest, goodbye. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "queue/client_int.h"
#include "run/run.h"

/*  banner → hello → (STARTTLS → secured → hello) → mail → rcpt ... → data → body → final → rest → mail ...
 *  any end that leaves a transaction open → reset → rest;  rest, too old or enough carried → bye */

static step_fn banner, hello, starttls, secured, reset, resting, bye;

static const struct step_row steps[] = { { banner, "banner" }, { hello, "hello" },
	{ starttls, "starttls" }, { secured, "tls" }, { transaction_mail, "mail" },
	{ transaction_rcpt, "rcpt" }, { transaction_data, "data" }, { transaction_body, "body" },
	{ transaction_final, "final" }, { transaction_drain, "drain" }, { reset, "reset" },
	{ resting, "rest" }, { bye, "bye" } };

enum { BYE_MS = 5000, REPLY_LINE = 2000, REPLY_MAX = 256 * 1024, SAID_MAX = 400 };

struct client *client_of(struct task *t)
{
	return conn_of(t)->session;
}

/* The delivery's own task goes on. It may end at once: nothing of it is touched after this. */
static void hand_back(struct client *c, bool stale)
{
	lock_enter(&c->q->lock); /* it looks under the lock: it cannot be gone before it is woken */
	struct delivery *d = c->d;
	c->d = NULL;
	if (d) {
		d->client = NULL;
		d->stale = stale;
		task_wake(&d->task, WAKE_EVENT);
	}
	lock_leave(&c->q->lock);
}

static enum step leave(struct client *c)
{
	buf_str(conn_out(c->conn), "QUIT\r\n");
	conn_idle(c->conn, BYE_MS);
	c->conn->task.step = bye;
	return STEP_MORE;
}

/* --- replies --- */

void client_expect(struct client *c, step_fn *next)
{
	arena_reset(&c->arena);
	smtp_answer_init(&c->reply, &c->arena);
	c->conn->task.step = next;
}

/* RC_OK: a whole reply. RC_MORE: park. Else: the connection is lost, and d->answer says why. */
static enum rc read_reply(struct client *c)
{
	char *answer = c->d->answer;
	size_t size = sizeof(c->d->answer);
	struct slice peer = conn_peer(c->conn);
	if (conn_timed_out(c->conn) || conn_failed(c->conn)) {
		snprintf(answer, size, "451 4.4.2 %.*s %s", FMT(peer),
			conn_failed(c->conn) ? "failed the TLS handshake"
					     : "did not answer in time");
		return RC_TEMP;
	}
	while (true) {
		struct slice line;
		enum rc rc = conn_line_lax(c->conn, REPLY_LINE, &line);
		if (rc == RC_MORE)
			return RC_MORE;
		if (rc == RC_OK)
			rc = smtp_answer_line(&c->reply, line);
		if (rc == RC_OK)
			return RC_OK;
		if (rc != RC_MORE) {
			snprintf(answer, size, "451 4.4.2 the connection to %.*s was lost",
				FMT(peer));
			return RC_TEMP;
		}
	}
}

enum step client_reply(struct task *t, client_reply_fn *then)
{
	struct client *c = client_of(t);
	enum rc rc = read_reply(c);
	if (rc == RC_MORE)
		return STEP_PARK;
	return rc == RC_OK ? then(c) : client_lost(c);
}

struct slice client_said(struct client *c, struct arena *a)
{
	const uint8_t *e = c->reply.enhanced;
	struct slice raw = slice_head(smtp_answer_text(&c->reply), SAID_MAX);
	struct buf clean;
	buf_init(&clean, 0, a);
	for (size_t i = 0; i < raw.len;
		i++) /* it is shown on terminals, and in lists of one line each */
		buf_byte(&clean, raw.at[i] < ' ' || raw.at[i] == 0x7f ? ' ' : raw.at[i]);
	struct slice text = buf_slice(&clean);
	if (e[0]) /* reports and commands read it from the text */
		return arena_fmt(a, "%u %u.%u.%u %.*s", c->reply.code, e[0], e[1], e[2], FMT(text));
	return arena_fmt(a, "%u %.*s", c->reply.code, FMT(text));
}

void client_keep(struct client *c)
{
	struct slice s = client_said(c, run_step_arena(c->q->deps.run));
	snprintf(c->d->answer, sizeof(c->d->answer), "%.*s", FMT(s));
}

enum step client_lost(struct client *c)
{
	/* a server may end a rest whenever it likes: if it has not looked at the message, that is nobody's failure */
	hand_back(c, c->carried > 0 && !c->heard);
	return STEP_CLOSE;
}

/* --- the opening --- */

static void say_hello(struct client *c, const char *verb)
{
	c->said_ehlo = verb[0] == 'E';
	buf_fmt(conn_out(c->conn), "%s %s\r\n", verb, c->terms->hostname);
	client_expect(c, hello);
}

static enum step greeted(struct client *c)
{
	if (c->reply.code != 220) {
		client_keep(c); /* another host may take it */
		hand_back(c, false);
		return leave(c);
	}
	say_hello(c, "EHLO");
	return STEP_MORE;
}

static enum step banner(struct task *t)
{
	return client_reply(t, greeted);
}

/* As safe as it gets: mail may go. */
static enum step ready(struct client *c)
{
	if (c->terms->tls != QUEUE_TLS_REQUIRED || conn_is_tls(c->conn))
		return transaction_begin(c);
	snprintf(c->d->answer, sizeof(c->d->answer),
		"451 4.7.10 %.*s offers no TLS, which is required", FMT(conn_peer(c->conn)));
	hand_back(c, false);
	return leave(c);
}

/* Under a name of its own in DNS, or by an address: mail would come back until it has gone round often enough. */
static enum step talks_to_us(struct client *c)
{
	c->d->is_us = true;
	snprintf(c->d->answer, sizeof(c->d->answer),
		"554 5.4.6 mail for %.*s comes back to this server, which does not know the domain",
		FMT(slice_head(c->d->domain, 100)));
	hand_back(c, false);
	return leave(c);
}

static enum step introduced(struct client *c)
{
	c->ehlo = (struct smtp_ehlo){ 0 };
	if (c->reply.code != 250 && c->said_ehlo) {
		say_hello(c, "HELO");
		return STEP_MORE;
	}
	if (c->reply.code != 250) {
		client_keep(c);
		hand_back(c, false);
		return leave(c);
	}
	if (c->said_ehlo)
		smtp_ehlo_read(smtp_answer_text(&c->reply), &c->ehlo);
	if (slice_eq_nocase(c->ehlo.name, slice_str(c->terms->hostname)) &&
		!route_is_relay(c->terms))
		return talks_to_us(c);
	c->ehlo.name = c->ehlo.auth = S(""); /* views into the reply, which goes */
	bool tls = c->terms->tls != QUEUE_TLS_NEVER && !c->plain_only && !c->tls_tried;
	if (!(c->ehlo.ext & SMTP_EXT_STARTTLS) || !tls)
		return ready(c);
	buf_str(conn_out(c->conn), "STARTTLS\r\n");
	client_expect(c, starttls);
	return STEP_MORE;
}

static enum step hello(struct task *t)
{
	return client_reply(t, introduced);
}

static enum step may_start_tls(struct client *c)
{
	c->tls_tried = true;
	if (c->reply.code != 220 || conn_starttls_client(c->conn, c->name, false) != RC_OK)
		return ready(c);
	c->conn->task.step = secured; /* it runs under TLS */
	return STEP_MORE;
}

static enum step starttls(struct task *t)
{
	return client_reply(t, may_start_tls);
}

static enum step secured(struct task *t)
{
	struct client *c = client_of(t);
	if (!conn_failed(c->conn)) {
		say_hello(c, "EHLO");
		return STEP_MORE;
	}
	snprintf(c->d->answer, sizeof(c->d->answer), "451 4.7.5 the TLS handshake with %.*s failed",
		FMT(conn_peer(c->conn)));
	c->d->plain_next = c->terms->tls != QUEUE_TLS_REQUIRED;
	hand_back(c, false);
	return STEP_CLOSE;
}

/* --- between messages --- */

/* Other terms may ask for TLS, or another name of ours. */
static bool has_old_terms(const struct client *c)
{
	return c->terms != terms_now(c->q);
}

static enum step free_for_next(struct client *c)
{
	struct queue *q = c->q;
	lock_enter(&q->lock);
	struct delivery *done = c->d;
	if (dest_next(q, c) == RC_NONE)
		conn_idle(c->conn, c->terms->rest_ms);
	task_wake(&done->task, WAKE_EVENT);
	lock_leave(&q->lock);
	c->conn->task.step =
		resting; /* or rather: begin the next, unless something came behind the last reply */
	return STEP_MORE;
}

static enum step was_reset(struct client *c)
{
	if (c->reply.code == 250)
		return free_for_next(c);
	hand_back(c, false);
	return leave(c);
}

static enum step reset(struct task *t)
{
	return client_reply(t, was_reset);
}

enum step client_done(struct client *c, enum client_end end)
{
	c->heard = true;
	c->carried++;
	if (end == CLIENT_QUIT || c->carried >= c->terms->per_connection || has_old_terms(c) ||
		conn_draining(c->conn)) {
		hand_back(c, false); /* the result does not wait for the goodbye */
		return leave(c);
	}
	if (end == CLIENT_CLEAN)
		return free_for_next(c);
	buf_str(conn_out(c->conn), "RSET\r\n");
	client_expect(c, reset);
	return STEP_MORE;
}

static enum step resting(struct task *t)
{
	struct client *c = client_of(t);
	struct slice unasked;
	enum rc rc = conn_bytes(c->conn, REPLY_LINE, &unasked); /* 421, or the end */
	bool ends = rc != RC_MORE || conn_timed_out(c->conn) || conn_draining(c->conn) ||
		    has_old_terms(c);
	lock_enter(&c->q->lock);
	bool given = c->d != NULL;
	if (!given && ends)
		dest_forget(c->q, c);
	lock_leave(&c->q->lock);
	if (given && ends) {
		hand_back(c, true);
		return rc == RC_MORE ? leave(c) : STEP_CLOSE;
	}
	if (given)
		return transaction_begin(c);
	if (!ends)
		return STEP_PARK;
	return rc == RC_MORE ? leave(c) : STEP_CLOSE;
}

static enum step bye(struct task *t)
{
	struct conn *c = conn_of(t);
	struct slice line;
	if (conn_timed_out(c))
		return STEP_CLOSE;
	return conn_line_lax(c, REPLY_LINE, &line) == RC_MORE ? STEP_PARK : STEP_CLOSE;
}

/* --- its life --- */

static enum rc opened(void *arg, struct conn *conn)
{
	struct client *c = conn->session;
	(void)arg;
	c->conn = conn;
	if (conn_failed(conn)) {
		snprintf(c->d->answer, sizeof(c->d->answer), "451 4.4.1 cannot connect to %.*s",
			FMT(conn_peer(conn)));
		return RC_TEMP; /* drop hands back */
	}
	conn_idle(conn, c->terms->command_ms);
	client_expect(c, banner);
	return RC_OK;
}

static void drop(struct task *t)
{
	struct client *c = client_of(t);
	lock_enter(&c->q->lock);
	dest_forget(c->q, c);
	lock_leave(&c->q->lock);
	hand_back(c, false);
	arena_done(&c->arena);
	mem_free(MEM_QUEUE, c);
}

void client_door(struct queue *q)
{
	static const struct task_kind kind = { "client", steps, sizeof(steps) / sizeof(steps[0]),
		drop };
	q->door = (struct door){ .name = "client", .kind = &kind, .open = opened };
}

enum rc client_connect(struct delivery *d, const struct sockaddr *to, socklen_t len)
{
	struct queue *q = d->q;
	struct client *c = mem_new(MEM_QUEUE, sizeof(*c));
	struct conn *conn;
	c->q = q;
	c->terms = d->terms;
	c->d = d;
	c->dest = d->dest;
	c->plain_only = d->plain_next;
	d->plain_next = d->reached = false;
	arena_init(&c->arena, REPLY_MAX);
	snprintf(c->name, sizeof(c->name), "%.*s", FMT(d->hosts[d->host]));
	memcpy(d->server, c->name, sizeof(d->server));
	lock_enter(&q->lock);
	d->client = c;
	lock_leave(&q->lock);
	struct net_target target = { .to = to, .to_len = len, .timeout_ms = c->terms->connect_ms };
	if (net_connect(q->deps.net, &target, &q->door, c, &conn) == RC_OK)
		return RC_OK;
	lock_enter(&q->lock);
	d->client = NULL;
	lock_leave(&q->lock);
	mem_free(MEM_QUEUE, c);
	return RC_TEMP;
}
