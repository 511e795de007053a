/* principal.c: Accounts, groups and lists: made, changed, deleted, each with its addresses in one batch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include "base/must.h"
#include "crypto/password.h"

enum { NAME_MOST = 256, ID_FIRST = 1, ADDED_ALIASES_MOST = 64 };

/* What a setter is given; each uses its part. */
struct edit {
	uint32_t id;
	struct slice text;
	const struct scram_keys *scram;
	uint64_t number;
};

static enum rc local_address(
	struct dir_change *c, struct slice text, struct dir_address *out, struct fault *why)
{
	struct slice value;
	if (dir_address(text, &c->arena, out) != RC_OK || out->domain.len == 0)
		return fault_set(
			why, FAULT_SYNTAX, "%.*s is no mail address", FMT(slice_head(text, 160)));
	enum rc rc = dir_change_read(c, dir_key(&c->arena, 'd', out->domain), &value, why);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_DOMAIN_UNKNOWN, "add the domain %.*s first",
			FMT(slice_head(out->domain, 160)));
	return rc;
}

/* Gives the address to `id`; its text goes to *out. */
static enum rc claim(
	struct dir_change *c, uint32_t id, struct slice text, struct slice *out, struct fault *why)
{
	struct dir_address address;
	struct slice key, value;
	TRY(local_address(c, text, &address, why));
	key = dir_key_address(&c->arena, &address);
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc == RC_OK)
		return fault_set(
			why, FAULT_EXISTS, "the address %.*s is taken", FMT(slice_head(text, 160)));
	if (rc != RC_NONE)
		return rc;
	struct buf b;
	buf_init(&b, 0, &c->arena);
	buf_be32(&b, id);
	dir_change_put(c, key, buf_slice(&b));
	*out = dir_address_text(&address, &c->arena);
	return RC_OK;
}

static void release(struct dir_change *c, struct slice text)
{
	struct dir_address address;
	if (dir_address(text, &c->arena, &address) == RC_OK)
		dir_change_delete(c, dir_key_address(&c->arena, &address));
}

static enum rc secret_put(struct dir_change *c, uint32_t id, uint32_t generation, struct slice hash,
	const struct scram_keys *scram, struct fault *why)
{
	struct slice value;
	struct dir_secret s = {
		.generation = generation, .hashes = &hash, .n = hash.len > 0, .has_scram = scram
	};
	if (hash.len > 0 && !password_is_known(hash))
		return fault_set(
			why, FAULT_SYNTAX, "the password hash has no form that is known here");
	if (scram)
		s.scram = *scram;
	else if (hash.len > 0 && scram_keys_parse(hash, &s.scram) == RC_OK)
		s.has_scram = true;
	if (dir_secret_write(&s, &c->arena, &value) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "the record is too big");
	dir_change_put(c, dir_key_id(&c->arena, 's', id), value);
	return RC_OK;
}

static enum rc secret_now(
	struct dir_change *c, uint32_t id, struct dir_secret *s, struct fault *why)
{
	struct slice value;
	enum rc rc = dir_change_read(c, dir_key_id(&c->arena, 's', id), &value, why);
	*s = (struct dir_secret){ 0 };
	return rc == RC_OK ? dir_secret_read(value, &c->arena, s, why) : rc == RC_NONE ? RC_OK : rc;
}

/* Log-ins that stand are no longer good: the same secret under the next generation. */
static enum rc secret_move(struct dir_change *c, uint32_t id, struct fault *why)
{
	struct dir_secret s;
	struct slice value;
	TRY(secret_now(c, id, &s, why));
	s.generation++;
	if (dir_secret_write(&s, &c->arena, &value) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "the record is too big");
	dir_change_put(c, dir_key_id(&c->arena, 's', id), value);
	return RC_OK;
}

static enum rc member_text(
	struct dir_change *c, struct slice text, struct slice *out, struct fault *why)
{
	struct dir_address address;
	if (dir_address(text, &c->arena, &address) != RC_OK || address.domain.len == 0)
		return fault_set(
			why, FAULT_SYNTAX, "%.*s is no mail address", FMT(slice_head(text, 160)));
	*out = dir_address_text(&address, &c->arena);
	return RC_OK;
}

static enum rc next_id(struct dir_change *c, uint32_t *id, struct fault *why)
{
	struct slice key = dir_key(&c->arena, 'n', S("")), value;
	enum rc rc = dir_change_read(c, key, &value, why);
	*id = ID_FIRST;
	if (rc != RC_NONE) {
		TRY(rc);
		TRY(dir_id_read(value, id, why));
	}
	if (*id == UINT32_MAX)
		return fault_set(why, FAULT_MEMORY, "no account number is left");
	struct buf b;
	buf_init(&b, 0, &c->arena);
	buf_be32(&b, *id + 1);
	dir_change_put(c, key, buf_slice(&b));
	return RC_OK;
}

