/* supervise.c: The small parent of the serving process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/supervise.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_FIRST_MS = 100, PAUSE_MOST_MS = 10000, GOOD_SECONDS = 60 };

static pid_t start(int (*child)(void *arg), void *arg, const sigset_t *before)
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
	sigprocmask(SIG_SETMASK, before, NULL);
	_exit(child(arg));
}

static long seconds_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Waits for the child's end, passing signals on. True: we were asked to stop. */
static bool wait_child(pid_t pid, const sigset_t *wanted, int *status)
{
	bool stop = false;
	while (true) {
		int sig = sigwaitinfo(wanted, NULL);
		if (sig == SIGTERM || sig == SIGINT)
			stop = true;
		if (sig > 0 && sig != SIGCHLD)
			kill(pid, sig == SIGINT ? SIGTERM : sig);
		if (waitpid(pid, status, WNOHANG) == pid)
			return stop;
	}
}

/* True: a signal to stop came during the pause. */
static bool pause_ms(unsigned ms, const sigset_t *wanted)
{
	struct timespec ts = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	int sig = sigtimedwait(wanted, NULL, &ts);
	return sig == SIGTERM || sig == SIGINT;
}

int supervise(int (*child)(void *arg), void *arg)
{
	sigset_t wanted, before;
	unsigned pause = PAUSE_FIRST_MS;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	while (true) {
		int status = 0;
		long began = seconds_now();
		pid_t pid = start(child, arg, &before);
		if (pid < 0) {
			fprintf(stderr, "veredus: cannot start the server process: %s\n",
				strerror(errno));
			return 1;
		}
		bool stop = wait_child(pid, &wanted, &status);
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
		if (pause_ms(pause, &wanted))
			return 0;
		pause = pause * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : pause * 2;
	}
}
