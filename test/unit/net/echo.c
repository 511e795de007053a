/* echo.c: An echo door, and blocking clients for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 200, TEXT_MAX = 1 << 16 };

struct session {
	uint64_t left;
};

static enum step step_line(struct task *t);

static enum step step_big(struct task *t)
{
	struct conn *c = conn_of(t);
	struct session *s = c->session;
	if (conn_timed_out(c))
		return STEP_CLOSE;
	while (s->left && !conn_out_full(c)) {
		buf_fmt(conn_out(c), "%063u\n", (unsigned)s->left);
		s->left--;
	}
	if (s->left)
		return STEP_PARK;
	t->step = step_line;
	return STEP_MORE;
}

static enum step step_take(struct task *t)
{
	struct conn *c = conn_of(t);
	struct session *s = c->session;
	struct slice bytes;
	t->step = step_line; /* it says what there is to say */
	if (conn_timed_out(c))
		return STEP_MORE;
	while (s->left) {
		enum rc rc = conn_bytes(c, s->left, &bytes);
		if (rc != RC_OK) {
			t->step = step_take;
			return rc == RC_MORE ? STEP_PARK : STEP_CLOSE;
		}
		s->left -= bytes.len;
	}
	buf_str(conn_out(c), "taken\r\n");
	return STEP_MORE;
}

static enum step answer(struct conn *c, struct slice line)
{
	struct session *s = c->session;
	struct buf *out = conn_out(c);
	uint64_t ms;
	if (slice_starts(line, S("ping ")))
		buf_fmt(out, "%.*s\r\n", FMT(slice_tail(line, 5)));
	else if (slice_eq(line, S("peer")))
		buf_fmt(out, "%.*s\r\n", FMT(conn_peer(c)));
	else if (slice_starts(line, S("big ")) &&
		 slice_u64(slice_tail(line, 4), 1 << 30, &s->left) == RC_OK)
		c->task.step = step_big;
	else if (slice_starts(line, S("take ")) &&
		 slice_u64(slice_tail(line, 5), 1 << 30, &s->left) == RC_OK)
		c->task.step = step_take;
	else if (slice_starts(line, S("total ")) &&
		 slice_u64(slice_tail(line, 6), 1 << 30, &ms) == RC_OK)
		conn_total(c, ms);
	else if (slice_eq(line, S("trust")))
		conn_trust(c);
	else if (slice_eq(line, S("quit")))
		return STEP_CLOSE;
	return STEP_MORE;
}

static enum step step_line(struct task *t)
{
	struct conn *c = conn_of(t);
	struct slice line;
	if (conn_timed_out(c)) {
		buf_str(conn_out(c), "late\r\n");
		return STEP_CLOSE;
	}
	if (conn_draining(c)) {
		buf_str(conn_out(c), "bye\r\n");
		return STEP_CLOSE;
	}
	if (conn_out_full(c))
		return STEP_PARK;
	enum rc rc = conn_line(c, LINE_MAX_BYTES, &line);
	if (rc == RC_OK)
		return answer(c, line);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc == RC_NONE)
		return STEP_CLOSE;
	buf_fmt(conn_out(c), "%s\r\n", rc_name(rc));
	return rc == RC_LIMIT ? STEP_MORE : STEP_CLOSE;
}

static void drop(struct task *t)
{
	mem_free(MEM_SESSION, conn_of(t)->session);
}

static const struct step_row steps[] = { { step_line, "line" }, { step_big, "big" },
	{ step_take, "take" } };
static const struct task_kind kind = { "echo", steps, 3, drop };

static enum rc open_session(void *arg, struct conn *c)
{
	(void)arg;
	c->session = mem_new(MEM_SESSION, sizeof(struct session));
	c->task.step = step_line;
	return RC_OK;
}

void echo_start(struct echo *e, const struct net_listener *conf, size_t connections_max)
{
	struct fault why = { 0 };
	struct net_listener l = *conf;
	e->run = run_new(&(struct run_conf){ .seats = 2 });
	e->net = net_new(
		&(struct net_conf){ .run = e->run, .limits.connections_max = connections_max });
	e->door = (struct door){
		.name = "echo", .kind = &kind, .open = open_session, .busy_text = "busy\r\n"
	};
	l.name = "test";
	l.bind = l.bind ? l.bind : "127.0.0.1:0";
	l.door = &e->door;
	assert_int_equal(net_listen(e->net, &l, &why), RC_OK);
	e->port = net_port(e->net, 0);
	run_start(e->run);
}

void echo_stop(struct echo *e)
{
	run_drain(e->run);
	assert_int_equal(run_wait_empty(e->run, 20000), 0);
	assert_int_equal(net_connections(e->net), 0);
	run_free(&e->run);
	net_free(&e->net);
}

int client_open(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { 10, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

const char *client_read(int fd, size_t bytes)
{
	static char text[TEXT_MAX];
	size_t n = 0;
	assert_true(bytes < sizeof(text));
	while (n < bytes) {
		ssize_t got = recv(fd, text + n, bytes - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = 0;
	return text;
}

const char *client_rest(int fd)
{
	const char *text = client_read(fd, TEXT_MAX - 1);
	close(fd);
	return text;
}
