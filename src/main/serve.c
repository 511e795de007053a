/* serve.c: The serving process and its signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/serve.h"
#include "base/event.h"
#include "base/mem.h"
#include "main/house.h"
#include "main/supervise.h"
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
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

static int child(void *arg)
{
	struct conf *conf = arg;
	struct house *h = mem_new(MEM_OTHER, sizeof(*h));
	struct fault why = { 0 };
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (house_open(h, conf, &why) != RC_OK) {
		fprintf(stderr, "veredus: cannot serve: %s\n", fault_text(&why));
		return 1;
	}
	while (true) {
		int sig = sigwaitinfo(&wanted, NULL);
		if (sig == SIGHUP)
			house_reload(h);
		else if (sig > 0)
			break;
	}
	house_close(h);
	return 0;
}

int serve_main(struct conf *conf, const struct conf_ask *ask)
{
	(void)ask;
	struct fault why = { 0 };
	event_setup((enum event_level)conf->log.level, conf->log.format ? EVENT_JSON : EVENT_TEXT);
	if (drop_root(conf, &why) != RC_OK) {
		fprintf(stderr, "veredus: %s\n", fault_text(&why));
		return 1;
	}
	return supervise(child, conf);
}
