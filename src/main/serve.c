/* serve.c: The serving process and its signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/serve.h"
#include "base/event.h"
#include "base/mem.h"
#include "main/cli.h"
#include "main/held.h"
#include "main/house.h"
#include "main/supervise.h"
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of all that root may do, binding low ports is kept. */
static bool keep_bind_only(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1u << CAP_NET_BIND_SERVICE,
		.permitted = 1u << CAP_NET_BIND_SERVICE } };
	return syscall(SYS_capset, &head, caps) == 0;
}

/* As root: the data folder becomes the configured user's, and so do we. */
static enum rc drop_root(const struct conf *c, struct fault *why)
{
	if (geteuid() != 0 || c->run_user[0] == '\0')
		return RC_OK;
	struct passwd *pw = getpwnam(c->run_user);
	if (!pw)
		return fault_set(why, FAULT_CONFIG,
			"[server] user = \"%s\": no such user; make it with `useradd --system %s`, "
			"or set another",
			c->run_user, c->run_user);
	if (mkdir(c->data_dir, 0700) == 0 && chown(c->data_dir, pw->pw_uid, pw->pw_gid) != 0)
		return fault_set(why, FAULT_CONFIG, "%s: cannot be given to \"%s\"", c->data_dir,
			c->run_user);
	bool dropped = setgroups(0, NULL) == 0 && setgid(pw->pw_gid) == 0 &&
		       prctl(PR_SET_KEEPCAPS, 1) == 0 && setuid(pw->pw_uid) == 0 &&
		       keep_bind_only();
	return dropped ? RC_OK
		       : fault_set(why, FAULT_CONFIG, "cannot become user \"%s\"", c->run_user);
}

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

static int child(void *arg, unsigned nth)
{
	struct serving *s = arg;
	struct house *h = mem_new(MEM_OTHER, sizeof(*h));
	struct fault why = { 0 };
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
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
	house_close(h);
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
	if (drop_root(conf, &why) != RC_OK) {
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
