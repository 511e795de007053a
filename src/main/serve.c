/* serve.c: The serving process and its signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/serve.h"
#include "base/event.h"
#include "main/house.h"
#include "main/supervise.h"
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

/* As root, to the configured user, once the folder is there; what is bound stays bound. */
static enum rc drop_root(const struct conf *c, struct fault *why)
{
	if (geteuid() != 0 || c->run_user[0] == '\0')
		return RC_OK;
	struct passwd *pw = getpwnam(c->run_user);
	if (!pw)
		return fault_set(why, FAULT_CONFIG, "[server] run-as user \"%s\": no such user",
			c->run_user);
	if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
		return fault_set(why, FAULT_CONFIG, "cannot become user \"%s\"", c->run_user);
	return RC_OK;
}

static int child(void *arg)
{
	struct conf *conf = arg;
	struct house *h = calloc(1, sizeof(*h));
	struct fault why = { 0 };
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!h || house_open(h, conf, &why) != RC_OK) {
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
