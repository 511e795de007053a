/* control.c: The control socket: one thread, one request at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "admin/report.h"
#include "admin/wire.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/must.h"
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 10 };

struct admin {
	struct admin_deps deps;
	int fd;
	pthread_t thread;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static bool address_of(const char *path, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(at->sun_path, sizeof(at->sun_path), "%s", path) <
	       sizeof(at->sun_path);
}

static bool allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

/* Request: a frame for the secret, then one for each word, then an empty frame. */
static enum rc read_call(int fd, struct admin_call *call)
{
	struct slice *words = arena_try_array(call->arena, ADMIN_WORDS_MAX, sizeof(*words));
	struct slice *options = arena_try_array(call->arena, ADMIN_WORDS_MAX, sizeof(*options));
	if (!words || !options)
		return RC_LIMIT;
	call->words = words;
	call->options = options;
	TRY(admin_receive(fd, call->arena, &call->secret));
	while (true) {
		struct slice word;
		TRY(admin_receive(fd, call->arena, &word));
		if (word.len == 0)
			return RC_OK;
		if (call->n + call->options_n == ADMIN_WORDS_MAX)
			return RC_LIMIT;
		if (slice_eq(word, S("--json")))
			call->json = true;
		else if (slice_starts(word, S("--")))
			options[call->options_n++] = slice_tail(word, 2);
		else
			words[call->n++] = word;
	}
}

static void serve_one(struct admin *admin, int fd)
{
	struct arena a;
	struct buf out;
	struct fault why = { 0 };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	arena_init(&a, 64 * 1024 * 1024);
	buf_init(&out, 0, &a);
	struct admin_call call = { .deps = &admin->deps, .arena = &a, .out = &out };
	enum rc rc = allowed(fd) ? read_call(fd, &call) : RC_DENIED;
	if (rc == RC_OK || rc == RC_LIMIT) {
		rc = rc == RC_OK ? admin_run(&call, &why) : fault_set(&why, FAULT_MEMORY, "%s", "");
		if (rc == RC_OK && out.over)
			rc = fault_set(&why, FAULT_MEMORY, "%s", "");
		if (call.n >= 2)
			event_log(EVENT_ADMIN_COMMAND, f_slice("command", call.words[0]),
				f_slice("verb", call.words[1]), f_str("result", rc_name(rc)));
		uint8_t code = rc == RC_OK ? 0 : rc == RC_MORE ? 2 : 1;
		if (rc != RC_OK && rc != RC_MORE && !call.is_told) {
			buf_reset(&out);
			report_error(&out, call.json, &why);
		}
		if (admin_send(fd, slice_of(&code, 1)))
			admin_send(fd, buf_slice(&out));
	}
	arena_done(&a);
}

static void *work(void *arg)
{
	struct admin *admin = arg;
	pthread_setname_np(pthread_self(), "control");
	while (true) {
		int fd = accept4(admin->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EMFILE))
			continue;
		if (fd < 0)
			return NULL;
		serve_one(admin, fd);
		close(fd);
	}
}

enum rc admin_start(
	const struct admin_deps *deps, const char *path, struct admin **out, struct fault *why)
{
	struct sockaddr_un at;
	if (!address_of(path, &at))
		return fault_set(why, FAULT_CONFIG, "too long for a socket's path: %s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path);
	mode_t old = umask(0177);
	bool ok =
		fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0;
	umask(old);
	if (!ok) {
		int e = errno;
		if (fd >= 0)
			close(fd);
		return fault_set(why, FAULT_CONFIG, "%s: %s", path, strerror(e));
	}
	struct admin *admin = mem_new(MEM_OTHER, sizeof(*admin));
	admin->deps = *deps;
	admin->fd = fd;
	snprintf(admin->path, sizeof(admin->path), "%s", path);
	must(pthread_create(&admin->thread, NULL, work, admin) == 0);
	*out = admin;
	return RC_OK;
}

void admin_stop(struct admin **ref)
{
	struct admin *admin = *ref;
	if (!admin)
		return;
	shutdown(admin->fd, SHUT_RDWR);
	pthread_join(admin->thread, NULL);
	close(admin->fd);
	unlink(admin->path);
	mem_free(MEM_OTHER, admin);
	*ref = NULL;
}

/* A connection to the server there; below 0: none. */
static int reach(const char *path)
{
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		(address_of(path, &at) && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0))
		return fd;
	close(fd);
	return -1;
}

bool admin_answers(const char *path)
{
	int fd = reach(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int admin_call(const char *path, char *const *words, size_t n, struct slice secret)
{
	struct arena a;
	struct slice code, text;
	int status = -1;
	int fd = reach(path);
	if (fd < 0)
		return -1;
	arena_init(&a, 0);
	bool sent = admin_send(fd, secret);
	for (size_t i = 0; sent && i < n; i++)
		if (words[i][0])
			sent = admin_send(fd, slice_str(words[i]));
	sent = sent && admin_send(fd, S(""));
	if (sent && admin_receive(fd, &a, &code) == RC_OK && code.len == 1 &&
		admin_receive(fd, &a, &text) == RC_OK) {
		status = code.at[0];
		fwrite(text.at, 1, text.len, status ? stderr : stdout);
	}
	arena_done(&a);
	close(fd);
	return status;
}