/* ---- the administrator who reads postmaster's mail: 'D' 'm' ---- */

static enum rc postmaster_offer(
	struct dir_change *c, const struct dir_principal *p, struct fault *why)
{
	struct slice key = dir_key(&c->arena, 'm', S("")), value;
	if (p->kind != DIR_ACCOUNT || p->role != DIR_ADMIN)
		return RC_OK;
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc != RC_NONE)
		return rc;
	struct buf b;
	buf_init(&b, 0, &c->arena);
	buf_be32(&b, p->id);
	dir_change_put(c, key, buf_slice(&b));
	return RC_OK;
}

struct heir {
	struct arena *a;
	uint32_t but, id;
};

static bool find_heir(void *ctx, struct slice key, struct slice value)
{
	struct heir *h = ctx;
	struct dir_principal p;
	uint32_t id;
	key = slice_tail(key, 2);
	if (take_be32(&key, &id) != RC_OK || dir_principal_read(value, id, h->a, &p, NULL) != RC_OK)
		return true;
	if (p.kind == DIR_ACCOUNT && p.role == DIR_ADMIN && id != h->but)
		h->id = id;
	return h->id == 0;
}

/* `id` is no administrator any more: another one takes over, if there is one. */
static enum rc postmaster_leave(struct dir_change *c, uint32_t id, struct fault *why)
{
	struct slice key = dir_key(&c->arena, 'm', S("")), value;
	uint32_t now;
	enum rc rc = dir_change_read(c, key, &value, why);
	if (rc == RC_NONE)
		return RC_OK;
	TRY(rc);
	TRY(dir_id_read(value, &now, why));
	if (now != id)
		return RC_OK;
	struct heir h = { .a = &c->arena, .but = id };
	struct data_range all = { .space = DATA_MAIN,
		.from = dir_key(&c->arena, 'p', S("")),
		.to = dir_key(&c->arena, 'p' + 1, S("")) };
	TRY(data_scan(c->dir->data, &all, find_heir, &h, why));
	if (h.id == 0) {
		dir_change_delete(c, key);
		return RC_OK;
	}
	struct buf b;
	buf_init(&b, 0, &c->arena);
	buf_be32(&b, h.id);
	dir_change_put(c, key, buf_slice(&b));
	return RC_OK;
}

/* ---- add and delete ---- */

struct add {
	const struct dir_new *what;
	uint32_t *id;
	size_t n, *at; /* of many */
};

static enum rc check_new(const struct dir_new *w, struct fault *why)
{
	if (w->name.len > NAME_MOST)
		return fault_set(why, FAULT_SYNTAX, "the name is longer than %d bytes", NAME_MOST);
	if (w->naliases > ADDED_ALIASES_MOST)
		return fault_set(
			why, FAULT_SYNTAX, "more than %d aliases at once", ADDED_ALIASES_MOST);
	if (w->nmembers > DIR_MEMBERS_MOST)
		return fault_set(why, FAULT_SYNTAX, "more than %d members", DIR_MEMBERS_MOST);
	if (w->kind == DIR_ACCOUNT && w->nmembers > 0)
		return fault_set(why, FAULT_SYNTAX, "an account has no members");
	if (w->kind != DIR_ACCOUNT && (w->password_hash.len > 0 || w->role == DIR_ADMIN))
		return fault_set(why, FAULT_SYNTAX, "only an account can log in");
	return RC_OK;
}

static enum rc add_one(
	struct dir_change *c, const struct dir_new *w, uint32_t *id, struct fault *why)
{
	struct dir_principal p = {
		.kind = w->kind,
		.name = w->name,
		.role = w->role,
		.is_enabled = true,
		.quota_bytes = w->quota_bytes,
		.made_unix = w->unix_now,
		.naliases = w->naliases,
		.nmembers = w->nmembers,
	};
	TRY(check_new(w, why));
	TRY(next_id(c, &p.id, why));
	TRY(claim(c, p.id, w->address, &p.address, why));
	struct slice *aliases = arena_try_array(&c->arena, w->naliases + 1, sizeof(*aliases));
	struct slice *members = arena_try_array(&c->arena, w->nmembers + 1, sizeof(*members));
	if (!aliases || !members)
		return fault_set(why, FAULT_MEMORY, "too many addresses");
	for (size_t i = 0; i < w->naliases; i++) {
		TRY(claim(c, p.id, w->aliases[i], &aliases[i], why));
		for (size_t j = 0; j < i; j++) {
			if (slice_eq(aliases[i], aliases[j]))
				return fault_set(why, FAULT_EXISTS, "the same alias twice");
		}
		if (slice_eq(aliases[i], p.address))
			return fault_set(why, FAULT_EXISTS, "an alias is the address itself");
	}
	for (size_t i = 0; i < w->nmembers; i++)
		TRY(member_text(c, w->members[i], &members[i], why));
	p.aliases = aliases;
	p.members = members;
	if (p.kind == DIR_ACCOUNT)
		TRY(secret_put(c, p.id, 1, w->password_hash, w->scram, why));
	TRY(postmaster_offer(c, &p, why));
	*id = p.id;
	return dir_change_principal_put(c, &p, why);
}

