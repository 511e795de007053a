/* object_xml.c: Answers of S3 and Azure as their documentation prints them, and what is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "text/object_xml.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static enum rc read(const char *text, struct arena *a, struct object_xml *out)
{
	return object_xml_parse(slice_str(text), a, out);
}

static void errors(void **state)
{
	struct arena a;
	struct object_xml x;
	(void)state;
	arena_init(&a, 0);
	assert_int_equal(
		read("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
		     "<Message>The resource you requested does not exist</Message>"
		     "<Resource>/mybucket/myfoto.jpg</Resource><RequestId>4442587FB7D0A2F9"
		     "</RequestId></Error>",
			&a, &x),
		RC_OK);
	assert_true(x.is_error && slice_eq(x.code, S("NoSuchKey")));
	assert_true(slice_eq(x.message, S("The resource you requested does not exist")));
	/* of Azure, behind blanks that kept the connection */
	assert_int_equal(
		read(" \r\n <?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>It is "
		     "&lt;gone&gt;\nTime:2026</Message></Error>",
			&a, &x),
		RC_OK);
	assert_true(x.is_error && slice_eq(x.message, S("It is <gone>\nTime:2026")));
	arena_done(&a);
}

static void multipart(void **state)
{
	struct arena a;
	struct object_xml x;
	(void)state;
	arena_init(&a, 0);
	assert_int_equal(read("<InitiateMultipartUploadResult "
			      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			      "<Bucket>b</Bucket><Key>k</Key><UploadId> VXBsb2FkIElE </UploadId>"
			      "</InitiateMultipartUploadResult>",
				 &a, &x),
		RC_OK);
	assert_true(!x.is_error && slice_eq(x.upload_id, S("VXBsb2FkIElE")));
	assert_int_equal(read("<s3:CompleteMultipartUploadResult "
			      "xmlns:s3=\"x\"><s3:ETag>&quot;3858f62230ac3c915f300c"
			      "664312c11f-9&quot;</s3:ETag></s3:CompleteMultipartUploadResult>",
				 &a, &x),
		RC_OK);
	assert_true(slice_eq(x.etag, S("\"3858f62230ac3c915f300c664312c11f-9\"")));
	arena_done(&a);
}

static void uploads(void **state)
{
	struct arena a;
	struct object_xml x;
	struct buf b;
	(void)state;
	arena_init(&a, 0);
	buf_init(&b, 0, NULL);
	buf_str(&b, "<ListMultipartUploadsResult><Bucket>b</Bucket><NextKeyMarker>z</NextKeyMarker>"
		    "<IsTruncated>true</IsTruncated>");
	for (int i = 0; i < 40; i++)
		buf_fmt(&b,
			"<Upload><Key>k%d</Key><Initiator><ID>i</ID><Key>no</Key></Initiator>"
			"<UploadId>u%d</UploadId></Upload>",
			i, i);
	buf_str(&b, "</ListMultipartUploadsResult>");
	assert_int_equal(object_xml_parse(buf_slice(&b), &a, &x), RC_OK);
	assert_true(x.is_cut && x.n == 40);
	assert_true(slice_eq(x.uploads[39].key, S("k39")) && slice_eq(x.uploads[39].id, S("u39")));
	buf_done(&b);
	arena_done(&a);
}

static void refused(void **state)
{
	static const char *const bad[] = { "", "nothing", "<a>", "<a></b>", "<a/><b/>",
		"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a>&unknown;</a>", "<a\001/>",
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></"
		"a></a></a></a></a></a>"
		"</a></a></a></a>" };
	struct arena a;
	struct object_xml x;
	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read(bad[i], &a, &x), RC_BAD);
	struct buf b;
	buf_init(&b, 0, NULL);
	buf_str(&b, "<Error><Code>");
	for (int i = 0; i <= OBJECT_XML_TEXT; i++)
		buf_byte(&b, 'x');
	buf_str(&b, "</Code></Error>");
	assert_int_equal(object_xml_parse(buf_slice(&b), &a, &x), RC_LIMIT);
	buf_reset(&b);
	buf_str(&b, "<r>");
	for (int i = 0; i <= OBJECT_XML_UPLOADS; i++)
		buf_str(&b, "<Upload/>");
	buf_str(&b, "</r>");
	assert_int_equal(object_xml_parse(buf_slice(&b), &a, &x), RC_LIMIT);
	buf_done(&b);
	arena_done(&a);
}

int test_object_xml(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(errors), cmocka_unit_test(multipart),
		cmocka_unit_test(uploads), cmocka_unit_test(refused) };
	return cmocka_run_group_tests_name("XML of object stores", tests, NULL, NULL);
}
