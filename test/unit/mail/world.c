/* world.c: Opens and closes the rooms below mail/. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "mail/record.h"
#include "run/run.h"
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

void world_reopen(struct world *w)
{
	struct arena a;
	struct mail_box_info info;
	mail_close(&w->ma);
	mail_free(&w->mail);
	w->mail = mail_new(&(struct mail_deps){ .accounts = w->accounts,
		.data = w->data,
		.blob = w->blob,
		.run = w->run,
		.cache_bytes = w->cache_bytes });
	assert_int_equal(mail_open(w->mail, ACCOUNT, &w->ma, &w->why), RC_OK);
	arena_init(&a, 0);
	assert_int_equal(mail_box_find(w->ma, S("INBOX"), &a, &info), RC_OK);
	w->box = info.id;
	arena_done(&a);
}

void world_begin(struct world *w, unsigned seats)
{
	world_begin_small(w, seats, 0);
}

void world_begin_small(struct world *w, unsigned seats, size_t cache_bytes)
{
	*w = (struct world){ .cache_bytes = cache_bytes };
	assert_int_equal(
		data_open(&(struct data_options){ .type = "memory" }, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &(struct blob_options){ 0 }, &w->blob, &w->why), RC_OK);
	w->run = run_new(&(struct run_conf){ .seats = seats });
	run_start(w->run);
	w->accounts = accounts_new(&(struct accounts_deps){ .data = w->data, .run = w->run });
	world_reopen(w);
}

void world_end(struct world *w)
{
	mail_close(&w->ma);
	run_free(&w->run); /* background jobs first: they hold the account */
	mail_free(&w->mail);
	accounts_free(&w->accounts);
	blob_close(&w->blob);
	data_close(&w->data);
}

void world_change(struct world *w, world_edit_fn *edit, void *arg, struct mail_view *self)
{
	struct arena a;
	struct data_batch b;
	struct mail_change *ch;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	assert_int_equal(mail_change_begin(w->ma, &b, &a, &ch, &w->why), RC_OK);
	edit(w, ch, arg);
	assert_int_equal(mail_change_end(ch, &w->why), RC_OK);
	assert_int_equal(data_commit_now(w->data, &b, &w->why), RC_OK);
	mail_change_apply(ch, self);
	arena_done(&a);
}

size_t world_read(struct world *w, struct mail_view *v, uint32_t from, struct mail_entry *entries,
	uint32_t *seqs, size_t max)
{
	struct mail_reading r = { .from = from, .entries = entries, .seqs = seqs, .max = max };
	assert_int_equal(mail_view_read(v, &r, &w->why), RC_OK);
	return r.n;
}

void world_add(struct world *w, struct mail_change *ch, void *arg)
{
	static const char text[] =
		"From: a@b.test\r\nSubject: hi\r\nMessage-ID: <x@b.test>\r\n\r\nhello\r\n";
	struct world_adding *ad = arg;
	struct arena a;
	struct mail_parsed parsed;
	struct blob_ref ref;
	uint32_t uid;
	arena_init(&a, 0);
	blob_ref_of(slice_str(text), &ref);
	assert_int_equal(mail_record_make(slice_str(text), &ref, &a, &parsed), RC_OK);
	for (size_t i = 0; i < ad->n; i++) {
		struct mail_new msg = { .blob = ref,
			.record = parsed.record,
			.size = sizeof(text) - 1,
			.received = 1795595889,
			.flags = ad->flags,
			.msgid_hash = ad->first_id ? ad->first_id + i : 0 };
		assert_int_equal(mail_change_append(ch, ad->box, &msg, &uid, &w->why), RC_OK);
	}
	arena_done(&a);
}

static void post_done(void *arg)
{
	sem_post(arg);
}

/* Background jobs run one after the other: when one more has run, the checkpoints before it are done. */
void world_jobs(struct world *w)
{
	sem_t done;
	sem_init(&done, 0, 0);
	assert_int_equal(run_job(w->run, RUN_JOB_BACKGROUND, post_done, &done, NULL), RC_OK);
	while (sem_wait(&done) != 0)
		continue;
	sem_destroy(&done);
}
