/* domain.c: Domains, and lists of domains and principals page by page. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"

enum { PAGE_MOST = 10000 };

struct edit {
	struct slice name, text;
	uint64_t unix_now;
};

static enum rc domain_key(
	struct dir_change *c, struct slice name, struct slice *key, struct fault *why)
{
	struct slice plain;
	if (dir_domain_name(name, &c->arena, &plain) != RC_OK || plain.at[0] == '[')
		return fault_set(
			why, FAULT_SYNTAX, "%.*s is no domain name", FMT(slice_head(name, 160)));
	*key = dir_key(&c->arena, 'd', plain);
	return RC_OK;
}

static enum rc unknown(struct slice name, struct fault *why)
{
	return fault_set(why, FAULT_DOMAIN_UNKNOWN, "the domain %.*s is not here",
		FMT(slice_head(name, 160)));
}

static enum rc put(
	struct dir_change *c, struct slice key, const struct dir_domain *d, struct fault *why)
{
	struct slice value;
	if (dir_domain_write(d, &c->arena, &value) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "the record is too big");
	dir_change_put(c, key, value);
	return RC_OK;
}

/* What dir_complete keeps under the key of a domain without a name. */
static void forget_only(struct dir_change *c)
{
	buf_vslice(&c->touched, dir_key(&c->arena, 'd', S("")));
}

static enum rc add_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct slice key, value;
	TRY(domain_key(c, e->name, &key, why));
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc == RC_OK)
		return fault_set(why, FAULT_EXISTS, "the domain is here already");
	if (rc != RC_NONE)
		return rc;
	forget_only(c);
	return put(c, key, &(struct dir_domain){ .made_unix = e->unix_now }, why);
}

enum rc dir_domain_add(struct dir *dir, struct slice name, uint64_t unix_now, struct fault *why)
{
	return dir_change_run(
		dir, add_once, &(struct edit){ .name = name, .unix_now = unix_now }, why);
}

static bool count(void *ctx, struct slice key, struct slice value)
{
	uint64_t *n = ctx;
	(void)key;
	(void)value;
	(*n)++;
	return true;
}

/* How many addresses the domain has, counted up to `limit` (0: all). `key` is the domain's own. */
static enum rc addresses(struct dir *dir, struct slice key, size_t limit, struct arena *a,
	uint64_t *n, struct fault *why)
{
	struct dir_address from = { .domain = slice_tail(key, 2) };
	struct slice first = dir_key_address(a, &from), end;
	TRY(arena_copy(a, first, &end));
	((uint8_t *)(uintptr_t)end.at)[end.len - 1] = 1;
	struct data_range range = { .space = DATA_MAIN, .from = first, .to = end, .limit = limit };
	*n = 0;
	return data_scan(dir->data, &range, count, n, why);
}

static enum rc delete_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct slice key, value;
	uint64_t n;
	TRY(domain_key(c, e->name, &key, why));
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc == RC_NONE)
		return unknown(e->name, why);
	TRY(rc);
	TRY(addresses(c->dir, key, 1, &c->arena, &n, why));
	if (n > 0)
		return fault_set(
			why, FAULT_FORBIDDEN, "the domain still has addresses; delete these first");
	dir_change_delete(c, key);
	forget_only(c);
	return RC_OK;
}

enum rc dir_domain_delete(struct dir *dir, struct slice name, struct fault *why)
{
	return dir_change_run(dir, delete_once, &(struct edit){ .name = name }, why);
}

static enum rc catch_all_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct slice key, value;
	struct dir_domain d = { 0 };
	TRY(domain_key(c, e->name, &key, why));
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc == RC_NONE)
		return unknown(e->name, why);
	TRY(rc);
	TRY(dir_domain_read(value, &d, why));
	d.catch_all = S("");
	if (e->text.len > 0) {
		struct dir_address address;
		if (dir_address(e->text, &c->arena, &address) != RC_OK || address.domain.len == 0)
			return fault_set(why, FAULT_SYNTAX, "%.*s is no mail address",
				FMT(slice_head(e->text, 160)));
		rc = dir_change_read(c, dir_key_address(&c->arena, &address), &value, why);
		if (rc == RC_NONE)
			return fault_set(why, FAULT_USER_UNKNOWN, "nobody here has that address");
		TRY(rc);
		d.catch_all = dir_address_text(&address, &c->arena);
	}
	return put(c, key, &d, why);
}

enum rc dir_domain_catch_all(
	struct dir *dir, struct slice name, struct slice address, struct fault *why)
{
	return dir_change_run(
		dir, catch_all_once, &(struct edit){ .name = name, .text = address }, why);
}

