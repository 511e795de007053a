/* sigv4.c: The documented examples of AWS Signature Version 4 and of Azure's Shared Key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/shared_key.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
enum { MAY_24_2013 = 1369353600, AUGUST_30_2015 = 1440938160 };

static void signs(const struct sigv4 *r, const char *names, const char *signature)
{
	struct buf out, want;
	buf_init(&out, 0, NULL);
	buf_init(&want, 0, NULL);
	sigv4_authorization(r, &out);
	buf_fmt(&want, "SignedHeaders=%s,Signature=%s", names, signature);
	assert_true(slice_starts(buf_slice(&out), S("AWS4-HMAC-SHA256 Credential=")));
	buf_byte(&out, 0);
	buf_byte(&want, 0);
	const char *at = strchr((const char *)out.at, ',');
	assert_non_null(at);
	assert_string_equal(at + 1, (const char *)want.at);
	buf_done(&out);
	buf_done(&want);
}

static struct sigv4 s3(const char *method, const char *path)
{
	return (struct sigv4){ .access_key = S("AKIAIOSFODNN7EXAMPLE"),
		.secret_key = S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
		.region = S("us-east-1"),
		.service = S("s3"),
		.method = slice_str(method),
		.path = slice_str(path),
		.payload = S(EMPTY),
		.time = MAY_24_2013 };
}

/* "Examples: Signature Calculations" of the Amazon S3 API reference. */
static void s3_examples(void **state)
{
	(void)state;
	struct sigv4_pair headers[] = { { S("x-amz-date"), S("20130524T000000Z") },
		{ S("x-amz-content-sha256"), S(EMPTY) },
		{ S("host"), S("examplebucket.s3.amazonaws.com") },
		{ S("range"), S("bytes=0-9") } };
	struct sigv4 r = s3("GET", "/test.txt");
	r.headers = headers;
	r.headers_n = 4;
	signs(&r, "host;range;x-amz-content-sha256;x-amz-date",
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	r = s3("GET", "/");
	r.headers = headers;
	r.headers_n = 3;
	struct sigv4_pair lifecycle = { S("lifecycle"), S("") };
	r.query = &lifecycle;
	r.query_n = 1;
	signs(&r, "host;x-amz-content-sha256;x-amz-date",
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	struct sigv4_pair list[] = { { S("prefix"), S("J") }, { S("max-keys"), S("2") } };
	r.query = list;
	r.query_n = 2;
	signs(&r, "host;x-amz-content-sha256;x-amz-date",
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void s3_put(void **state)
{
	(void)state;
	struct slice hash = S("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
	struct sigv4_pair headers[] = { { S("date"), S("Fri, 24 May 2013 00:00:00 GMT") },
		{ S("host"), S("examplebucket.s3.amazonaws.com") },
		{ S("x-amz-content-sha256"), hash }, { S("x-amz-date"), S("20130524T000000Z") },
		{ S("x-amz-storage-class"), S("REDUCED_REDUNDANCY") } };
	struct sigv4 r = s3("PUT", "/test$file.text");
	r.headers = headers;
	r.headers_n = 5;
	r.payload = hash;
	signs(&r, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

/* get-vanilla and get-vanilla-query-order-key-case of the suite, and the example of the General Reference. */
static void general_examples(void **state)
{
	(void)state;
	struct sigv4_pair headers[] = { { S("host"), S("example.amazonaws.com") },
		{ S("x-amz-date"), S("20150830T123600Z") } };
	struct sigv4 r = { .access_key = S("AKIDEXAMPLE"),
		.secret_key = S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		.region = S("us-east-1"),
		.service = S("service"),
		.method = S("GET"),
		.path = S("/"),
		.headers = headers,
		.headers_n = 2,
		.payload = S(EMPTY),
		.time = AUGUST_30_2015 };
	signs(&r, "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	struct sigv4_pair query[] = { { S("Param2"), S("value2") }, { S("Param1"), S("value1") } };
	r.query = query;
	r.query_n = 2;
	signs(&r, "host;x-amz-date",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
	struct sigv4_pair iam[] = { { S("Action"), S("ListUsers") },
		{ S("Version"), S("2010-05-08") } };
	struct sigv4_pair iam_headers[] = {
		{ S("content-type"), S("application/x-www-form-urlencoded; charset=utf-8") },
		{ S("host"), S("iam.amazonaws.com") }, { S("x-amz-date"), S("20150830T123600Z") }
	};
	r.service = S("iam");
	r.query = iam;
	r.headers = iam_headers;
	r.headers_n = 3;
	signs(&r, "content-type;host;x-amz-date",
		"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void canonical_forms(void **state)
{
	(void)state;
	struct buf out;
	struct sigv4_pair query[] = { { S("b"), S("x y") }, { S("a+"), S("") }, { S("a"), S("2") },
		{ S("a"), S("1/~") } };
	struct sigv4_pair headers[] = { { S("x-b"), S("  a   b  c ") }, { S("host"), S("h") } };
	struct sigv4 r = s3("GET", "/a b/\xc3\xbc");
	r.query = query;
	r.query_n = 4;
	r.headers = headers;
	r.headers_n = 2;
	buf_init(&out, 0, NULL);
	sigv4_canonical(&r, &out);
	assert_true(slice_eq(
		buf_slice(&out), S("GET\n/a%20b/%C3%BC\na=1%2F~&a=2&a%2B=&b=x%20y\nhost:h\nx-b:a b "
				   "c\n\nhost;x-b\n" EMPTY)));
	buf_done(&out);
}

/* The strings to sign of "Authorize with Shared Key". */
static void shared_key_examples(void **state)
{
	(void)state;
	struct buf out;
	struct sigv4_pair query[] = { { S("timeout"), S("20") }, { S("restype"), S("container") },
		{ S("comp"), S("metadata") } };
	struct sigv4_pair headers[] = { { S("x-ms-version"), S("2015-02-21") },
		{ S("content-length"), S("0") },
		{ S("x-ms-date"), S("Fri, 26 Jun 2015 23:39:12 GMT") } };
	struct shared_key r = { .account = S("myaccount"),
		.key = S("key"),
		.method = S("GET"),
		.path = S("/mycontainer"),
		.query = query,
		.query_n = 3,
		.headers = headers,
		.headers_n = 3 };
	buf_init(&out, 0, NULL);
	shared_key_text(&r, &out);
	assert_true(slice_eq(buf_slice(&out),
		S("GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
		  "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\n"
		  "restype:container\ntimeout:20")));
	buf_reset(&out);
	shared_key_authorization(&r, &out);
	assert_true(slice_starts(buf_slice(&out), S("SharedKey myaccount:")));
	assert_int_equal(out.len, 20 + 44);
	buf_done(&out);
}

int test_sigv4(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(s3_examples), cmocka_unit_test(s3_put),
		cmocka_unit_test(general_examples), cmocka_unit_test(canonical_forms),
		cmocka_unit_test(shared_key_examples) };
	return cmocka_run_group_tests_name("signatures of object stores", tests, NULL, NULL);
}
