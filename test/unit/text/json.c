/* json.c: JSON there and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"
#include "text/json_read.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void writes(void **state)
{
	(void)state;
	struct buf out;
	struct json j;
	buf_init(&out, 0, NULL);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_u64(&j, "a", 1);
	json_array(&j, "b");
	json_str(&j, NULL, "x\"\n\x01");
	json_bool(&j, NULL, true);
	json_object(&j, NULL);
	json_end(&j);
	json_end(&j);
	json_key(&j, S("k"));
	json_i64(&j, NULL, -5);
	json_slice(&j, "bad", S("a\xff"));
	json_null(&j, "n");
	json_end(&j);
	buf_byte(&out, 0);
	assert_string_equal((char *)out.at, "{\"a\":1,\"b\":[\"x\\\"\\n\\u0001\",true,{}],\"k\":-5,"
					    "\"bad\":\"a\xef\xbf\xbd\",\"n\":null}");
	buf_done(&out);
}

static const char *const bad[] = { "", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", "+1",
	"\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"a", "\"\x01\"", "nul", "1 2",
	"{\"a\":1,\"a\":2}", "[1 2]", "\"\xff\"", "-", "1e", "]" };

static void reads(void **state)
{
	(void)state;
	struct arena a;
	const struct json_item *top;
	struct fault why;
	uint64_t n;
	arena_init(&a, 0);
	struct slice text = S(" {\"s\":\"a\\u00e9\\ud83d\\ude00\\/\", \"n\": 42, \"f\":-1.5e3, "
			      "\"t\":true, \"l\":[1,[],null]} ");
	assert_int_equal(json_read(text, 8, &a, &top, &why), RC_OK);
	assert_true(slice_eq(json_read_str(top, S("s")), S("a\xc3\xa9\xf0\x9f\x98\x80/")));
	assert_int_equal(json_read_u64(top, S("n"), &n), RC_OK);
	assert_int_equal(n, 42);
	assert_int_equal(json_read_u64(top, S("f"), &n), RC_BAD);
	assert_int_equal(json_read_u64(top, S("x"), &n), RC_NONE);
	assert_true(json_read_bool(top, S("t")));
	assert_int_equal(json_read_get(top, S("l"))->n, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(json_read(slice_str(bad[i]), 8, &a, &top, &why), RC_BAD);
	assert_int_equal(json_read(S("[[[[1]]]]"), 3, &a, &top, &why), RC_LIMIT);
	arena_done(&a);
}

int test_json(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(writes), cmocka_unit_test(reads) };
	return cmocka_run_group_tests_name("text json", tests, NULL, NULL);
}
