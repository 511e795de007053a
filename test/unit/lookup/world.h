/* world.h: Servers that a test starts on free ports of loopback in a folder of its own, and ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_LOOKUP_WORLD_H
#define TEST_UNIT_LOOKUP_WORLD_H

#include "data/data.h"
#include "link/memcached.h"
#include "link/redis.h"
#include "lookup/lookup.h"
#include "run/run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <cmocka.h>

/* Makes this program's folder; it goes at exit, with all servers that still run. */
void world_begin(void);
const char *world_folder(void);

unsigned world_port(void);
/* Waits until `is` holds; fails after 30 s. */
void world_until(bool (*is)(void *arg), void *arg);

struct server {
	pid_t pid;
	unsigned port;
	char args[32][160];
	size_t n;
};
/* Starts what args say, and waits until something listens on its port. */
void server_start(struct server *s);
void server_signal(struct server *s, int sig);
/* Kills it, if it runs, and waits for its end. */
void server_kill(struct server *s);
void server_arg(struct server *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void redis_server(struct server *s, unsigned port);
void memcached_server(struct server *s, unsigned port);
/* A command of redis-cli; its output is in `out` when that is not NULL. */
void redis_cli(unsigned port, const char *command, char *out, size_t room);

/* A store, and the key that all helpers use. */
struct world {
	struct lookup *lookup;
	struct arena a;
	struct fault why;
};
struct lookup_key key_of(enum lookup_prefix prefix, const char *group, const char *name);
/* The value, or "(none)"; fails on another fault. */
struct slice value_of(struct world *w, const struct lookup_key *key);
/* Options for tests: RESP3, short times. */
struct redis_conf redis_options(const char *const *urls, size_t n);

#endif
