/* serve.c: The serving process and its signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/serve.h"
#include "base/event.h"
#include "base/mem.h"
#include "main/cli.h"
#include "main/held.h"
#include "main/house.h"
#include "main/supervise.h"
#include "main/user.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* What the parent knows, and each child inherits. */
struct serving {
	struct conf *conf;
	const struct conf_ask *ask;
	struct held *held;
};

/* A child that follows a dead one reads the configuration anew: a reload may have changed it. */
static void read_again(struct serving *s)
{
	struct conf *conf = NULL;
	struct buf report;
	buf_init(&report, 0, NULL);
	if (cli_conf(s->ask, &conf, &report) == RC_OK)
		s->conf = conf;
	else
		event_log(EVENT_SERVER_RELOAD_FAILED,
			f_slice("why", slice_head(buf_slice(&report), 200)));
	buf_done(&report);
}

static void hang_up(struct house *h)
{
	struct buf report;
	struct fault why = { 0 };
	buf_init(&report, 0, NULL);
	enum rc rc = house_reload(h, &report, &why);
	(void)rc; /* the event is written */
	buf_done(&report);
}

static void all_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

/* Asked to stop a second time. */
static bool asked_again(void)
{
	const struct timespec now = { 0 };
	sigset_t stop;
	stop_signals(&stop);
	return sigtimedwait(&stop, NULL, &now) > 0;
}

static void cut_off(int signal)
{
	(void)signal;
	_exit(0);
}

static int child(void *arg, unsigned nth)
{
	struct serving *s = arg;
	struct house *h = mem_new(MEM_OTHER, sizeof(*h));
	struct fault why = { 0 };
	sigset_t wanted;
	stop_signals(&wanted);
	sigaddset(&wanted, SIGHUP);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file over its limit is an error of write() */
	all_descriptors();
	if (nth)
		read_again(s);
	h->ask = s->ask;
	h->held = s->held;
	if (house_open(h, s->conf, &why) != RC_OK) {
		fprintf(stderr, "veredus: cannot serve: %s\n", fault_text(&why));
		return 1;
	}
	while (true) {
		int sig = sigwaitinfo(&wanted, NULL);
		if (sig == SIGHUP)
			hang_up(h);
		else if (sig > 0)
			break;
	}
	signal(SIGALRM, cut_off);
	house_close(h, asked_again);
	return 0;
}

static void hear(void *arg)
{
	held_hear(((struct serving *)arg)->held);
}

static void stopping(void *arg)
{
	held_close(((struct serving *)arg)->held);
}

int serve_main(struct conf *conf, const struct conf_ask *ask)
{
	struct fault why = { 0 };
	struct serving s = { .conf = conf, .ask = ask };
	event_setup((enum event_level)conf->log.level, conf->log.format ? EVENT_JSON : EVENT_TEXT);
	if (user_become(conf, &why) != RC_OK) {
		fprintf(stderr, "veredus: %s\n", fault_text(&why));
		return 1;
	}
	s.held = held_new();
	if (held_open(s.held, conf, &why) != RC_OK) {
		fprintf(stderr, "veredus: cannot serve: %s\n", fault_text(&why));
		return 1;
	}
	struct supervised supervised = { .child = child,
		.arg = &s,
		.channel = held_channel(s.held),
		.hear = hear,
		.stopping = stopping };
	return supervise(&supervised);
}
