/* first.c: The mailboxes that a new account begins with. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/change_int.h"

enum { TRIES_MAX = 16 };

static const struct {
	const char *name;
	enum mail_use use;
} defaults[] = {
	{ "INBOX", MAIL_USE_INBOX },
	{ "Drafts", MAIL_USE_DRAFTS },
	{ "Sent", MAIL_USE_SENT },
	{ "Archive", MAIL_USE_ARCHIVE },
	{ "Junk", MAIL_USE_JUNK },
	{ "Trash", MAIL_USE_TRASH },
};

static enum rc create_all(struct mail_account *ma, struct arena *a, struct fault *why)
{
	struct data_batch batch;
	struct mail_change *ch;
	data_batch_init(&batch, a);
	TRY(mail_change_begin(ma, &batch, a, &ch, why));
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		uint32_t id;
		TRY(mail_change_create(ch, slice_str(defaults[i].name), defaults[i].use, &id, why));
	}
	TRY(mail_change_end(ch, why));
	TRY(data_commit_now(ma->mail->deps.data, &batch, why));
	mail_change_apply(ch, NULL);
	return RC_OK;
}

enum rc mail_first(struct mail_account *ma, struct fault *why)
{
	enum rc rc = RC_OK;
	for (unsigned tries = 0; rc == RC_OK && ma->boxes_n == 0 && tries < TRIES_MAX; tries++) {
		struct arena a;
		arena_init(&a, 0);
		rc = create_all(ma, &a, why);
		arena_done(&a);
		if (rc == RC_TAKEN) /* somebody made them first: then they are in the log */
			rc = mail_load_log(ma, why);
	}
	if (rc == RC_OK && ma->boxes_n == 0)
		return fault_set(why, FAULT_CONFLICT, "%s", "");
	return rc;
}
