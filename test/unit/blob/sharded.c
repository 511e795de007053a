/* sharded.c: Content over several folders: spread evenly, and found when a shard comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/place.h"
#include "world.h"
#include <sys/stat.h>

enum { MANY = 600, SHARDS = 4 };

struct folders {
	char root[64], paths[SHARDS][80];
	struct place_options shards[SHARDS];
	const struct place_options *list[SHARDS];
	struct place_options whole;
};

static void begin(struct folders *f, bool modulo)
{
	static const char *const names[SHARDS] = { "one", "two", "three", "four" };
	char root[] = "/tmp/veredus-shards-XXXXXX";
	assert_non_null(mkdtemp(root));
	memcpy(f->root, root, sizeof(root));
	for (int i = 0; i < SHARDS; i++) {
		(void)snprintf(f->paths[i], sizeof(f->paths[i]), "%s/%d", root, i);
		f->shards[i] = (struct place_options){
			.kind = PLACE_FILES, .name = names[i], .path = f->paths[i]
		};
		f->list[i] = &f->shards[i];
	}
	f->whole = (struct place_options){
		.kind = PLACE_SHARDED, .name = "whole", .shards = f->list, .modulo = modulo
	};
}

static void end(struct folders *f)
{
	char cmd[128];
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->root);
	assert_int_equal(system(cmd), 0);
}

static struct place *open_first(struct folders *f, size_t n)
{
	struct fault why;
	struct place *p;
	f->whole.shards_n = n;
	assert_int_equal(place_open(&f->whole, &p, &why), RC_OK);
	return p;
}

static struct place_name name_of(uint64_t i)
{
	return (struct place_name){ .upload = i * 0x9e3779b97f4a7c15u, .born = 7 };
}

static size_t count(struct folders *f, int shard)
{
	char cmd[200], line[32] = "";
	(void)snprintf(cmd, sizeof(cmd), "find '%s' -type f | wc -l", f->paths[shard]);
	FILE *p = popen(cmd, "r");
	assert_non_null(p);
	assert_non_null(fgets(line, sizeof(line), p));
	(void)pclose(p);
	return (size_t)strtoul(line, NULL, 10);
}

static void put_all(struct place *p, uint64_t from, uint64_t to)
{
	struct fault why;
	for (uint64_t i = from; i < to; i++) {
		struct place_name name = name_of(i);
		struct place_bytes bytes = {
			.at = (const uint8_t *)&name.upload, .fd = -1, .len = 8
		};
		assert_int_equal(place_put(p, &name, &bytes, &why), RC_OK);
	}
}

static void all_are_there(struct place *p, uint64_t to)
{
	struct fault why;
	struct place_range eight = { 0, 8 };
	for (uint64_t i = 0; i < to; i++) {
		struct arena a;
		struct slice got;
		struct place_name name = name_of(i);
		arena_init(&a, 0);
		assert_int_equal(place_get(p, &name, &eight, &a, &got, &why), RC_OK);
		assert_memory_equal(got.at, &name.upload, 8);
		arena_done(&a);
	}
}

static void grows(bool modulo)
{
	struct folders f;
	struct fault why;
	begin(&f, modulo);
	struct place *p = open_first(&f, 3);
	put_all(p, 0, MANY);
	for (int i = 0; i < 3; i++)
		assert_in_range(count(&f, i), MANY / 5, MANY / 2);
	place_close(&p);
	p = open_first(&f, 4);
	all_are_there(p, MANY);
	put_all(p, MANY, 2 * MANY);
	assert_in_range(count(&f, 3), MANY / 6, MANY / 3);
	all_are_there(p, 2 * MANY);
	for (uint64_t i = 0; i < 2 * MANY; i++) {
		struct place_name name = name_of(i);
		assert_int_equal(place_remove(p, &name, true, &why), RC_OK);
	}
	for (int i = 0; i < SHARDS; i++)
		assert_int_equal(count(&f, i), 0);
	place_close(&p);
	end(&f);
}

static void by_rendezvous(void **state)
{
	(void)state;
	grows(false);
}

static void by_modulo(void **state)
{
	(void)state;
	grows(true);
}

/* Whose first shard was one of three has it there still, unless the new one took it. */
static void moves_only_its_share(void **state)
{
	struct folders f;
	size_t before[3], after = 0;
	(void)state;
	begin(&f, false);
	struct place *p = open_first(&f, 3);
	put_all(p, 0, MANY);
	for (int i = 0; i < 3; i++)
		before[i] = count(&f, i);
	place_close(&p);
	end(&f);
	begin(&f, false);
	p = open_first(&f, 4);
	put_all(p, 0, MANY);
	for (int i = 0; i < 3; i++) {
		assert_true(count(&f, i) <= before[i]);
		after += count(&f, i);
	}
	assert_int_equal(after + count(&f, 3), MANY);
	place_close(&p);
	end(&f);
}

int test_sharded(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(by_rendezvous),
		cmocka_unit_test(by_modulo), cmocka_unit_test(moves_only_its_share) };
	return cmocka_run_group_tests_name("sharded over folders", tests, NULL, NULL);
}
