/* lookup.c: Where mail for an address goes, and who may send as it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include "base/ranges.h"

/* One expansion: what is still to be looked into, level by level, and what was found. */
struct expansion {
	struct dir *dir;
	struct arena *a;
	struct ranges seen; /* principals looked into */
	struct ranges accounts;
	struct ids {
		uint32_t *at;
		size_t n, cap;
	} now, next;
	struct slice *remote;
	size_t nremote, cap_remote;
};

static enum rc too_many(struct fault *why)
{
	return fault_set(why, FAULT_TOO_MANY_RCPT, "the address stands for more than %d others",
		DIR_EXPAND_MOST);
}

static enum rc no_memory(struct fault *why)
{
	return fault_set(why, FAULT_MEMORY, "%s", "");
}

/* What dir_address said of a foreign text: want of memory is not its mistake. */
static enum rc spelled(enum rc rc, struct fault *why)
{
	return rc == RC_OK      ? RC_OK
	       : rc == RC_LIMIT ? no_memory(why)
				: fault_set(why, FAULT_SYNTAX, "that is no mail address");
}

static enum rc ids_add(struct expansion *x, struct ids *ids, uint32_t id, struct fault *why)
{
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? ids->cap * 2 : 16;
		uint32_t *at =
			cap > 2 * DIR_EXPAND_MOST ? NULL : arena_try_array(x->a, cap, sizeof(*at));
		if (!at)
			return cap > 2 * DIR_EXPAND_MOST ? too_many(why) : no_memory(why);
		if (ids->n > 0)
			memcpy(at, ids->at, ids->n * sizeof(*at));
		ids->at = at;
		ids->cap = cap;
	}
	ids->at[ids->n++] = id;
	return RC_OK;
}

static enum rc remote_add(struct expansion *x, struct slice address, struct fault *why)
{
	if (x->nremote == x->cap_remote) {
		size_t cap = x->cap_remote ? x->cap_remote * 2 : 16;
		struct slice *at =
			cap > 2 * DIR_EXPAND_MOST ? NULL : arena_try_array(x->a, cap, sizeof(*at));
		if (!at)
			return cap > 2 * DIR_EXPAND_MOST ? too_many(why) : no_memory(why);
		if (x->nremote > 0)
			memcpy(at, x->remote, x->nremote * sizeof(*at));
		x->remote = at;
		x->cap_remote = cap;
	}
	x->remote[x->nremote++] = address;
	return RC_OK;
}

/* A member that nobody has (any more) is passed over: the others get their mail. */
static enum rc member(struct expansion *x, enum dir_kind kind, struct slice text, struct fault *why)
{
	struct dir_address address;
	uint32_t id;
	bool is_sub;
	enum rc rc = dir_address(text, x->a, &address);
	if (rc != RC_OK)
		return rc == RC_LIMIT ? no_memory(why) : RC_OK;
	rc = dir_owner_sub(x->dir, &address, x->a, &id, &is_sub, why);
	if (rc == RC_OK)
		return ids_add(x, &x->next, id, why);
	if (rc != RC_NONE)
		return rc;
	rc = dir_domain_is_local(x->dir, address.domain, why);
	if (rc == RC_NONE && kind == DIR_LIST)
		return remote_add(x, text, why);
	return rc == RC_NONE ? RC_OK : rc;
}

static enum rc look_into(
	struct expansion *x, uint32_t id, struct dir_rcpt *out, bool is_first, struct fault *why)
{
	struct dir_principal p;
	if (ranges_has(&x->seen, id))
		return RC_OK;
	if (ranges_add(&x->seen, id, id) != RC_OK)
		return no_memory(why);
	enum rc rc = dir_principal(x->dir, id, x->a, &p, why);
	if (rc == RC_NONE)
		return RC_OK;
	TRY(rc);
	if (p.kind == DIR_ACCOUNT)
		return ranges_add(&x->accounts, id, id) == RC_OK ? RC_OK : no_memory(why);
	if (is_first && p.kind == DIR_LIST)
		out->list = p.address;
	for (size_t i = 0; i < p.nmembers; i++)
		TRY(member(x, p.kind, p.members[i], why));
	return RC_OK;
}

