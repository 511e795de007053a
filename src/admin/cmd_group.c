/* cmd_group.c: Groups and lists: addresses with members. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "run/run.h"

enum { ALL = 1000000 };

/* "veredus list ..." is about lists, "veredus group ..." about groups. */
static enum dir_kind kind_of(const struct admin_call *c)
{
	return slice_eq(c->words[0], S("list")) ? DIR_LIST : DIR_GROUP;
}

enum rc admin_group_add(struct admin_call *c, struct fault *why)
{
	struct dir_new what = { .kind = kind_of(c),
		.address = c->words[2],
		.unix_now = (uint64_t)run_unix(c->deps->run) };
	uint32_t id;
	what.members = admin_options(c, "member", &what.nmembers);
	TRY(admin_address(c, what.address, why));
	for (size_t i = 0; i < what.nmembers; i++)
		TRY(admin_address(c, what.members[i], why));
	return dir_add(c->deps->dir, &what, &id, why);
}

enum rc admin_group_list(struct admin_call *c, struct fault *why)
{
	struct report r;
	const struct dir_principal *list;
	size_t n;
	struct dir_filter filter = { .kind = kind_of(c), .most = ALL };
	TRY(dir_list(c->deps->dir, &filter, c->arena, &list, &n, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < n; i++) {
		report_row(&r);
		report_text(&r, "address", list[i].address);
		report_number(&r, "members", list[i].nmembers);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_group_show(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct dir_principal p;
	TRY(admin_find(c, kind_of(c), &p, why));
	report_begin(&r, c->out, c->json, false);
	report_row(&r);
	report_text(&r, "address", p.address);
	report_texts(&r, "members", "member", p.members, p.nmembers);
	report_end(&r);
	return RC_OK;
}

enum rc admin_group_join(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_address(c, c->words[3], why));
	TRY(admin_find(c, kind_of(c), &p, why));
	return dir_member_add(c->deps->dir, p.id, c->words[3], why);
}

enum rc admin_group_leave(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_find(c, kind_of(c), &p, why));
	return dir_member_remove(c->deps->dir, p.id, c->words[3], why);
}

enum rc admin_group_delete(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_find(c, kind_of(c), &p, why));
	return dir_delete(c->deps->dir, p.id, why);
}
