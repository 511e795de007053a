/* writes.c: How many octets RocksDB writes for one of content. DATA_WRITES=12000x65536 tells the figure for more. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "groups.h"
#include "world.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { COUNT = 1600, SIZE = 65536, FLUSH_EVERY = 16, KEY = 36, MOST_PERCENT = 220 };

/* Octets that this process gave to write() and its like. */
static uint64_t written(void)
{
	char line[100];
	uint64_t n = 0;
	FILE *f = fopen("/proc/self/io", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "wchar: %" SCNu64, &n);
	(void)fclose(f);
	return n;
}

static void put(struct data *data, size_t size, bool lazy)
{
	struct arena a;
	struct data_batch b;
	struct fault why;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	uint8_t *key = arena_try(&a, KEY), *value = arena_try(&a, size);
	random_bytes(key, KEY);
	random_bytes(value, size);
	data_put(&b, DATA_BLOB, slice_of(key, KEY), slice_of(value, size));
	b.lazy = lazy;
	assert_int_equal(data_commit_now(data, &b, &why), RC_OK);
	arena_done(&a);
}

/* Log and body file: with bodies in the tables it would be more with each level. */
static void content_is_not_copied(void **state)
{
	char folder[] = "/tmp/veredus-writes-XXXXXX", path[64], command[80];
	const char *more = getenv("DATA_WRITES");
	size_t count = COUNT, size = SIZE;
	struct data *data;
	struct fault why;
	(void)state;
	if (more)
		assert_int_equal(sscanf(more, "%zux%zu", &count, &size), 2);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/store", folder);
	struct data_options o = { .type = "rocksdb",
		.path = path,
		.cache_bytes = 64 << 20,
		.write_buffer_bytes = 32 << 20,
		.background_jobs = 2 };
	assert_int_equal(data_open(&o, &data, &why), RC_OK);
	uint64_t was = written();
	for (size_t i = 0; i < count; i++)
		put(data, size, i % FLUSH_EVERY != 0);
	data_close(&data);
	uint64_t percent = (written() - was) * 100 / (count * size);
	print_message("%zu x %zu: %" PRIu64 ".%02" PRIu64 " octets written for one\n", count, size,
		percent / 100, percent % 100);
	assert_true(more || percent < MOST_PERCENT);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int test_writes(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(content_is_not_copied) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
