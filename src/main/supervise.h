/* supervise.h: The small parent: starts the server, starts it again after a crash, passes signals on. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_SUPERVISE_H
#define MAIN_SUPERVISE_H

struct supervised {
	int (*child)(
		void *arg, unsigned nth); /* runs in a process of its own; nth: 0 for the first */
	void *arg;
	/* In the parent: */
	int channel; /* -1: none */
	void (*hear)(void *arg); /* the channel is readable, or a child has ended */
	void (*stopping)(void *arg); /* before the child is told to stop */
};

/* Runs the child and answers its exit status when it ended by itself or by our SIGTERM/SIGINT. A child that dies of a
 * signal is started again after a pause that doubles from 100 ms to 10 s (and falls back after a minute of good
 * service). SIGHUP and SIGUSR1 are passed on. Returns the exit status for main(). */
int supervise(const struct supervised *s);

#endif
