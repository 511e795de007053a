/* admin.h: The control socket and the commands behind it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "auth/auth.h"
#include "dir/dir.h"
#include "lookup/lookup.h"
#include "mail/mail.h"
#include "net/net.h"
#include "queue/queue.h"

struct admin_deps {
	struct run *run;
	struct net *net;
	struct data *data;
	struct lookup *lookup;
	struct bans *bans;
	struct dir *dir;
	struct mail *mail;
	struct queue *queue;
	const char *version;
	int64_t started; /* unix seconds */
	/* Renders the configuration in force: what `veredus config list` shows. */
	void (*config)(void *arg, bool json, struct buf *out);
	/* Reads the configuration again; on a fault `report` has all faults with their lines, and the old one stays. */
	enum rc (*reload)(void *arg, struct buf *report, struct fault *why);
	void *arg;
};

/* One request as words, the secret that came on standard input, and the answer. */
struct admin_call {
	const struct admin_deps *deps;
	struct arena *arena;
	const struct slice *words; /* after "veredus", options taken out */
	size_t n;
	const struct slice *options; /* "--name=value" without the dashes, in order */
	size_t options_n;
	struct slice secret;
	bool json;
	bool is_told; /* `out` has the reason too, when it fails */
	struct buf *out;
};

/* Runs it. RC_BAD with CONFIG-free text: usage. The answer's text is in call->out. */
enum rc admin_run(struct admin_call *call, struct fault *why);
/* What "veredus --help" says about the commands here: a line for each, or only those of a word, or of word and verb.
 * Returns how many there are. */
size_t admin_usage(struct slice word, struct slice verb, struct buf *out);

/* The socket, served by a thread of its own, which never holds a seat: it answers when all workers wait for a store.
 * Allowed: root and our own user, by the peer's credentials. CONFIG: it cannot be made. */
struct admin;
enum rc admin_start(
	const struct admin_deps *deps, const char *path, struct admin **out, struct fault *why);
void admin_stop(struct admin **admin);

/* Does a server listen there? */
bool admin_answers(const char *path);
/* The client's side, for the command line: sends words and secret, prints the answer on stdout or stderr. Returns the
 * exit status; -1: nobody listens there. */
int admin_call(const char *path, char *const *words, size_t n, struct slice secret);

#endif
