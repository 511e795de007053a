/* world.c: All rooms below post/ over a store in memory, with a domain and people in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "mail/fetch.h"
#include "mail/record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void add(struct world *w, struct dir_new *what, uint32_t *id)
{
	what->unix_now = 1;
	assert_int_equal(dir_add(w->dir, what, id, &w->why), RC_OK);
}

static void people(struct world *w)
{
	const struct slice al = S("al@example.org");
	const struct slice staff[] = { S("ann@example.org"), S("bob@example.org") };
	const struct slice news[] = { S("ann@example.org"), S("far@far.test") };
	struct dir_new ann = { .kind = DIR_ACCOUNT,
		.address = S("ann@example.org"),
		.aliases = &al,
		.naliases = 1,
		.role = DIR_ADMIN };
	struct dir_new bob = {
		.kind = DIR_ACCOUNT, .address = S("bob@example.org"), .quota_bytes = 2000
	};
	struct dir_new group = { .kind = DIR_GROUP,
		.address = S("staff@example.org"),
		.members = staff,
		.nmembers = 2 };
	struct dir_new list = {
		.kind = DIR_LIST, .address = S("news@example.org"), .members = news, .nmembers = 2
	};
	struct scram_keys scram;
	uint32_t id;
	assert_int_equal(auth_new_password(S("secret"), &w->a, &ann.password_hash, &scram), RC_OK);
	ann.scram = &scram;
	assert_int_equal(dir_domain_add(w->dir, S("example.org"), 1, &w->why), RC_OK);
	add(w, &ann, &w->ann);
	add(w, &bob, &w->bob);
	add(w, &group, &id);
	add(w, &list, &id);
}

void world_begin(struct world *w, bool queue)
{
	static const struct dns_script_row zone[] = {
		{ .name = "far.test", .type = DNS_MX, .rc = RC_TEMP }
	};
	struct data_options o = { .type = "memory" };
	struct blob_options bo = { .compression = NULL };
	*w = (struct world){ 0 };
	arena_init(&w->a, 0);
	assert_int_equal(data_open(&o, &w->data, &w->why), RC_OK);
	assert_int_equal(blob_open(w->data, &bo, &w->blob, &w->why), RC_OK);
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	w->net = net_new(&(struct net_conf){ .run = w->run, .limits.connections_max = 100 });
	w->dir = dir_new(w->data, 1 << 20);
	w->accounts = accounts_new(&(struct accounts_deps){ .data = w->data, .run = w->run });
	w->mail = mail_new(&(struct mail_deps){
		.accounts = w->accounts, .data = w->data, .blob = w->blob, .run = w->run });
	w->auth = auth_new(&(struct auth_deps){
		.dir = w->dir, .run = w->run, .terms.cache_bytes = 1 << 16, .terms.delay_ms = 1 });
	assert_int_equal(dns_script_new(w->run, zone, 1, &w->dns, &w->why), RC_OK);
	if (queue)
		w->queue = queue_new(&(struct queue_deps){ .data = w->data,
			.blob = w->blob,
			.run = w->run,
			.net = w->net,
			.dns = w->dns,
			.terms.hostname = "mx.example.org",
			.terms.retry_first_ms = 3600000,
			.terms.retry_max_ms = 3600000,
			.terms.expire_ms = 3600000000 });
	w->post = post_new(&(struct post_deps){ .mail = w->mail,
		.dir = w->dir,
		.data = w->data,
		.blob = w->blob,
		.queue = w->queue,
		.run = w->run,
		.hostname = "mx.example.org",
		.size_max = 1 << 20,
		.rcpt_max = 5,
		.hops_max = 3 });
	people(w);
	run_start(w->run);
	if (queue)
		assert_int_equal(queue_start(w->queue, &w->why), RC_OK);
}

void world_end(struct world *w)
{
	net_close_listeners(w->net);
	run_drain(w->run);
	assert_int_equal(run_wait_empty(w->run, 10000), 0);
	run_free(&w->run);
	post_free(&w->post);
	queue_free(&w->queue);
	dns_free(&w->dns);
	net_free(&w->net);
	auth_free(&w->auth);
	mail_free(&w->mail);
	accounts_free(&w->accounts);
	dir_free(&w->dir);
	blob_close(&w->blob);
	data_close(&w->data);
	arena_done(&w->a);
}

uint64_t world_count(struct world *w, uint32_t account)
{
	struct mail_account *ma;
	assert_int_equal(mail_open(w->mail, account, &ma, &w->why), RC_OK);
	uint64_t n = mail_messages(ma);
	mail_close(&ma);
	return n;
}

struct slice world_text(struct world *w, uint32_t account, uint32_t n)
{
	struct mail_account *ma;
	struct mail_box_info inbox;
	struct mail_view view;
	struct mail_entry e;
	struct mail_record rec;
	struct slice bytes, text = S("");
	uint32_t seq;
	assert_int_equal(mail_open(w->mail, account, &ma, &w->why), RC_OK);
	assert_int_equal(mail_box_find(ma, S("INBOX"), &w->a, &inbox), RC_OK);
	assert_int_equal(mail_view_open(ma, inbox.id, true, NULL, &view, &w->why), RC_OK);
	uint32_t uid = mail_view_uid(&view, n);
	struct mail_reading r = { .from = uid, .entries = &e, .seqs = &seq, .max = 1 };
	assert_int_equal(mail_view_read(&view, &r, &w->why), RC_OK);
	if (uid && r.n == 1 && seq == n) {
		assert_int_equal(mail_record_get(ma, e.mid, &w->a, &bytes, &w->why), RC_OK);
		assert_int_equal(mail_record_read(bytes, &rec), RC_OK);
		assert_int_equal(
			mail_bytes_get(ma, &rec.blob, 0, rec.size, &w->a, &text, &w->why), RC_OK);
	}
	mail_view_close(&view);
	mail_close(&ma);
	return text;
}
