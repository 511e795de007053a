/* house.h: All rooms of a running server, made from one configuration, in the order in which mail needs them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_HOUSE_H
#define MAIN_HOUSE_H

#include "conf/conf.h"
#include "base/lock.h"
#include "dns/dns.h"
#include "net/net.h"
#include "net/tls.h"

/* Each .c includes the rooms that it speaks to. */
struct doors;
struct held;
struct run;
struct house {
	struct conf *conf; /* with which it started; `now` has what came later */
	const struct conf_ask *ask; /* how it is read again */
	struct held *held;
	struct run *run;
	struct data *data;
	struct data *lookup_data; /* of the lookup store, when it has one of its own */
	struct lookup *lookup;
	struct blob *blob;
	struct dir *dir;
	struct accounts *accounts;
	struct mail *mail;
	struct auth *auth;
	struct bans *bans;
	struct pop3_locks *pop3_locks;
	struct tls *tls;
	struct cert_watch *watch;
	struct net *net;
	struct dns *dns;
	struct queue *queue;
	struct admin *admin;
	struct admin_web *web;
	struct lock lock; /* one reload at a time; guards `now` */
	struct doors *first, *now;
	char self_cert[4096], self_key[4096];
};

/* stores.c */
enum rc house_stores(struct house *h, struct fault *why);
/* lookups.c: when the run time is there */
enum rc house_lookup(struct house *h, struct fault *why);
/* house.c: all the rest; listeners take connections from then on. `ask` and `held` are set. */
enum rc house_open(struct house *h, struct conf *conf, struct fault *why);
/* Listeners close, sessions are told, transactions finish; at most the configured time, or until `hurry` says so. What was
 * submitted is written. SIGALRM comes when that takes seconds: the process may end at any time. */
void house_close(struct house *h, bool (*hurry)(void));
/* The certificates of a configuration, or one that we make and sign ourselves; they live as long as `c` and `h`. */
enum { HOUSE_PAIRS_MAX = 256 };
enum rc house_pairs(struct house *h, const struct conf *c, struct tls_pair *pairs, size_t *n,
	struct fault *why);
/* reload.c: the configuration is read again: on a fault all stays as it was, and `report` has every fault with its line;
 * else new connections meet the new settings, and an event names each changed one that needs a restart. Any thread. */
enum rc house_reload(struct house *h, struct buf *report, struct fault *why);
/* Connections as many as the configuration allows, or fewer when descriptors would not suffice; then there is an event. */
struct net_limits house_limits(const struct conf *c);
/* What lives as long as the process gets the settings that it can change: auth, queue, caches. */
void house_change(struct house *h, const struct conf *c);
struct dns_conf house_dns(struct house *h, const struct conf *c);
/* Listens as the n-th of the doors' listeners says, on a held socket if there is one. */
enum rc house_listen(struct house *h, const struct doors *doors, size_t n, struct fault *why);
/* memory.c: who keeps memory is made known, and measuring begins. */
enum rc house_memory(struct house *h, struct fault *why);
/* bans.c: opens them, when data and lookup store are there; or they get the terms of another configuration. CONFIG: no network */
enum rc house_bans(struct house *h, const struct conf *c, struct fault *why);
bool house_is_banned(void *house, const uint8_t at[16]);
/* first.c: administrator and demo domain of a first start; prints them once. */
enum rc house_first(struct house *h, struct fault *why);

#endif
