/* house.h: All rooms of a running server, made from one configuration, in the order in which mail needs them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_HOUSE_H
#define MAIN_HOUSE_H

#include "conf/conf.h"
#include "net/tls.h"

/* Each .c includes the rooms that it speaks to. */
struct run;
struct house {
	struct conf *conf;
	struct run *run;
	struct data *data;
	struct blob *blob;
	struct dir *dir;
	struct accounts *accounts;
	struct mail *mail;
	struct auth *auth;
	struct tls *tls;
	struct cert_watch *watch;
	struct net *net;
	struct dns *dns;
	struct queue *queue;
	struct post *post;
	struct smtp *smtp;
	struct imap *imap;
	struct admin *admin;
	struct http *http, *metrics;
	struct tls_pair pairs[256];
	size_t pairs_n;
	char self_cert[4096], self_key[4096], spool[4096];
};

/* stores.c */
enum rc house_stores(struct house *h, struct fault *why);
/* house.c: all the rest; listeners take connections from then on. */
enum rc house_open(struct house *h, struct conf *conf, struct fault *why);
/* Listeners close, sessions are told, commits finish; at most the configured time. */
void house_close(struct house *h);
/* SIGHUP: certificates are read again. */
void house_reload(struct house *h);
/* house_web.c: HTTP and metrics. */
enum rc house_web(struct house *h, struct fault *why);
/* first.c: administrator and demo domain of a first start; prints them once. */
enum rc house_first(struct house *h, struct fault *why);

#endif