enum rc dir_domain_show(struct dir *dir, struct slice name, struct arena *a, struct dir_domain *out,
	struct fault *why)
{
	struct slice value;
	struct dir_domain d = { 0 };
	if (dir_domain_name(name, a, &d.name) != RC_OK)
		return unknown(name, why);
	struct slice key = dir_key(a, 'd', d.name);
	enum rc rc = dir_read(dir, key, a, &value, why);
	if (rc == RC_NONE)
		return unknown(name, why);
	TRY(rc);
	TRY(dir_domain_read(value, &d, why));
	TRY(addresses(dir, key, 0, a, &d.addresses, why));
	*out = d;
	return RC_OK;
}

/* A page under way. */
struct page {
	struct arena *a;
	struct fault *why;
	enum rc rc;
	size_t most, n;
	struct dir_domain *domains;
	struct dir_principal *principals;
	enum dir_kind kind;
	struct slice domain;
};

static bool add_domain(void *ctx, struct slice key, struct slice value)
{
	struct page *p = ctx;
	struct dir_domain d = { 0 };
	p->rc = arena_copy(p->a, slice_tail(key, 2), &d.name);
	if (p->rc == RC_OK)
		p->rc = arena_copy(p->a, value, &value);
	if (p->rc == RC_OK)
		p->rc = dir_domain_read(value, &d, p->why);
	if (p->rc == RC_OK)
		p->domains[p->n++] = d;
	return p->rc == RC_OK && p->n < p->most;
}

enum rc dir_domain_list(struct dir *dir, const struct dir_page *page, struct arena *a,
	const struct dir_domain **out, size_t *n, struct fault *why)
{
	struct page p = {
		.a = a, .why = why, .most = page->most < PAGE_MOST ? page->most : PAGE_MOST
	};
	p.domains = arena_try_array(a, p.most + 1, sizeof(*p.domains));
	if (!p.domains)
		return fault_set(why, FAULT_MEMORY, "too many at once");
	struct buf from;
	buf_init(&from, 0, a);
	buf_add(&from, dir_key(a, 'd', page->after));
	if (page->after.len > 0)
		buf_byte(&from, 0);
	struct data_range range = { .space = DATA_MAIN,
		.from = buf_slice(&from),
		.to = dir_key(a, 'd' + 1, S("")),
		.limit = p.most };
	if (p.most > 0)
		TRY(data_scan(dir->data, &range, add_domain, &p, why));
	TRY(p.rc);
	*out = p.domains;
	*n = p.n;
	return RC_OK;
}

static bool is_wanted(const struct page *p, const struct dir_principal *one)
{
	struct slice domain = slice_tail(one->address, slice_rfind(one->address, '@') + 1);
	return (!p->kind || one->kind == p->kind) &&
	       (p->domain.len == 0 || slice_eq(domain, p->domain));
}

static bool add_principal(void *ctx, struct slice key, struct slice value)
{
	struct page *p = ctx;
	struct dir_principal one;
	uint32_t id = 0;
	key = slice_tail(key, 2);
	p->rc = take_be32(&key, &id);
	if (p->rc == RC_OK)
		p->rc = arena_copy(p->a, value, &value);
	if (p->rc == RC_OK)
		p->rc = dir_principal_read(value, id, p->a, &one, p->why);
	if (p->rc == RC_OK && is_wanted(p, &one))
		p->principals[p->n++] = one;
	return p->rc == RC_OK && p->n < p->most;
}

enum rc dir_list(struct dir *dir, const struct dir_filter *filter, struct arena *a,
	const struct dir_principal **out, size_t *n, struct fault *why)
{
	struct page p = { .a = a,
		.why = why,
		.most = filter->most < PAGE_MOST ? filter->most : PAGE_MOST,
		.kind = filter->kind };
	p.principals = arena_try_array(a, p.most + 1, sizeof(*p.principals));
	if (!p.principals)
		return fault_set(why, FAULT_MEMORY, "too many at once");
	if (filter->domain.len > 0 && dir_domain_name(filter->domain, a, &p.domain) != RC_OK)
		return unknown(filter->domain, why);
	struct data_range range = { .space = DATA_MAIN,
		.from = dir_key_id(a, 'p', filter->after + 1),
		.to = dir_key(a, 'p' + 1, S("")) };
	if (p.most > 0 && filter->after < UINT32_MAX)
		TRY(data_scan(dir->data, &range, add_principal, &p, why));
	TRY(p.rc);
	*out = p.principals;
	*n = p.n;
	return RC_OK;
}
