/* world.h: A store in a folder of its own, for one test. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_DATA_WORLD_H
#define TEST_UNIT_DATA_WORLD_H

#include "data/data.h"
#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
	const char *engine;
	char path[64], file[72];
	struct data *data;
	struct arena a;
	struct fault why;
	struct data_batch b;
};

/* On a server of server.h. */
bool world_is_remote(const struct world *w);
int world_begin(void **state);
int world_end(void **state);
void world_open(struct world *w);
/* Commits w->b and begins another. */
enum rc world_commit(struct world *w);
/* The value, or "(none)". */
struct slice world_get(struct world *w, const char *key);
void world_put(struct world *w, const char *key, const char *value);

#endif
