/* supervise.c: The small parent of the serving process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/supervise.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_FIRST_MS = 100, PAUSE_MOST_MS = 10000, GOOD_SECONDS = 60 };

struct parent {
	const struct supervised *s;
	int signals; /* signalfd */
	sigset_t before;
};

static pid_t start(const struct parent *p, unsigned nth)
{
	pid_t parent = getpid();
	fflush(stdout);
	fflush(stderr);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(p->signals);
	sigprocmask(SIG_SETMASK, &p->before, NULL);
	_exit(p->s->child(p->s->arg, nth));
}

static long seconds_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* The next signal; hears what the child says meanwhile. 0: the time is up (-1: no end). */
static int next_signal(const struct parent *p, int ms)
{
	struct pollfd fds[2] = { { .fd = p->signals, .events = POLLIN },
		{ .fd = p->s->channel, .events = POLLIN } };
	while (true) {
		struct signalfd_siginfo info;
		int n = poll(fds, 2, ms);
		if (n == 0)
			return 0;
		if (n > 0 && fds[1].revents)
			p->s->hear(p->s->arg);
		if (n > 0 && fds[0].revents &&
			read(p->signals, &info, sizeof(info)) == sizeof(info))
			return (int)info.ssi_signo;
	}
}

/* Waits for the child's end, passing signals on. True: we were asked to stop. */
static bool wait_child(const struct parent *p, pid_t pid, int *status)
{
	bool stop = false;
	while (true) {
		int sig = next_signal(p, -1);
		if (sig == SIGTERM || sig == SIGINT) {
			stop = true;
			p->s->stopping(p->s->arg);
		}
		if (sig != SIGCHLD)
			kill(pid, sig == SIGINT ? SIGTERM : sig);
		if (waitpid(pid, status, WNOHANG) == pid) {
			p->s->hear(p->s->arg);
			return stop;
		}
	}
}

/* True: a signal to stop came during the pause. */
static bool pause_ms(const struct parent *p, unsigned ms)
{
	int sig = next_signal(p, (int)ms);
	return sig == SIGTERM || sig == SIGINT;
}

int supervise(const struct supervised *s)
{
	struct parent p = { .s = s };
	sigset_t wanted;
	unsigned pause = PAUSE_FIRST_MS;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	sigprocmask(SIG_BLOCK, &wanted, &p.before);
	p.signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	for (unsigned nth = 0; p.signals >= 0; nth++) {
		int status = 0;
		long began = seconds_now();
		pid_t pid = start(&p, nth);
		if (pid < 0)
			break;
		bool stop = wait_child(&p, pid, &status);
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (stop)
			return 0;
		if (seconds_now() - began >= GOOD_SECONDS)
			pause = PAUSE_FIRST_MS;
		fprintf(stderr,
			"veredus: the server process died of signal %d (%s); starting it again in "
			"%u ms\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)), pause);
		if (pause_ms(&p, pause))
			return 0;
		pause = pause * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : pause * 2;
	}
	fprintf(stderr, "veredus: cannot start the server process: %s\n", strerror(errno));
	return 1;
}
