/* world.h: A store with blobs in it, for the tests of this folder. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_BLOB_WORLD_H
#define TEST_UNIT_BLOB_WORLD_H

#include "blob/blob.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct place_options;
struct world {
	bool files; /* in a place: a folder, or */
	const struct place_options *far; /* this one */
	const struct place_options *cold;
	unsigned depth;
	const char *compression;
	char path[64];
	struct data *data;
	struct blob *blob;
	struct arena a;
	struct fault why;
};

int world_begin(void **state);
int world_end(void **state);
/* Bytes that compress badly in one half of each KiB and well in the other. */
struct slice world_content(struct world *w, size_t len);
/* All that nobody links; how many it was. */
size_t world_purge(struct world *w);
/* Keys in the store; and bytes of their values. */
size_t world_keys(struct world *w, enum data_space space, size_t *bytes);

int test_upload(struct world *w);
int test_orphans(struct world *w);
int test_far(struct world *w);
int test_sharded(void);
int test_archive(struct world *w);

#endif
