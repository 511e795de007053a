/* cmd_dir.c: Domains and accounts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "run/run.h"
#include "wire/smtp.h"

enum { MANY = 256, ALL = 1000000 };

static uint64_t now(const struct admin_call *c)
{
	return (uint64_t)run_unix(c->deps->run);
}

enum rc admin_domain_add(struct admin_call *c, struct fault *why)
{
	return dir_domain_add(c->deps->dir, c->words[2], now(c), why);
}

enum rc admin_domain_catch_all(struct admin_call *c, struct fault *why)
{
	return dir_domain_catch_all(c->deps->dir, c->words[2], c->n > 3 ? c->words[3] : S(""), why);
}

enum rc admin_domain_delete(struct admin_call *c, struct fault *why)
{
	return dir_domain_delete(c->deps->dir, c->words[2], why);
}

static void put_domain(struct report *r, const struct dir_domain *d, bool whole)
{
	report_row(r);
	report_text(r, "domain", d->name);
	report_text(r, "catch-all", d->catch_all);
	if (whole)
		report_number(r, "addresses", d->addresses);
}

enum rc admin_domain_show(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct dir_domain d;
	TRY(dir_domain_show(c->deps->dir, c->words[2], c->arena, &d, why));
	report_begin(&r, c->out, c->json, false);
	put_domain(&r, &d, true);
	report_end(&r);
	return RC_OK;
}

enum rc admin_domain_list(struct admin_call *c, struct fault *why)
{
	struct report r;
	const struct dir_domain *list;
	size_t n;
	struct dir_page page = { .most = ALL };
	TRY(dir_domain_list(c->deps->dir, &page, c->arena, &list, &n, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < n; i++)
		put_domain(&r, &list[i], false);
	report_end(&r);
	return RC_OK;
}

const struct slice *admin_options(struct admin_call *c, const char *name, size_t *n)
{
	struct slice *list = arena_try_array(c->arena, MANY, sizeof(*list));
	*n = 0;
	while (list && *n < MANY && admin_option(c, name, *n, &list[*n]) == RC_OK)
		(*n)++;
	return list;
}

/* "1GB", "500MB", "1000". */
static enum rc size_of(struct slice text, uint64_t *out, struct fault *why)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = { { "TB", 1ull << 40 }, { "GB", 1ull << 30 }, { "MB", 1ull << 20 },
		{ "KB", 1ull << 10 }, { "B", 1 } };
	uint64_t factor = 1;
	struct slice digits = text;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.len > 2 && slice_ends(text, slice_str(units[i].unit))) {
			factor = units[i].bytes;
			digits = slice_trim(slice_head(text, text.len - strlen(units[i].unit)));
			break;
		}
	}
	if (slice_u64(digits, UINT64_MAX / factor, out) != RC_OK)
		return fault_set(
			why, FAULT_SYNTAX, "\"%.*s\" is no size; write 500MB or 2GB", FMT(text));
	*out *= factor;
	return RC_OK;
}

enum rc admin_address(const struct admin_call *c, struct slice text, struct fault *why)
{
	struct smtp_path path;
	if (smtp_mailbox_parse(text, c->arena, &path) == RC_OK && path.domain.len)
		return RC_OK;
	return fault_set(why, FAULT_SYNTAX, "\"%.*s\" is no address; write name@domain",
		FMT(slice_head(text, 100)));
}

static enum rc role_of(struct slice text, enum dir_role *out, struct fault *why)
{
	if (!slice_eq(text, S("admin")) && !slice_eq(text, S("user")))
		return fault_set(why, FAULT_SYNTAX, "\"%.*s\" is no role; write admin or user",
			FMT(slice_head(text, 60)));
	*out = slice_eq(text, S("admin")) ? DIR_ADMIN : DIR_USER;
	return RC_OK;
}

enum rc admin_account_add(struct admin_call *c, struct fault *why)
{
	struct dir_new what = { .kind = DIR_ACCOUNT, .address = c->words[2], .unix_now = now(c) };
	struct scram_keys scram;
	struct slice value;
	uint32_t id;
	if (admin_option(c, "name", 0, &value) == RC_OK)
		what.name = value;
	if (admin_option(c, "quota", 0, &value) == RC_OK)
		TRY(size_of(value, &what.quota_bytes, why));
	if (admin_option(c, "role", 0, &value) == RC_OK)
		TRY(role_of(value, &what.role, why));
	what.aliases = admin_options(c, "alias", &what.naliases);
	TRY(admin_address(c, what.address, why));
	for (size_t i = 0; i < what.naliases; i++)
		TRY(admin_address(c, what.aliases[i], why));
	if (c->secret.len) {
		if (auth_new_password(c->secret, c->arena, &what.password_hash, &scram) != RC_OK)
			return fault_set(why, FAULT_SYNTAX, "the password is too long");
		what.scram = &scram;
	}
	return dir_add(c->deps->dir, &what, &id, why);
}

