/* connect.c: Outgoing connections. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

/* Asks the echo door, and tells the test what came. */
struct asker {
	_Atomic int result; /* 1: answered; 2: failed; 3: closed early */
	bool asked;
};

static enum step step_ask(struct task *t)
{
	struct conn *c = conn_of(t);
	struct asker *a = c->session;
	struct slice line;
	if (conn_failed(c) || conn_timed_out(c)) {
		atomic_store(&a->result, 2);
		return STEP_CLOSE;
	}
	if (!a->asked) {
		a->asked = true;
		buf_str(conn_out(c), "ping hello\r\n");
	}
	enum rc rc = conn_line(c, 100, &line);
	if (rc == RC_MORE)
		return STEP_PARK;
	atomic_store(&a->result, rc == RC_OK && slice_eq(line, S("hello")) ? 1 : 3);
	return STEP_CLOSE;
}

static void drop(struct task *t)
{
	(void)t;
}

static enum rc open_session(void *arg, struct conn *c)
{
	(void)arg;
	c->task.step = step_ask;
	return RC_OK;
}

static const struct step_row steps[] = { { step_ask, "ask" } };
static const struct task_kind kind = { "asker", steps, 1, drop };
static const struct door door = { .name = "asker", .kind = &kind, .open = open_session };

static int ask(
	struct echo *e, const char *address, unsigned port, struct asker *a, uint64_t timeout_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct conn *c;
	*a = (struct asker){ 0 };
	inet_pton(AF_INET, address, &to.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &from.sin_addr);
	struct net_target target = { (struct sockaddr *)&to, (struct sockaddr *)&from, sizeof(to),
		sizeof(from), timeout_ms };
	enum rc rc = net_connect(e->net, &target, &door, a, &c);
	if (rc != RC_OK)
		return 2;
	for (int i = 0; i < 10000 && atomic_load(&a->result) == 0; i++)
		usleep(1000);
	return atomic_load(&a->result);
}

static void answered_and_refused(void **state)
{
	(void)state;
	struct echo e;
	struct asker many[20];
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(&e, "127.0.0.1", e.port, &many[i], 5000), 1);
	int fd = client_open(e.port); /* a port that nobody listens on: the client's own */
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	getsockname(fd, (struct sockaddr *)&own, &len);
	struct asker none;
	assert_int_equal(ask(&e, "127.0.0.1", ntohs(own.sin_port), &none, 5000), 2);
	close(fd);
	echo_stop(&e);
}

int test_connect(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answered_and_refused) };
	return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