static enum rc add_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct add *add = args;
	return add_one(c, add->what, add->id, why);
}

/* What is there already is left out, with all that it had put into the batch. */
static enum rc add_many_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct add *add = args;
	for (size_t i = 0; i < add->n; i++) {
		size_t ops = c->batch.n, bytes = c->batch.bytes;
		enum rc rc = add_one(c, &add->what[i], &add->id[i], why);
		*add->at = i;
		if (rc == RC_TAKEN) {
			c->batch.n = ops;
			c->batch.bytes = bytes;
			add->id[i] = 0;
		} else {
			TRY(rc);
		}
	}
	return RC_OK;
}

enum rc dir_add(struct dir *dir, const struct dir_new *what, uint32_t *id, struct fault *why)
{
	uint32_t made = 0;
	TRY(dir_change_run(dir, add_once, &(struct add){ what, &made, 1, NULL }, why));
	*id = made;
	return RC_OK;
}

enum rc dir_add_many(struct dir *dir, const struct dir_new *what, size_t n, uint32_t *ids,
	size_t *at, struct fault *why)
{
	must(n <= DIR_ADD_MOST);
	return dir_change_run(dir, add_many_once, &(struct add){ what, ids, n, at }, why);
}

static enum rc delete_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	TRY(dir_change_principal(c, e->id, &p, why));
	TRY(postmaster_leave(c, p.id, why));
	release(c, p.address);
	for (size_t i = 0; i < p.naliases; i++)
		release(c, p.aliases[i]);
	dir_change_delete(c, dir_key_id(&c->arena, 'p', p.id));
	if (p.kind == DIR_ACCOUNT)
		dir_change_delete(c, dir_key_id(&c->arena, 's', p.id));
	return RC_OK;
}

enum rc dir_delete(struct dir *dir, uint32_t id, struct fault *why)
{
	return dir_change_run(dir, delete_once, &(struct edit){ .id = id }, why);
}

/* ---- setters ---- */

static enum rc password_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	struct dir_secret s;
	TRY(dir_change_principal(c, e->id, &p, why));
	if (p.kind != DIR_ACCOUNT)
		return fault_set(why, FAULT_FORBIDDEN, "only an account can log in");
	TRY(secret_now(c, e->id, &s, why));
	return secret_put(c, e->id, s.generation + 1, e->text, e->scram, why);
}

enum rc dir_set_password(struct dir *dir, uint32_t id, struct slice hash,
	const struct scram_keys *scram, struct fault *why)
{
	return dir_change_run(
		dir, password_once, &(struct edit){ .id = id, .text = hash, .scram = scram }, why);
}

static enum rc renew_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_secret s;
	TRY(secret_now(c, e->id, &s, why));
	if (s.generation != e->number)
		return fault_set(why, FAULT_CONFLICT, "the password was changed meanwhile");
	return secret_put(c, e->id, s.generation, e->text, e->scram, why);
}

enum rc dir_renew_secret(struct dir *dir, uint32_t id, uint32_t generation, struct slice hash,
	const struct scram_keys *scram, struct fault *why)
{
	return dir_change_run(dir, renew_once,
		&(struct edit){ .id = id, .number = generation, .text = hash, .scram = scram },
		why);
}

/* `at` with one more at its end. RC_LIMIT: MEMORY. */
static enum rc with(struct dir_change *c, const struct slice **at, size_t *n, struct slice more,
	struct fault *why)
{
	struct slice *all = arena_try_array(&c->arena, *n + 1, sizeof(*all));
	if (!all || *n >= DIR_MEMBERS_MOST)
		return fault_set(why, FAULT_MEMORY, "too many addresses");
	if (*n > 0)
		memcpy(all, *at, *n * sizeof(*all));
	all[(*n)++] = more;
	*at = all;
	return RC_OK;
}

/* `at` without `less`. RC_NONE: it is not there. */
static enum rc without(struct dir_change *c, const struct slice **at, size_t *n, struct slice less)
{
	struct slice *all = arena_try_array(&c->arena, *n + 1, sizeof(*all));
	size_t kept = 0;
	for (size_t i = 0; all && i < *n; i++) {
		if (!slice_eq((*at)[i], less))
			all[kept++] = (*at)[i];
	}
	if (kept == *n)
		return RC_NONE;
	*at = all;
	*n = kept;
	return RC_OK;
}