static int by_text(const void *one, const void *two)
{
	return slice_cmp(*(const struct slice *)one, *(const struct slice *)two);
}

static enum rc finish(struct expansion *x, struct dir_rcpt *out, struct fault *why)
{
	if (ranges_count(&x->accounts) + x->nremote > DIR_EXPAND_MOST)
		return too_many(why);
	out->n = (size_t)ranges_count(&x->accounts);
	uint32_t *ids = arena_try_array(x->a, out->n + 1, sizeof(*ids));
	if (!ids)
		return fault_set(why, FAULT_MEMORY, "too many recipients at once");
	for (size_t i = 0, n = 0; i < x->accounts.n; i++) {
		for (uint32_t id = x->accounts.at[i].lo;; id++) {
			ids[n++] = id;
			if (id == x->accounts.at[i].hi)
				break;
		}
	}
	out->ids = ids;
	if (x->nremote > 0)
		qsort(x->remote, x->nremote, sizeof(*x->remote), by_text);
	for (size_t i = 0; i < x->nremote; i++) {
		if (i == 0 || !slice_eq(x->remote[i], x->remote[out->nremote - 1]))
			x->remote[out->nremote++] = x->remote[i];
	}
	out->remote = x->remote;
	return RC_OK;
}

static enum rc expand(
	struct dir *dir, uint32_t id, struct arena *a, struct dir_rcpt *out, struct fault *why)
{
	struct expansion x = { .dir = dir, .a = a };
	enum rc rc = ids_add(&x, &x.next, id, why);
	size_t depth = 0;
	while (rc == RC_OK && x.next.n > 0) {
		struct ids done = x.now;
		x.now = x.next;
		x.next = (struct ids){ .at = done.at, .cap = done.cap };
		if (depth > DIR_DEPTH_MOST)
			rc = fault_set(why, FAULT_TOO_MANY_RCPT,
				"lists within lists, more than %d deep", DIR_DEPTH_MOST);
		for (size_t i = 0; rc == RC_OK && i < x.now.n; i++)
			rc = look_into(&x, x.now.at[i], out, depth == 0, why);
		depth++;
	}
	if (rc == RC_OK)
		rc = finish(&x, out, why);
	ranges_done(&x.seen);
	ranges_done(&x.accounts);
	return rc;
}

/* RFC 5321 4.5.1: postmaster is always there; the first administrator reads it when nobody else does. */
static enum rc postmaster(struct dir *dir, const struct dir_address *address, struct arena *a,
	uint32_t *id, struct fault *why)
{
	struct slice value;
	if (!slice_eq(address->base, S("postmaster")) && !slice_eq(address->base, S("abuse")))
		return RC_NONE;
	TRY(dir_read(dir, dir_key(a, 'm', S("")), a, &value, why));
	return dir_id_read(value, id, why);
}

static enum rc catch_all(
	struct dir *dir, struct slice domain, struct arena *a, uint32_t *id, struct fault *why)
{
	struct slice value;
	struct dir_domain d;
	struct dir_address address;
	bool is_sub;
	TRY(dir_read(dir, dir_key(a, 'd', domain), a, &value, why));
	TRY(dir_domain_read(value, &d, why));
	enum rc rc = d.catch_all.len ? dir_address(d.catch_all, a, &address) : RC_NONE;
	if (rc != RC_OK)
		return rc == RC_LIMIT ? no_memory(why) : RC_NONE;
	return dir_owner_sub(dir, &address, a, id, &is_sub, why);
}

static enum rc unknown(struct slice address, struct fault *why)
{
	return fault_set(why, FAULT_USER_UNKNOWN, "nobody here has the address %.*s",
		FMT(slice_head(address, 160)));
}

