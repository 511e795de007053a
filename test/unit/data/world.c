/* world.c: Opening and closing a store for one test. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "server.h"

bool world_is_remote(const struct world *w)
{
	return strcmp(w->engine, "postgresql") == 0 || strcmp(w->engine, "mysql") == 0;
}

void world_open(struct world *w)
{
	struct data_options options = { .type = w->engine,
		.path = w->file,
		.cache_bytes = 1 << 20,
		.write_buffer_bytes = 1 << 20,
		.server = world_is_remote(w) ? server_at() : NULL };
	assert_int_equal(data_open(&options, &w->data, &w->why), RC_OK);
	assert_string_equal(data_type(w->data), w->engine);
}

int world_begin(void **state)
{
	struct world *w = *state;
	(void)snprintf(w->path, sizeof(w->path), "/tmp/veredus-data-%d-XXXXXX", getpid());
	assert_non_null(mkdtemp(w->path));
	(void)snprintf(w->file, sizeof(w->file), "%s/db", w->path);
	if (world_is_remote(w))
		server_do("wipe");
	world_open(w);
	arena_init(&w->a, 0);
	data_batch_init(&w->b, &w->a);
	return 0;
}

int world_end(void **state)
{
	struct world *w = *state;
	char cmd[128];
	data_close(&w->data);
	arena_done(&w->a);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->path);
	return system(cmd);
}

enum rc world_commit(struct world *w)
{
	enum rc rc = data_commit_now(w->data, &w->b, &w->why);
	data_batch_init(&w->b, &w->a);
	return rc;
}

struct slice world_get(struct world *w, const char *key)
{
	struct slice value;
	enum rc rc = data_get(w->data, DATA_MAIN, slice_str(key), &w->a, &value, &w->why);
	if (rc == RC_NONE)
		return S("(none)");
	assert_int_equal(rc, RC_OK);
	return value;
}

void world_put(struct world *w, const char *key, const char *value)
{
	data_put(&w->b, DATA_MAIN, slice_str(key), slice_str(value));
}
