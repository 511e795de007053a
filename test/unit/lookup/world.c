/* world.c: Starting and ending servers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server *running[64];
static char folder[64];

const char *world_folder(void)
{
	return folder;
}

/* Also when a check fails outside of a test, which exits. */
static void clean_up(void)
{
	char cmd[128];
	for (size_t i = 0; i < 64; i++) {
		if (running[i])
			server_kill(running[i]);
	}
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", folder);
	(void)!system(cmd);
}

void world_begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	(void)snprintf(folder, sizeof(folder), "/tmp/veredus-lookup-%d-XXXXXX", getpid());
	assert_non_null(mkdtemp(folder));
	atexit(clean_up);
}

static int loopback(unsigned port, struct sockaddr_in *at)
{
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	return fd;
}

unsigned world_port(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int fd = loopback(0, &at);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

void world_until(bool (*is)(void *arg), void *arg)
{
	uint64_t end = run_now_ms(NULL) + 30000;
	while (!is(arg)) {
		assert_true(run_now_ms(NULL) < end);
		usleep(5000);
	}
}

static bool listens(void *arg)
{
	struct server *s = arg;
	struct sockaddr_in at;
	int status, fd = loopback(s->port, &at);
	bool is = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	assert_int_equal(waitpid(s->pid, &status, WNOHANG), 0); /* it lives */
	return is;
}

void server_start(struct server *s)
{
	char *argv[33] = { 0 }, log[128];
	size_t slot = 0;
	while (running[slot] && running[slot] != s)
		slot++;
	assert_true(slot < 64);
	running[slot] = s;
	for (size_t i = 0; i < s->n; i++)
		argv[i] = s->args[i];
	(void)snprintf(log, sizeof(log), "%s/%u.log", folder, s->port);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	world_until(listens, s);
}

void server_signal(struct server *s, int sig)
{
	assert_int_equal(kill(s->pid, sig), 0);
}

void server_kill(struct server *s)
{
	int status;
	if (s->pid == 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, &status, 0);
	s->pid = 0;
	for (size_t i = 0; i < 64; i++) {
		if (running[i] == s)
			running[i] = NULL;
	}
}

void server_arg(struct server *s, const char *fmt, ...)
{
	va_list ap;
	assert_true(s->n < 32);
	va_start(ap, fmt);
	(void)vsnprintf(s->args[s->n++], sizeof(s->args[0]), fmt, ap);
	va_end(ap);
}

static void words(struct server *s, const char *const *all)
{
	for (; *all; all++)
		server_arg(s, "%s", *all);
}

void redis_server(struct server *s, unsigned port)
{
	static const char *const first[] = { "redis-server", "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", NULL };
	*s = (struct server){ .port = port };
	words(s, first);
	server_arg(s, "--dir");
	server_arg(s, "%s", folder);
	server_arg(s, "--port");
	server_arg(s, "%u", port);
}

void memcached_server(struct server *s, unsigned port)
{
	static const char *const first[] = { "memcached", "-l", "127.0.0.1", "-u", "nobody", "-U",
		"0", "-p", NULL };
	*s = (struct server){ .port = port };
	words(s, first);
	server_arg(s, "%u", port);
}

void redis_cli(unsigned port, const char *command, char *out, size_t room)
{
	char line[512];
	(void)snprintf(line, sizeof(line), "redis-cli -p %u %s 2>&1", port, command);
	FILE *f = popen(line, "r");
	assert_non_null(f);
	char scrap[4096];
	size_t n = fread(out ? out : scrap, 1, (out ? room : sizeof(scrap)) - 1, f);
	if (out)
		out[n] = '\0';
	pclose(f);
}

struct lookup_key key_of(enum lookup_prefix prefix, const char *group, const char *name)
{
	return (struct lookup_key){ prefix, slice_str(group), slice_str(name) };
}

struct slice value_of(struct world *w, const struct lookup_key *key)
{
	struct slice value;
	enum rc rc = lookup_get(w->lookup, key, &w->a, &value, &w->why);
	if (rc == RC_NONE)
		return S("(none)");
	if (rc != RC_OK)
		print_error("%s\n", fault_text(&w->why));
	assert_int_equal(rc, RC_OK);
	return value;
}

struct redis_conf redis_options(const char *const *urls, size_t n)
{
	return (struct redis_conf){ .urls = urls,
		.urls_n = n,
		.user = "",
		.secret = "",
		.master = "",
		.protocol = 3,
		.timeout_ms = 2000,
		.retries = 3,
		.connections = 8,
		.tls_ca = "" };
}
