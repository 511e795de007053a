/* list.c: Finding mailboxes, and keywords of messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_int.h"
#include <stdlib.h>

static enum rc copy_head(struct mail_box *box, struct arena *a, struct mail_box_info *out)
{
	struct slice name;
	TRY(arena_copy(a, box->head.name, &name));
	*out = box->head;
	out->name = name;
	uint32_t fresh = box->head.uid_next - box->recent_uid;
	out->recent = fresh < box->head.exists ? fresh : box->head.exists;
	if (box->listed && fresh)
		out->recent = box->table.count - mail_table_rank(&box->table, box->recent_uid);
	return RC_OK;
}

enum rc mail_box_find(
	struct mail_account *ma, struct slice name, struct arena *a, struct mail_box_info *out)
{
	lock_enter(&ma->lock);
	struct mail_box *box = mail_box_by_name(ma, name);
	enum rc rc = box ? copy_head(box, a, out) : RC_NONE;
	lock_leave(&ma->lock);
	return rc;
}

enum rc mail_box_by_use(
	struct mail_account *ma, enum mail_use use, struct arena *a, struct mail_box_info *out)
{
	enum rc rc = RC_NONE;
	lock_enter(&ma->lock);
	for (size_t i = 0; rc == RC_NONE && i < ma->boxes_n; i++)
		if (ma->boxes[i]->head.use == use)
			rc = copy_head(ma->boxes[i], a, out);
	lock_leave(&ma->lock);
	return rc;
}

static int by_name(const void *x, const void *y)
{
	const struct mail_box_info *a = x, *b = y;
	if ((a->use == MAIL_USE_INBOX) != (b->use == MAIL_USE_INBOX))
		return a->use == MAIL_USE_INBOX ? -1 : 1;
	return slice_cmp(a->name, b->name);
}

enum rc mail_box_list(
	struct mail_account *ma, struct arena *a, struct mail_box_info **out, size_t *n)
{
	enum rc rc = RC_OK;
	lock_enter(&ma->lock);
	size_t all = ma->boxes_n;
	struct mail_box_info *list = arena_try_array(a, all + 1, sizeof(*list));
	for (size_t i = 0; list && rc == RC_OK && i < all; i++)
		rc = copy_head(ma->boxes[i], a, &list[i]);
	lock_leave(&ma->lock);
	if (!list || rc != RC_OK)
		return RC_LIMIT;
	qsort(list, all, sizeof(*list), by_name);
	*out = list;
	*n = all;
	return RC_OK;
}

const char *const *mail_keywords(struct mail_account *ma, uint32_t kwset, size_t *n)
{
	lock_enter(&ma->lock);
	const struct mail_kwset *set = mail_kwset_get(&ma->keywords, kwset);
	lock_leave(&ma->lock);
	*n = set->n;
	return set->names;
}

enum rc mail_keywords_all(struct mail_account *ma, struct arena *a, const char ***out, size_t *n)
{
	lock_enter(&ma->lock);
	const char **list = arena_try_array(a, ma->keywords.names_n + 1, sizeof(*list));
	*n = list ? ma->keywords.names_n : 0;
	for (size_t i = 0; i < *n; i++)
		list[i] = ma->keywords.names[i];
	lock_leave(&ma->lock);
	*out = list;
	return list ? RC_OK : RC_LIMIT;
}

size_t mail_keywords_count(struct mail_account *ma)
{
	lock_enter(&ma->lock);
	size_t n = ma->keywords.names_n;
	lock_leave(&ma->lock);
	return n;
}
