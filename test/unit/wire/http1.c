/* http1.c: Heads of HTTP/1 and chunked bodies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http1.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *text;
	enum rc rc;
	enum http1_framing framing;
	bool keep;
} requests[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\nX", RC_OK, HTTP1_NO_BODY, true },
	{ "\r\nGET / HTTP/1.0\r\n\r\nX", RC_OK, HTTP1_NO_BODY, false },
	{ "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nX", RC_OK,
		HTTP1_LENGTH, false },
	{ "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nX", RC_OK,
		HTTP1_CHUNKED, true },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nX", RC_OK, HTTP1_NO_BODY, true },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", RC_MORE, 0, false },
	{ "GET / HTTP/1.1\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\nHost: a\n\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", RC_BAD, 0,
		false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", RC_BAD, 0, false },
	{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", RC_DENIED, 0, false },
	{ "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RC_BAD, 0, false },
};

static void reads_requests(void **)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct slice in = slice_str(requests[i].text);
		struct http1_head head;
		assert_int_equal(http1_request_parse(&in, 1000, NULL, &a, &head), requests[i].rc);
		if (requests[i].rc != RC_OK)
			continue;
		assert_int_equal(head.framing, requests[i].framing);
		assert_int_equal(head.keep, requests[i].keep);
		assert_true(slice_eq(in, S("X")));
	}
	struct slice in = S("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct http1_head head;
	assert_int_equal(http1_request_parse(&in, 10, NULL, &a, &head), RC_LIMIT);
	arena_done(&a);
}

static void reads_responses(void **)
{
	struct arena a;
	struct http1_head head;
	arena_init(&a, 0);
	struct slice in = S("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
	assert_int_equal(http1_response_parse(&in, 1000, false, &a, &head), RC_OK);
	assert_true(head.status == 200 && head.length == 3 && head.framing == HTTP1_LENGTH);
	in = S("HTTP/1.1 200 \r\n\r\n");
	assert_int_equal(http1_response_parse(&in, 1000, false, &a, &head), RC_OK);
	assert_int_equal(head.framing, HTTP1_TO_CLOSE);
	in = S("HTTP/1.1 20 OK\r\n\r\n");
	assert_int_equal(http1_response_parse(&in, 1000, false, &a, &head), RC_BAD);
	arena_done(&a);
}

/* Whole, and an octet at a time. */
static void chunked(struct slice all, size_t step, enum rc end, struct slice body)
{
	struct http1_chunked c = { 0 };
	struct buf got;
	enum rc rc = RC_MORE;
	buf_init(&got, 0, NULL);
	while (all.len && rc == RC_MORE) {
		struct slice in = slice_head(all, step), data;
		size_t before = in.len;
		while ((rc = http1_chunked_next(&c, &in, &data)) == RC_OK)
			buf_add(&got, data);
		all = slice_tail(all, before - in.len);
	}
	assert_int_equal(rc, end);
	if (end == RC_NONE)
		assert_true(slice_eq(buf_slice(&got), body) && slice_eq(all, S("X")));
	buf_done(&got);
}

static void reads_chunks(void **)
{
	const struct slice good = S("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\nX");
	chunked(good, good.len, RC_NONE, S("abc0123456789"));
	chunked(good, 1, RC_NONE, S("abc0123456789"));
	chunked(S("3\nabc\r\n"), 1, RC_BAD, S(""));
	chunked(S("3\r\nabcd\r\n"), 1, RC_BAD, S(""));
	chunked(S("FFFFFFFFFFFFFFFFF\r\n"), 1, RC_BAD, S(""));
	chunked(S("0\r\n\r\nX"), 2, RC_NONE, S(""));
}

static void unescapes(void **)
{
	struct arena a;
	struct slice out;
	arena_init(&a, 0);
	assert_int_equal(http1_unescape(S("a%20b+c"), true, &a, &out), RC_OK);
	assert_true(slice_eq(out, S("a b c")));
	assert_int_equal(http1_unescape(S("%0"), false, &a, &out), RC_BAD);
	assert_int_equal(http1_unescape(S("%00"), false, &a, &out), RC_BAD);
	arena_done(&a);
}

int test_http1(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_requests),
		cmocka_unit_test(reads_responses),
		cmocka_unit_test(reads_chunks),
		cmocka_unit_test(unescapes),
	};
	return cmocka_run_group_tests_name("wire/http1", tests, NULL, NULL);
}
