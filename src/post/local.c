/* local.c: A queued message for mailboxes of this server. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "post/local.h"
#include "post/post_int.h"
#include "run/run.h"

static const struct post_source source = {
	.door = { (const uint8_t *)"queue", 5 }, .is_own = true, .reply_each = true
};

/* The record is made anew from the content; that itself stays where it is. */
static enum rc read_record(struct post_mail *m, struct fault *why)
{
	struct mail_making *making;
	enum rc rc = mail_record_begin(&m->work, &making);
	for (uint64_t at = 0; rc == RC_OK && at < m->ref.size;) {
		struct arena a;
		struct slice piece;
		arena_init(&a, 0);
		enum rc read =
			blob_read(m->post->deps.blob, &m->ref, at, BLOB_FRAME, &a, &piece, why);
		if (read == RC_OK && piece.len == 0)
			read = fault_set(why, FAULT_DAMAGED, "a queued message is not whole");
		if (read == RC_OK)
			rc = mail_record_add(making, piece);
		at += read == RC_OK ? piece.len : 0;
		arena_done(&a);
		TRY(read);
	}
	if (rc == RC_OK)
		rc = mail_record_end(making, &m->ref, &m->arena, &m->in.parsed);
	return rc == RC_OK ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

/* What is the same for all accounts: the content, and its record. */
static enum rc begin(struct post *post, struct queue_local *l, struct fault *why)
{
	struct post_envelope env = { .sender = l->m->sender, .body_binary = true };
	struct post_mail *m = post_begin(post, &source, &env);
	l->state = m;
	m->local = l;
	m->ref = l->m->blob;
	snprintf(m->id, sizeof(m->id), "%.*s", FMT(l->m->trace));
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = read_record(m, why);
	run_block_end();
	return rc;
}

/* Accounts that have gone since are no targets. */
static enum rc choose(struct post_mail *m, struct queue_local *l, struct fault *why)
{
	m->targets = arena_try_array(&m->arena, l->n + 1, sizeof(*m->targets));
	if (!m->targets)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	m->targets_n = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct dir_principal p;
		l->results[i] = (struct fault){ 0 };
		enum rc rc = dir_principal(m->post->deps.dir, l->accounts[i], &m->arena, &p, why);
		if (rc == RC_NONE)
			l->results[i] = (struct fault){ .id = FAULT_USER_UNKNOWN };
		else if (rc != RC_OK)
			return rc;
		else
			m->targets[m->targets_n++] =
				(struct post_target){ .account = l->accounts[i], .rcpt = i };
	}
	post_sort_targets(m);
	m->stage = POST_PARSED;
	m->tries = 0;
	return RC_OK;
}

void post_local_results(struct post_mail *m)
{
	for (size_t i = 0; i < m->targets_n; i++)
		m->local->results[m->targets[i].rcpt] = m->targets[i].refused;
}

enum rc post_local(struct post *post, struct queue_local *l, struct task *task, struct fault *why)
{
	struct post_mail *m = l->state;
	if (!task) {
		post_drop(&m);
		l->state = NULL;
		return RC_OK;
	}
	enum rc rc = RC_OK;
	if (!m) {
		rc = begin(post, l, why);
		m = l->state;
	}
	if (rc == RC_OK && (m->stage == POST_ENVELOPE || m->stage == POST_DONE))
		rc = choose(m, l, why);
	if (rc == RC_OK && m->targets_n)
		rc = post_deliver(m, task, why);
	if (rc == RC_WAIT || rc == RC_OK)
		return rc;
	if (m->targets_n)
		post_local_results(m);
	post_drop(&m); /* turnstiles must not stay closed */
	l->state = NULL;
	return rc;
}
