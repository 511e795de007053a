/* deadline.c: Who sends or reads an octet now and then is sent away; who keeps the least rate is not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

/* Far more than any of the times below, so that a slow machine passes. */
enum { PATIENCE_MS = 8000 };

static uint64_t now_ms(void)
{
	return run_now_us() / 1000;
}

/* Sends `octets` every `every_ms` until the server says something; what it says, or "" after PATIENCE_MS. */
static const char *drip(int fd, size_t octets, int every_ms)
{
	uint64_t until = now_ms() + PATIENCE_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[4096];
	memset(line, 'x', octets);
	while (now_ms() < until && poll(&p, 1, every_ms) == 0)
		(void)send(fd, line, octets, MSG_NOSIGNAL);
	return p.revents ? client_rest(fd) : "";
}

static void start(struct echo *e, uint64_t idle_ms, uint64_t rate_min)
{
	echo_start(e, &(struct net_listener){ .idle_ms = idle_ms }, 0);
	net_limit(e->net, &(struct net_limits){ .rate_min = rate_min });
}

static void a_line_must_come_whole(void **state)
{
	(void)state;
	struct echo e;
	start(&e, 300, 500);
	int fd = client_open(e.port);
	client_send(fd, "ping a\r\n");
	assert_string_equal(client_read(fd, 3), "a\r\n");
	assert_string_equal(drip(fd, 1, 20), "late\r\n");
	/* a line that is too long is none */
	fd = client_open(e.port);
	assert_string_equal(drip(fd, 50, 20), "late\r\n");
	/* it may take all its time, each time */
	echo_stop(&e);
	start(&e, 2000, 500);
	fd = client_open(e.port);
	for (int i = 0; i < 6; i++) {
		client_send(fd, "ping");
		usleep(400000);
		client_send(fd, " a\r\n");
		assert_string_equal(client_read(fd, 3), "a\r\n");
	}
	close(fd);
	echo_stop(&e);
}

static void a_message_must_keep_the_rate(void **state)
{
	(void)state;
	struct echo e;
	char piece[1001];
	start(&e, 500, 5000);
	memset(piece, 'x', sizeof(piece));
	piece[1000] = 0;
	int fd = client_open(e.port);
	client_send(fd, "take 100000\r\n");
	assert_string_equal(drip(fd, 10, 20), "late\r\n");
	fd = client_open(e.port);
	client_send(fd, "take 20000\r\n");
	for (int i = 0; i < 20; i++) { /* twice as long as its time, at twice the rate */
		usleep(50000);
		client_send(fd, piece);
	}
	assert_string_equal(client_read(fd, 7), "taken\r\n");
	close(fd);
	echo_stop(&e);
}

/* Reads `octets` every `every_ms` until the end or PATIENCE_MS. True: it was cut. */
static bool sip(int fd, size_t octets, int every_ms, uint64_t for_ms)
{
	char text[65536];
	uint64_t until = now_ms() + for_ms;
	while (now_ms() < until) {
		ssize_t n = recv(fd, text, octets, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
		usleep((useconds_t)every_ms * 1000);
	}
	return false;
}

static void an_answer_must_be_read(void **state)
{
	(void)state;
	struct echo e;
	start(&e, 300, 20000);
	int fd = client_open(e.port);
	client_send(fd, "big 1000000\r\n");
	for (int i = 0; i < PATIENCE_MS && net_connections(e.net); i++)
		usleep(1000);
	assert_int_equal(net_connections(e.net), 0);
	assert_true(sip(fd, 65536, 0, PATIENCE_MS));
	close(fd);
	fd = client_open(e.port);
	client_send(fd, "big 1000000\r\n");
	assert_false(sip(
		fd, 8192, 20, 2000)); /* 400 kB/s; seldom enough for the kernel to let us write */
	close(fd);
	echo_stop(&e);
}

static void a_total_time(void **state)
{
	(void)state;
	struct echo e;
	start(&e, 60000, 1000);
	int fd = client_open(e.port);
	client_send(fd, "total 100\r\nping a\r\n");
	assert_string_equal(client_rest(fd), "a\r\nlate\r\n");
	/* what a message may take at the least rate comes on top */
	fd = client_open(e.port);
	client_send(fd, "total 100\r\ntake 4000\r\n");
	char piece[4001];
	memset(piece, 'x', sizeof(piece));
	piece[4000] = 0;
	client_send(fd, piece);
	assert_string_equal(client_read(fd, 7), "taken\r\n");
	usleep(300000);
	client_send(fd, "ping b\r\nquit\r\n");
	assert_string_equal(client_rest(fd), "b\r\n");
	echo_stop(&e);
}

static void less_time_under_stress(void **state)
{
	(void)state;
	struct echo e;
	int fds[9];
	echo_start(&e, &(struct net_listener){ .idle_ms = 60000 }, 0);
	net_limit(e.net, &(struct net_limits){ .connections_max = 10, .stress_ms = 100 });
	for (int i = 0; i < 9; i++) {
		fds[i] = client_open(e.port);
		client_send(fds[i], i == 8 ? "trust\r\nping a\r\n" : "ping a\r\n");
		assert_string_equal(client_read(fds[i], 3), "a\r\n");
	}
	assert_string_equal(client_rest(fds[7]), "late\r\n"); /* the eighth of ten */
	client_send(fds[0], "ping b\r\n");
	assert_string_equal(client_rest(fds[0]), "b\r\nlate\r\n");
	client_send(fds[8], "ping b\r\n"); /* it has logged in */
	assert_string_equal(client_read(fds[8], 3), "b\r\n");
	close(fds[1]);
	close(fds[2]);
	for (int i = 0; i < PATIENCE_MS && net_connections(e.net) > 5; i++)
		usleep(1000);
	client_send(fds[3], "ping b\r\n");
	assert_string_equal(client_read(fds[3], 3), "b\r\n");
	usleep(300000);
	client_send(fds[3], "ping c\r\n");
	assert_string_equal(client_read(fds[3], 3), "c\r\n");
	for (int i = 3; i < 9; i++)
		if (i != 7)
			close(fds[i]);
	echo_stop(&e);
}

int test_deadline(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_line_must_come_whole),
		cmocka_unit_test(a_message_must_keep_the_rate),
		cmocka_unit_test(an_answer_must_be_read), cmocka_unit_test(a_total_time),
		cmocka_unit_test(less_time_under_stress) };
	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