static enum rc alias_add_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	struct slice text;
	TRY(dir_change_principal(c, e->id, &p, why));
	TRY(claim(c, e->id, e->text, &text, why));
	TRY(with(c, &p.aliases, &p.naliases, text, why));
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_alias_add(struct dir *dir, uint32_t id, struct slice address, struct fault *why)
{
	return dir_change_run(
		dir, alias_add_once, &(struct edit){ .id = id, .text = address }, why);
}

static enum rc alias_remove_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	struct slice text;
	TRY(dir_change_principal(c, e->id, &p, why));
	TRY(member_text(c, e->text, &text, why));
	if (slice_eq(text, p.address))
		return fault_set(why, FAULT_FORBIDDEN, "that is its own address, not an alias");
	if (without(c, &p.aliases, &p.naliases, text) != RC_OK)
		return fault_set(why, FAULT_NOT_FOUND, "it has no such alias");
	release(c, text);
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_alias_remove(struct dir *dir, uint32_t id, struct slice address, struct fault *why)
{
	return dir_change_run(
		dir, alias_remove_once, &(struct edit){ .id = id, .text = address }, why);
}

static enum rc member_add_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	struct slice text;
	TRY(dir_change_principal(c, e->id, &p, why));
	if (p.kind == DIR_ACCOUNT)
		return fault_set(why, FAULT_FORBIDDEN, "an account has no members");
	TRY(member_text(c, e->text, &text, why));
	for (size_t i = 0; i < p.nmembers; i++) {
		if (slice_eq(p.members[i], text))
			return fault_set(why, FAULT_EXISTS, "it is a member already");
	}
	TRY(with(c, &p.members, &p.nmembers, text, why));
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_member_add(struct dir *dir, uint32_t id, struct slice address, struct fault *why)
{
	return dir_change_run(
		dir, member_add_once, &(struct edit){ .id = id, .text = address }, why);
}

static enum rc member_remove_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	struct slice text;
	TRY(dir_change_principal(c, e->id, &p, why));
	TRY(member_text(c, e->text, &text, why));
	if (without(c, &p.members, &p.nmembers, text) != RC_OK)
		return fault_set(why, FAULT_NOT_FOUND, "it has no such member");
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_member_remove(struct dir *dir, uint32_t id, struct slice address, struct fault *why)
{
	return dir_change_run(
		dir, member_remove_once, &(struct edit){ .id = id, .text = address }, why);
}

static enum rc name_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	TRY(dir_change_principal(c, e->id, &p, why));
	if (e->text.len > NAME_MOST)
		return fault_set(why, FAULT_SYNTAX, "the name is longer than %d bytes", NAME_MOST);
	p.name = e->text;
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_set_name(struct dir *dir, uint32_t id, struct slice name, struct fault *why)
{
	return dir_change_run(dir, name_once, &(struct edit){ .id = id, .text = name }, why);
}

static enum rc quota_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	TRY(dir_change_principal(c, e->id, &p, why));
	p.quota_bytes = e->number;
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_set_quota(struct dir *dir, uint32_t id, uint64_t bytes, struct fault *why)
{
	return dir_change_run(dir, quota_once, &(struct edit){ .id = id, .number = bytes }, why);
}

static enum rc role_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	TRY(dir_change_principal(c, e->id, &p, why));
	if (p.kind != DIR_ACCOUNT)
		return fault_set(why, FAULT_FORBIDDEN, "only an account has a role");
	p.role = (enum dir_role)e->number;
	TRY(p.role == DIR_ADMIN ? postmaster_offer(c, &p, why) : postmaster_leave(c, p.id, why));
	TRY(secret_move(c, p.id, why));
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_set_role(struct dir *dir, uint32_t id, enum dir_role role, struct fault *why)
{
	return dir_change_run(dir, role_once, &(struct edit){ .id = id, .number = role }, why);
}

static enum rc enabled_once(struct dir_change *c, const void *args, struct fault *why)
{
	const struct edit *e = args;
	struct dir_principal p;
	TRY(dir_change_principal(c, e->id, &p, why));
	p.is_enabled = e->number != 0;
	if (p.kind == DIR_ACCOUNT)
		TRY(secret_move(c, p.id, why));
	return dir_change_principal_put(c, &p, why);
}

enum rc dir_set_enabled(struct dir *dir, uint32_t id, bool is_enabled, struct fault *why)
{
	return dir_change_run(
		dir, enabled_once, &(struct edit){ .id = id, .number = is_enabled }, why);
}
