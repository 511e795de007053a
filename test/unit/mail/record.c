/* record.c: Message records of every size are read back; cut ones are told as damaged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/record.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct slice make(struct arena *a, size_t subject, struct blob_ref *ref)
{
	struct mail_parsed parsed;
	struct buf m;
	buf_init(&m, 0, a);
	buf_str(&m, "From: a@b.test\r\nSubject: ");
	for (size_t i = 0; i < subject; i++)
		buf_byte(&m, 'x');
	buf_str(&m, "\r\nMessage-ID: <1@b.test>\r\n\r\nbody\r\n");
	blob_ref_of(buf_slice(&m), ref);
	assert_int_equal(mail_record_make(buf_slice(&m), ref, a, &parsed), RC_OK);
	return parsed.record;
}

/* Lengths of one, two and three octets. */
static void reads_every_length(void **state)
{
	static const size_t lengths[] = { 0, 1, 60, 100, 127, 128, 500, 15000, 16384, 40000 };
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct arena a;
		struct blob_ref ref;
		struct mail_record rec;
		arena_init(&a, 0);
		struct slice bytes = make(&a, lengths[i], &ref);
		assert_int_equal(mail_record_read(bytes, &rec), RC_OK);
		assert_int_equal(rec.subject.len, lengths[i]);
		assert_memory_equal(rec.blob.hash, ref.hash, sizeof(ref.hash));
		assert_true(rec.size == ref.size && rec.blob.size == ref.size);
		assert_true(slice_ends(rec.envelope, S(" NIL \"<1@b.test>\")")));
		assert_int_equal(rec.has_fields, lengths[i] < 16000);
		struct mail_part part;
		assert_int_equal(mail_record_part(&rec, S("1"), &part), RC_OK);
		assert_int_equal(part.body_len, 6);
		arena_done(&a);
	}
}

static void cut_is_damaged(void **state)
{
	struct arena a;
	struct blob_ref ref;
	struct mail_record rec;
	(void)state;
	arena_init(&a, 0);
	struct slice bytes = make(&a, 200, &ref);
	for (size_t n = 0; n < bytes.len; n++) {
		struct slice cut;
		assert_int_equal(arena_copy(&a, slice_head(bytes, n), &cut), RC_OK);
		assert_int_equal(mail_record_read(cut, &rec), RC_LOST);
	}
	arena_done(&a);
}

/* Records without it are those of content that came whole, and of earlier versions. */
static void keeps_the_place(void **state)
{
	struct arena a;
	struct blob_ref ref;
	struct mail_record rec;
	struct mail_parsed parsed;
	(void)state;
	arena_init(&a, 0);
	struct slice bytes = make(&a, 200, &ref);
	assert_int_equal(mail_record_read(bytes, &rec), RC_OK);
	assert_true(rec.blob.upload == 0);
	ref.upload = 0x8877665544332211;
	assert_int_equal(mail_record_make(S("Subject: x\r\n\r\n"), &ref, &a, &parsed), RC_OK);
	assert_int_equal(mail_record_read(parsed.record, &rec), RC_OK);
	assert_true(rec.blob.upload == ref.upload);
	assert_int_equal(
		mail_record_read(slice_head(parsed.record, parsed.record.len - 1), &rec), RC_LOST);
	arena_done(&a);
}

int test_record(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_every_length),
		cmocka_unit_test(cut_is_damaged), cmocka_unit_test(keeps_the_place) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
