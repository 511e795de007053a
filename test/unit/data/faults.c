/* faults.c: Stores that cannot be opened. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "world.h"

static void cannot_open(void **state)
{
	static const struct {
		const char *type, *path;
		enum fault_id id;
	} rows[] = { { "oracle", "/tmp/x", FAULT_CONFIG },
		{ "sqlite", "/nonexistent/folder/db", FAULT_STORE },
		{ "rocksdb", "/nonexistent/folder/db", FAULT_STORE },
		{ "rocksdb", "/dev/null", FAULT_STORE }, { "sqlite", "/", FAULT_STORE } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct data_options o = { .type = rows[i].type, .path = rows[i].path };
		struct data *data = NULL;
		struct fault why = { 0 };
		assert_int_not_equal(data_open(&o, &data, &why), RC_OK);
		assert_null(data);
		assert_int_equal(why.id, rows[i].id);
		assert_true(why.detail[0] != '\0');
	}
}

/* A file of something else is refused, and left as it is. */
static void not_a_database(void **state)
{
	char path[] = "/tmp/veredus-data-XXXXXX", text[32] = "";
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0 && write(fd, "this is no database at all!!", 28) == 28);
	struct data_options o = { .type = "sqlite", .path = path };
	struct data *data = NULL;
	struct fault why = { 0 };
	assert_int_not_equal(data_open(&o, &data, &why), RC_OK);
	assert_int_equal(pread(fd, text, 28, 0), 28);
	assert_string_equal(text, "this is no database at all!!");
	close(fd);
	unlink(path);
}

int test_faults(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cannot_open),
		cmocka_unit_test(not_a_database) };
	return _cmocka_run_group_tests(
		"faults", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
