/* listen.c: Listeners and connections: framing, limits, timeouts, PROXY, drain. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 300 };

static void hundreds_of_clients(void **state)
{
	(void)state;
	struct echo e;
	int fds[MANY];
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	for (int i = 0; i < MANY; i++)
		fds[i] = client_open(e.port);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			client_send(fds[i], "ping one\r\npi");
			client_send(fds[i], "ng two\r\n");
		}
		for (int i = 0; i < MANY; i++)
			assert_string_equal(client_read(fds[i], 10), "one\r\ntwo\r\n");
	}
	assert_int_equal(net_connections(e.net), MANY);
	for (int i = 0; i < 2000 && mem_used(MEM_BUFFER); i++)
		usleep(1000);
	assert_int_equal(mem_used(MEM_BUFFER), 0); /* [net 1] */
	for (int i = 0; i < MANY; i += 2)
		close(fds[i]);
	for (int i = 1; i < MANY; i += 2) {
		client_send(fds[i], "quit\r\n");
		assert_string_equal(client_rest(fds[i]), "");
	}
	echo_stop(&e);
}

static void lines_that_are_none(void **state)
{
	(void)state;
	struct echo e;
	char longer[5000];
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	memset(longer, 'x', sizeof(longer));
	memcpy(longer + sizeof(longer) - 3, "\r\n", 3);
	int fd = client_open(e.port);
	client_send(fd, longer);
	client_send(fd, "ping on\r\n");
	assert_string_equal(client_read(fd, 11), "LIMIT\r\non\r\n");
	client_send(fd, "ping a\nping b\r\nping c\r\n");
	assert_string_equal(client_rest(fd), "BAD\r\n");
	fd = client_open(e.port);
	client_send(fd, "ping a\rb\r\n");
	assert_string_equal(client_rest(fd), "BAD\r\n");
	echo_stop(&e);
}

/* The reply must arrive though the client goes on sending what nobody reads. */
static void last_words_are_heard(void **state)
{
	(void)state;
	struct echo e;
	char junk[60000];
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	memset(junk, 'j', sizeof(junk));
	junk[sizeof(junk) - 1] = 0;
	for (int i = 0; i < 20; i++) {
		int fd = client_open(e.port);
		client_send(fd, "bare\n");
		client_send(fd, junk);
		assert_string_equal(client_rest(fd), "BAD\r\n");
	}
	echo_stop(&e);
}

