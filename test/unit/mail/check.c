/* check.c: The proof of mailboxes: figures that are wrong in a checkpoint are counted anew, and stay right. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/check.h"
#include "blob/upload.h"
#include "groups.h"
#include "mail/change.h"
#include "mail/mail_int.h"
#include "mail/record.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { N = 700 };

static const char text[] = "From: a@b.test\r\nSubject: hi\r\n\r\nhello\r\n";

/* N messages of one content, in one batch. */
static void fill(struct world *w)
{
	struct arena a;
	struct buf frame;
	struct data_batch b;
	struct blob_upload up;
	struct mail_change *ch;
	struct mail_parsed parsed;
	uint32_t uid;
	arena_init(&a, 0);
	buf_init(&frame, 0, NULL);
	data_batch_init(&b, &a);
	blob_upload_init(w->blob, &frame, &up);
	assert_int_equal(blob_upload_add(&up, slice_str(text), &w->why), RC_OK);
	assert_int_equal(blob_upload_end(&up, false, &a, &w->why), RC_OK);
	assert_int_equal(blob_upload_store(&up, &b, &w->why), RC_OK);
	assert_int_equal(mail_record_make(slice_str(text), &up.ref, &a, &parsed), RC_OK);
	assert_int_equal(mail_change_begin(w->ma, &b, &a, &ch, &w->why), RC_OK);
	for (int i = 0; i < N; i++) {
		struct mail_new msg = { .blob = up.ref,
			.record = parsed.record,
			.size = sizeof(text) - 1,
			.received = 1795595889,
			.flags = i % 10 ? 0 : MAIL_SEEN };
		assert_int_equal(mail_change_append(ch, w->box, &msg, &uid, &w->why), RC_OK);
	}
	assert_int_equal(mail_change_end(ch, &w->why), RC_OK);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	mail_change_apply(ch, NULL);
	blob_upload_done(&up, true);
	buf_done(&frame);
	arena_done(&a);
}

struct heard {
	unsigned n;
	char last[256];
};

static void hear(void *ctx, enum check_kind kind, struct slice what)
{
	struct heard *h = ctx;
	assert_int_equal(kind, CHECK_MENDED);
	(void)snprintf(h->last, sizeof(h->last), "%.*s", FMT(what));
	h->n++;
}

static struct heard prove(struct world *w, bool look)
{
	struct heard h = { 0 };
	struct check check = { .data = w->data, .look = look, .tell = hear, .ctx = &h };
	world_reopen(w);
	mail_close(&w->ma); /* nobody has it open */
	assert_int_equal(mail_check(w->mail, &check, &w->why), RC_OK);
	assert_int_equal(mail_open(w->mail, ACCOUNT, &w->ma, &w->why), RC_OK);
	return h;
}

static struct mail_box_info inbox(struct world *w, struct arena *a)
{
	struct mail_box_info info;
	assert_int_equal(mail_box_find(w->ma, S("INBOX"), a, &info), RC_OK);
	return info;
}

static void figures(void **state)
{
	struct world w;
	struct arena a;
	(void)state;
	arena_init(&a, 0);
	world_begin(&w, 2);
	fill(&w);
	assert_int_equal(prove(&w, false).n, 0);
	struct mail_box *box = mail_box_by_id(w.ma, w.box);
	assert_int_equal(mail_box_load(w.ma, w.box, &w.why), RC_OK);
	box->head.exists = 3;
	box->head.unseen = 9;
	box->head.bytes = 1;
	assert_int_equal(mail_checkpoint_now(w.ma, &w.why), RC_OK);
	assert_int_equal(prove(&w, true).n, 1);
	world_reopen(&w);
	assert_int_equal(inbox(&w, &a).unseen, 9); /* it only looked */
	struct heard h = prove(&w, false);
	assert_int_equal(h.n, 1);
	assert_non_null(strstr(h.last, "INBOX holds 700 messages (630 unseen, 0 deleted"));
	assert_int_equal(prove(&w, false).n, 0);
	struct mail_box_info info = inbox(&w, &a);
	assert_int_equal(info.exists, N);
	assert_int_equal(info.unseen, N - N / 10);
	assert_int_equal(info.bytes, N * (sizeof(text) - 1));
	world_end(&w);
	arena_done(&a);
}

int test_check(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(figures) };
	return cmocka_run_group_tests_name("mail: check", tests, NULL, NULL);
}
