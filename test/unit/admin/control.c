/* control.c: Commands over the socket itself, as the command line sends them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/wire.h"
#include "desk.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char path[] = "/tmp/veredus-unit-XXXXXX";

/* What admin_call writes to stdout and stderr, in that order; answers its status. */
static int called(const char *socket_path, char **words, size_t n, char said[2][1024])
{
	int old[2] = { dup(1), dup(2) }, pipes[2][2];
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		dup2(pipes[i][1], i + 1);
		close(pipes[i][1]);
	}
	int status = admin_call(socket_path, words, n, S(""));
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(old[i], i + 1);
		close(old[i]);
		ssize_t len = read(pipes[i][0], said[i], sizeof(said[i]) - 1);
		said[i][len > 0 ? len : 0] = 0;
		close(pipes[i][0]);
	}
	return status;
}

static void answers(void **state)
{
	struct desk d;
	struct admin *admin;
	struct stat st;
	char socket_path[64], said[2][1024];
	(void)state;
	desk_begin(&d);
	assert_non_null(mkdtemp(path));
	snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	assert_int_equal(admin_start(&d.deps, socket_path, &admin, &d.w.why), RC_OK);
	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	char *show[] = { "domain", "show", "example.org", "--json" };
	assert_int_equal(called(socket_path, show, 4, said), 0);
	assert_non_null(strstr(said[0], "{\"domain\":\"example.org\""));
	assert_string_equal(said[1], "");
	char *none[] = { "domain", "show", "no\"where.test", "--json" };
	assert_int_equal(called(socket_path, none, 4, said), 1);
	assert_string_equal(said[0], "");
	assert_true(slice_starts(slice_str(said[1]), S("{\"error\":\"")));
	char *wrong[] = { "domain", "show" };
	assert_int_equal(called(socket_path, wrong, 2, said), 2);
	assert_string_equal(said[1], "usage: veredus domain show DOMAIN\n");
	admin_stop(&admin);
	assert_int_not_equal(stat(socket_path, &st), 0);
	assert_int_equal(called(socket_path, show, 4, said), -1);
	rmdir(path);
	desk_end(&d);
}

static int dial(const char *socket_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Who speaks nonsense is answered or dropped, and the next one is served. */
static void survives_nonsense(void **state)
{
	static const struct slice nonsense[] = { S(""), S("\xff\xff\xff\xff"),
		S("GET / HTTP/1.1\r\n"), S("\0\0\0\0\0\0\0\5ab"), S("\0\0\0\0\0\0\0\0") };
	struct desk d;
	struct admin *admin;
	char folder[] = "/tmp/veredus-unit-XXXXXX", socket_path[64], said[2][1024];
	char *show[] = { "queue", "list" };
	(void)state;
	desk_begin(&d);
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	assert_int_equal(admin_start(&d.deps, socket_path, &admin, &d.w.why), RC_OK);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		int fd = dial(socket_path);
		assert_int_equal(send(fd, nonsense[i].at, nonsense[i].len, MSG_NOSIGNAL),
			(ssize_t)nonsense[i].len);
		close(fd);
	}
	int fd = dial(socket_path);
	bool sent = admin_send(fd, S("secret"));
	for (size_t i = 0; sent && i < ADMIN_WORDS_MAX + 1; i++)
		sent = admin_send(fd, S("word"));
	close(fd);
	assert_int_equal(called(socket_path, show, 2, said), 0);
	admin_stop(&admin);
	rmdir(folder);
	desk_end(&d);
}

static void needs_a_path(void **state)
{
	struct desk d;
	struct admin *admin = NULL;
	char long_path[300];
	struct fault why = { 0 };
	(void)state;
	desk_begin(&d);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	assert_int_equal(admin_start(&d.deps, long_path, &admin, &why), RC_BAD);
	assert_non_null(strstr(fault_text(&why), "too long for a socket's path"));
	assert_int_equal(admin_start(&d.deps, "/nowhere/at/all", &admin, &why), RC_BAD);
	assert_non_null(strstr(fault_text(&why), "/nowhere/at/all: No such file"));
	admin_stop(&admin);
	desk_end(&d);
}

int test_control(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers),
		cmocka_unit_test(survives_nonsense), cmocka_unit_test(needs_a_path) };
	return cmocka_run_group_tests_name("admin control", tests, NULL, NULL);
}
