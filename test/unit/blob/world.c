/* world.c: Making and ending a store of blobs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "blob/place.h"

int world_begin(void **state)
{
	struct world *w = *state;
	struct data_options o = { .type = "memory" };
	(void)snprintf(w->path, sizeof(w->path), "/tmp/veredus-blob-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	struct place_options place = { .kind = PLACE_FILES, .path = w->path, .depth = w->depth };
	struct blob_options bo = { .place = w->far     ? w->far
					    : w->files ? &place
						       : NULL,
		.cold = w->cold,
		.compression = w->compression };
	arena_init(&w->a, 0);
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &bo, &w->blob, &w->why), RC_OK);
	return 0;
}

int world_end(void **state)
{
	struct world *w = *state;
	char cmd[128];
	blob_close(&w->blob);
	data_close(&w->data);
	arena_done(&w->a);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->path);
	return system(cmd);
}

struct slice world_content(struct world *w, size_t len)
{
	uint8_t *at = arena_try(&w->a, len + 1);
	uint32_t x = 12345;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		at[i] = i / 512 % 2 ? 'a' : (uint8_t)(x >> 24);
	}
	return slice_of(at, len);
}

size_t world_purge(struct world *w)
{
	struct blob_cursor cursor = { 0 };
	size_t n = 0;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE)
		rc = blob_purge(w->blob, &cursor, &n, &w->why);
	assert_int_equal(rc, RC_OK);
	return n;
}

struct count {
	size_t keys, bytes;
};

static bool count_one(void *ctx, struct slice key, struct slice value)
{
	struct count *c = ctx;
	(void)key;
	c->keys++;
	c->bytes += value.len;
	return true;
}

size_t world_keys(struct world *w, enum data_space space, size_t *bytes)
{
	struct count c = { 0 };
	struct data_range all = { .space = space };
	assert_int_equal(data_scan(w->data, &all, count_one, &c, &w->why), RC_OK);
	if (bytes)
		*bytes = c.bytes;
	return c.keys;
}