static const char *kind_name(enum dir_kind kind)
{
	return kind == DIR_GROUP ? "group" : kind == DIR_LIST ? "list" : "account";
}

enum rc admin_find(
	struct admin_call *c, enum dir_kind kind, struct dir_principal *p, struct fault *why)
{
	TRY(dir_find(c->deps->dir, c->words[2], c->arena, p, why));
	if (p->kind == kind)
		return RC_OK;
	return fault_set(why, FAULT_NOT_FOUND, "%.*s is no %s but %s %s; see veredus %s show",
		FMT(slice_head(c->words[2], 100)), kind_name(kind),
		p->kind == DIR_ACCOUNT ? "an" : "a", kind_name(p->kind), kind_name(p->kind));
}

static void put_account(struct report *r, const struct dir_principal *p)
{
	report_row(r);
	report_text(r, "address", p->address);
	report_number(r, "id", p->id);
	report_text(r, "name", p->name);
	report_text(r, "role", p->role == DIR_ADMIN ? S("admin") : S("user"));
	report_bool(r, "enabled", p->is_enabled);
	report_number(r, "quota", p->quota_bytes);
}

enum rc admin_account_show(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct dir_principal p;
	struct mail_account *ma;
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	report_begin(&r, c->out, c->json, false);
	put_account(&r, &p);
	report_texts(&r, "aliases", "alias", p.aliases, p.naliases);
	if (mail_open(c->deps->mail, p.id, &ma, NULL) == RC_OK) {
		report_number(&r, "messages", mail_messages(ma));
		report_number(&r, "bytes", mail_bytes(ma));
		mail_close(&ma);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_account_list(struct admin_call *c, struct fault *why)
{
	struct report r;
	const struct dir_principal *list;
	size_t n;
	struct dir_filter filter = { .kind = DIR_ACCOUNT, .most = ALL };
	TRY(dir_list(c->deps->dir, &filter, c->arena, &list, &n, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < n; i++)
		put_account(&r, &list[i]);
	report_end(&r);
	return RC_OK;
}

enum rc admin_account_passwd(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	struct scram_keys scram;
	struct slice hash;
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	if (c->secret.len == 0)
		return fault_set(why, FAULT_SYNTAX, "the new password comes on standard input");
	if (auth_new_password(c->secret, c->arena, &hash, &scram) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "the password is too long");
	return dir_set_password(c->deps->dir, p.id, hash, &scram, why);
}

/* Each option is a change of its own: what stands before one that is refused has been done. */
enum rc admin_account_set(struct admin_call *c, struct fault *why)
{
	struct dir *dir = c->deps->dir;
	struct dir_principal p;
	struct slice name, quota, role, enabled;
	uint64_t bytes = 0;
	enum dir_role as = DIR_USER;
	bool has_quota = admin_option(c, "quota", 0, &quota) == RC_OK,
	     has_role = admin_option(c, "role", 0, &role) == RC_OK,
	     has_enabled = admin_option(c, "enabled", 0, &enabled) == RC_OK;
	if (c->options_n == 0)
		return RC_MORE;
	if (has_quota)
		TRY(size_of(quota, &bytes, why));
	if (has_role)
		TRY(role_of(role, &as, why));
	if (has_enabled && !slice_eq(enabled, S("yes")) && !slice_eq(enabled, S("no")))
		return fault_set(why, FAULT_SYNTAX, "--enabled is yes or no");
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	if (admin_option(c, "name", 0, &name) == RC_OK)
		TRY(dir_set_name(dir, p.id, name, why));
	if (has_quota)
		TRY(dir_set_quota(dir, p.id, bytes, why));
	if (has_role)
		TRY(dir_set_role(dir, p.id, as, why));
	return has_enabled ? dir_set_enabled(dir, p.id, slice_eq(enabled, S("yes")), why) : RC_OK;
}

enum rc admin_account_unalias(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	return dir_alias_remove(c->deps->dir, p.id, c->words[3], why);
}

enum rc admin_account_alias(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_address(c, c->words[3], why));
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	return dir_alias_add(c->deps->dir, p.id, c->words[3], why);
}

enum rc admin_account_delete(struct admin_call *c, struct fault *why)
{
	struct dir_principal p;
	TRY(admin_find(c, DIR_ACCOUNT, &p, why));
	return dir_delete(c->deps->dir, p.id, why);
}