static void a_long_answer_to_a_slow_reader(void **state)
{
	(void)state;
	struct echo e;
	size_t got = 0;
	char text[8192];
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	int fd = client_open(e.port);
	client_send(fd, "big 200000\r\nping end\r\n");
	usleep(100000);
	assert_true(mem_used(MEM_BUFFER) < 4 * CONN_HIGH_WATER);
	while (got < 200000 * 64 + 5) {
		ssize_t n = recv(fd, text, sizeof(text), 0);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(got, 200000 * 64 + 5);
	close(fd);
	echo_stop(&e);
}

static void half_closed_is_answered(void **state)
{
	(void)state;
	struct echo e;
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	int fd = client_open(e.port);
	client_send(fd, "ping a\r\nping b\r\n");
	shutdown(fd, SHUT_WR);
	assert_string_equal(client_rest(fd), "a\r\nb\r\n");
	echo_stop(&e);
}

static void over_the_limit_is_refused(void **state)
{
	(void)state;
	struct echo e;
	int fds[3];
	for (int total = 0; total < 2; total++) {
		echo_start(&e, &(struct net_listener){ .connections_max = total ? 0 : 3 },
			total ? 3 : 0);
		for (int i = 0; i < 3; i++) {
			fds[i] = client_open(e.port);
			client_send(fds[i], "ping a\r\n");
			assert_string_equal(client_read(fds[i], 3), "a\r\n");
		}
		assert_string_equal(client_rest(client_open(e.port)), "busy\r\n");
		close(fds[0]);
		for (int i = 0; i < 2000 && net_connections(e.net) >= 3; i++)
			usleep(1000);
		int fd = client_open(e.port);
		client_send(fd, "ping b\r\nquit\r\n");
		assert_string_equal(client_rest(fd), "b\r\n");
		close(fds[1]);
		close(fds[2]);
		echo_stop(&e);
	}
}

static void timeouts(void **state)
{
	(void)state;
	struct echo e;
	echo_start(&e, &(struct net_listener){ .idle_ms = 60 }, 0);
	int fd = client_open(e.port);
	assert_string_equal(client_rest(fd), "late\r\n");
	echo_stop(&e);
	echo_start(&e, &(struct net_listener){ .idle_ms = 5000, .total_ms = 100 }, 0);
	fd = client_open(e.port);
	client_send(fd, "ping a\r\n");
	assert_string_equal(client_rest(fd), "a\r\nlate\r\n");
	echo_stop(&e);
}

static void proxy_headers(void **state)
{
	(void)state;
	static const char v2[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x10\0\0\x19peer\r\n";
	struct echo e;
	struct net_cidr local;
	assert_int_equal(net_cidr_parse(S("127.0.0.0/8"), &local), RC_OK);
	echo_start(&e, &(struct net_listener){ .trusted = &local, .trusted_n = 1 }, 0);
	int fd = client_open(e.port);
	client_send(fd, "PROXY TCP4 192.0.2.9 127.0.0");
	usleep(30000);
	client_send(fd, ".1 4000 25\r\npeer\r\nquit\r\n");
	assert_string_equal(client_rest(fd), "192.0.2.9\r\n");
	fd = client_open(e.port);
	assert_int_equal(send(fd, v2, sizeof(v2) - 1, 0), sizeof(v2) - 1);
	assert_string_equal(client_read(fd, 11), "192.0.2.7\r\n");
	close(fd);
	fd = client_open(e.port);
	client_send(fd, "peer\r\npeer\r\npeer\r\npeer\r\n");
	assert_string_equal(client_rest(fd), "");
	close(client_open(e.port)); /* a health check */
	echo_stop(&e);
}

static void drain_says_goodbye(void **state)
{
	(void)state;
	struct echo e;
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	int fd = client_open(e.port);
	client_send(fd, "ping a\r\n");
	assert_string_equal(client_read(fd, 3), "a\r\n");
	echo_stop(&e);
	assert_string_equal(client_rest(fd), "bye\r\n");
}

static void without_descriptors(void **state)
{
	(void)state;
	struct echo e;
	struct rlimit before, few;
	echo_start(&e, &(struct net_listener){ 0 }, 0);
	int fd = client_open(e.port);
	int waiting = client_open(e.port); /* the last descriptor of ours */
	client_send(fd, "ping a\r\n");
	assert_string_equal(client_read(fd, 3), "a\r\n");
	usleep(50000);
	getrlimit(RLIMIT_NOFILE, &before);
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	close(sock);
	few = before;
	few.rlim_cur = (rlim_t)sock + 1; /* one for the client, none for the server */
	setrlimit(RLIMIT_NOFILE, &few);
	int refused = client_open(e.port);
	assert_string_equal(client_rest(refused), "busy\r\n"); /* sent away, not left hanging */
	client_send(fd, "ping b\r\n");
	assert_string_equal(client_read(fd, 3), "b\r\n");
	setrlimit(RLIMIT_NOFILE, &before);
	close(refused);
	int later = client_open(e.port);
	client_send(later, "ping c\r\nquit\r\n");
	assert_string_equal(client_rest(later), "c\r\n");
	close(waiting);
	close(fd);
	echo_stop(&e);
}

static void addresses(void **state)
{
	(void)state;
	struct net_cidr n;
	struct fault why = { 0 };
	struct echo e;
	assert_int_equal(net_cidr_parse(S("::1"), &n), RC_OK);
	assert_int_equal(n.bits, 128);
	assert_int_equal(net_cidr_parse(S("10.0.0.0/8"), &n), RC_OK);
	assert_int_equal(n.bits, 104);
	assert_int_equal(net_cidr_parse(S("10.0.0.0/33"), &n), RC_BAD);
	assert_int_equal(net_cidr_parse(S("ten"), &n), RC_BAD);
	echo_start(&e, &(struct net_listener){ .bind = "[::]:0" }, 0);
	char bind[32];
	snprintf(bind, sizeof(bind), "127.0.0.1:%u", e.port);
	int fd = client_open(e.port);
	client_send(fd, "peer\r\nquit\r\n");
	assert_string_equal(client_rest(fd), "127.0.0.1\r\n");
	struct net_listener bad = { .name = "bad", .bind = "nowhere", .door = &e.door };
	assert_int_equal(net_listen(e.net, &bad, &why), RC_BAD);
	bad.bind = "192.0.2.1:1";
	assert_int_equal(net_listen(e.net, &bad, &why), RC_BAD);
	echo_stop(&e);
}

static void count_gone(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

static void wait_for(_Atomic int *n, int want)
{
	for (int i = 0; i < 1000 && atomic_load(n) != want; i++)
		usleep(5000);
	assert_int_equal(atomic_load(n), want);
}

/* Other terms while connections are open: these keep theirs, which are given back with the last of them. */
static void other_terms(void **state)
{
	(void)state;
	struct echo e;
	_Atomic int gone[2] = { 0, 0 };
	echo_start(&e, &(struct net_listener){ .gone = count_gone, .arg = &gone[0] }, 0);
	int old = client_open(e.port);
	client_send(old, "ping 1\r\n");
	assert_string_equal(client_read(old, 3), "1\r\n");
	struct net_listener l = { .name = "test",
		.bind = "127.0.0.1:0",
		.door = &e.door,
		.connections_max = 1,
		.gone = count_gone,
		.arg = &gone[1] };
	assert_int_equal(net_listen_as(e.net, &l), RC_OK);
	int more = client_open(e.port);
	assert_string_equal(client_rest(more), "busy\r\n");
	close(more);
	client_send(old, "ping 2\r\n");
	assert_string_equal(client_read(old, 3), "2\r\n");
	assert_int_equal(atomic_load(&gone[0]), 0);
	client_send(old, "quit\r\n");
	assert_string_equal(client_rest(old), "");
	close(old);
	wait_for(&gone[0], 1);
	more = client_open(e.port);
	client_send(more, "ping 3\r\n");
	assert_string_equal(client_read(more, 3), "3\r\n");
	net_unlisten(e.net, "127.0.0.1:0");
	assert_int_equal(net_listen_as(e.net, &l), RC_NONE);
	client_send(more, "ping 4\r\n");
	assert_string_equal(client_read(more, 3), "4\r\n");
	assert_int_equal(atomic_load(&gone[1]), 0);
	close(more);
	wait_for(&gone[1], 1);
	echo_stop(&e);
}

int test_listen(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hundreds_of_clients),
		cmocka_unit_test(lines_that_are_none), cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(a_long_answer_to_a_slow_reader),
		cmocka_unit_test(half_closed_is_answered),
		cmocka_unit_test(over_the_limit_is_refused), cmocka_unit_test(timeouts),
		cmocka_unit_test(proxy_headers), cmocka_unit_test(drain_says_goodbye),
		cmocka_unit_test(without_descriptors), cmocka_unit_test(addresses),
		cmocka_unit_test(other_terms) };
	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