enum rc dir_lookup_rcpt(struct dir *dir, struct slice text, struct arena *a, struct dir_rcpt *out,
	struct fault *why)
{
	struct dir_rcpt r = { .route = DIR_LOCAL };
	struct dir_address address;
	uint32_t id;
	bool is_sub = false;
	TRY(spelled(dir_address(text, a, &address), why));
	enum rc rc = dir_complete(dir, a, &address, why);
	if (rc == RC_OK)
		rc = dir_domain_is_local(dir, address.domain, why);
	if (rc == RC_NONE && address.domain.len > 0) {
		*out = (struct dir_rcpt){ .route = DIR_REMOTE };
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = dir_owner_sub(dir, &address, a, &id, &is_sub, why);
	if (rc == RC_NONE && address.domain.len > 0) {
		is_sub = false;
		rc = catch_all(dir, address.domain, a, &id, why);
	}
	if (rc == RC_NONE)
		rc = postmaster(dir, &address, a, &id, why);
	if (rc == RC_NONE)
		return unknown(text, why);
	TRY(rc);
	TRY(expand(dir, id, a, &r, why));
	if (is_sub && r.n == 1 && r.ids[0] == id)
		r.detail = address.detail;
	*out = r;
	return RC_OK;
}

enum rc dir_domain_is_local(struct dir *dir, struct slice domain, struct fault *why)
{
	struct arena a;
	struct slice name, value;
	arena_init(&a, 0);
	enum rc rc = dir_domain_name(domain, &a, &name);
	rc = rc == RC_OK      ? dir_read(dir, dir_key(&a, 'd', name), &a, &value, why)
	     : rc == RC_LIMIT ? no_memory(why)
			      : RC_NONE;
	arena_done(&a);
	return rc;
}

/* Is one of the group's members this account? */
static enum rc is_member(struct dir *dir, const struct dir_principal *group, uint32_t account,
	struct arena *a, struct fault *why)
{
	for (size_t i = 0; i < group->nmembers; i++) {
		struct dir_address address;
		uint32_t id;
		enum rc rc = dir_address(group->members[i], a, &address);
		if (rc == RC_BAD)
			continue;
		rc = rc == RC_OK ? dir_owner(dir, &address, a, &id, why) : no_memory(why);
		if (rc == RC_OK && id == account)
			return RC_OK;
		if (rc != RC_OK && rc != RC_NONE)
			return rc;
	}
	return RC_NONE;
}

static enum rc owns(struct dir *dir, uint32_t account, const struct dir_address *address,
	struct arena *a, struct fault *why)
{
	uint32_t id;
	bool is_sub;
	struct dir_principal p;
	enum rc rc = dir_owner_sub(dir, address, a, &id, &is_sub, why);
	if (rc == RC_NONE)
		rc = catch_all(dir, address->domain, a, &id, why);
	if (rc == RC_OK && id == account)
		return RC_OK;
	if (rc == RC_OK)
		rc = dir_principal(dir, id, a, &p, why);
	return rc == RC_OK && p.kind == DIR_GROUP ? is_member(dir, &p, account, a, why)
	       : rc == RC_OK                      ? RC_NONE
						  : rc;
}

static enum rc may_send_as(
	struct dir *dir, uint32_t account, struct slice text, struct arena *a, struct fault *why)
{
	struct dir_address address;
	struct dir_principal self;
	TRY(spelled(dir_address(text, a, &address), why));
	enum rc rc = dir_complete(dir, a, &address, why);
	if (rc == RC_OK)
		rc = owns(dir, account, &address, a, why);
	if (rc != RC_NONE)
		return rc;
	TRY(dir_principal(dir, account, a, &self, why));
	if (self.role == DIR_ADMIN && address.domain.len > 0)
		rc = dir_domain_is_local(dir, address.domain, why);
	return rc == RC_NONE ? fault_set(why, FAULT_SENDER_NOT_OWNED, "%.*s may not send as %.*s",
				       FMT(slice_head(self.address, 64)), FMT(slice_head(text, 64)))
			     : rc;
}

enum rc dir_may_send_as(struct dir *dir, uint32_t account, struct slice address, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	enum rc rc = may_send_as(dir, account, address, &a, why);
	arena_done(&a);
	return rc;
}
