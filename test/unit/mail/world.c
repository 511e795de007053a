/* world.c: Opens and closes the rooms below mail/. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "run/run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

void world_reopen(struct world *w)
{
	struct arena a;
	struct mail_box_info info;
	mail_close(&w->ma);
	mail_free(&w->mail);
	w->mail = mail_new(&(struct mail_deps){
		.accounts = w->accounts, .data = w->data, .blob = w->blob, .run = w->run });
	assert_int_equal(mail_open(w->mail, ACCOUNT, &w->ma, &w->why), RC_OK);
	arena_init(&a, 0);
	assert_int_equal(mail_box_find(w->ma, S("INBOX"), &a, &info), RC_OK);
	w->box = info.id;
	arena_done(&a);
}

void world_begin(struct world *w, unsigned seats)
{
	*w = (struct world){ 0 };
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
