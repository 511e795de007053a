/* world.h: All rooms below post/ over a store in memory, with a domain and people in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_POST_WORLD_H
#define TEST_UNIT_POST_WORLD_H

#include "auth/auth.h"
#include "dns/dns.h"
#include "mail/mail.h"
#include "net/net.h"
#include "post/post.h"
#include "queue/queue.h"
#include "run/run.h"

/* example.org: ann (alias al, password "secret", administrator), bob (quota 2000), staff (a group of both), news (a
 * list of ann and far@far.test). With `queue` false nothing is relayed; else mail for far.test stays queued, since the
 * DNS fails for it. */
struct world {
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct net *net;
	struct dns *dns;
	struct dir *dir;
	struct accounts *accounts;
	struct mail *mail;
	struct queue *queue;
	struct auth *auth;
	struct post *post;
	uint32_t ann, bob;
	struct arena a;
	struct fault why;
};

void world_begin(struct world *w, bool queue);
void world_end(struct world *w);
/* The text of the n-th message (from 1) in an account's INBOX, in w->a; empty: there is none. */
struct slice world_text(struct world *w, uint32_t account, uint32_t n);
uint64_t world_count(struct world *w, uint32_t account);

#endif
