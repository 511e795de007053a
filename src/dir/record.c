/* record.c: Keys and records of the directory, in and out of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"

/* A record begins with its version. Later versions only append fields, so an older reader skips what it does not know. */
enum { VERSION = 1, HASHES_MOST = 64, ALIASES_MOST = 10000 };

struct slice dir_key(struct arena *a, uint8_t kind, struct slice tail)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_byte(&b, 'D');
	buf_byte(&b, kind);
	buf_add(&b, tail);
	return buf_slice(&b);
}

struct slice dir_key_id(struct arena *a, uint8_t kind, uint32_t id)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_byte(&b, 'D');
	buf_byte(&b, kind);
	buf_be32(&b, id);
	return buf_slice(&b);
}

struct slice dir_key_address(struct arena *a, const struct dir_address *address)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_str(&b, "Da");
	buf_add(&b, address->domain);
	buf_byte(&b, 0);
	buf_add(&b, address->local);
	return buf_slice(&b);
}

static void put_slices(struct buf *b, const struct slice *at, size_t n)
{
	buf_varint(b, n);
	for (size_t i = 0; i < n; i++)
		buf_vslice(b, at[i]);
}

static enum rc take_slices(
	struct slice *in, size_t most, struct arena *a, const struct slice **out, size_t *n)
{
	uint64_t count;
	TRY(take_varint(in, &count));
	if (count > most)
		return RC_BAD;
	struct slice *all = arena_try_array(a, (size_t)count + 1, sizeof(*all));
	if (!all)
		return RC_LIMIT;
	for (size_t i = 0; i < count; i++)
		TRY(take_vslice(in, &all[i]));
	*out = all;
	*n = (size_t)count;
	return RC_OK;
}

static enum rc finished(const struct buf *b, struct slice *out)
{
	*out = buf_slice(b);
	return b->over ? RC_LIMIT : RC_OK;
}

static enum rc damaged(enum rc rc, const char *what, struct fault *why)
{
	if (rc == RC_OK)
		return rc;
	if (rc == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "a directory record is too big to read");
	return fault_set(why, FAULT_DAMAGED, "the directory's record of a %s cannot be read", what);
}

enum rc dir_principal_write(const struct dir_principal *p, struct arena *a, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_byte(&b, VERSION);
	buf_byte(&b, (uint8_t)p->kind);
	buf_vslice(&b, p->address);
	buf_vslice(&b, p->name);
	buf_varint(&b, (uint64_t)p->role);
	buf_varint(&b, p->is_enabled);
	buf_varint(&b, p->quota_bytes);
	buf_varint(&b, p->made_unix);
	put_slices(&b, p->aliases, p->naliases);
	put_slices(&b, p->members, p->nmembers);
	return finished(&b, out);
}

static enum rc principal_fields(struct slice in, struct arena *a, struct dir_principal *p)
{
	uint8_t version, kind;
	uint64_t role, is_enabled;
	TRY(take_byte(&in, &version));
	TRY(take_byte(&in, &kind));
	TRY(take_vslice(&in, &p->address));
	TRY(take_vslice(&in, &p->name));
	TRY(take_varint(&in, &role));
	TRY(take_varint(&in, &is_enabled));
	TRY(take_varint(&in, &p->quota_bytes));
	TRY(take_varint(&in, &p->made_unix));
	TRY(take_slices(&in, ALIASES_MOST, a, &p->aliases, &p->naliases));
	TRY(take_slices(&in, DIR_MEMBERS_MOST, a, &p->members, &p->nmembers));
	if (version < 1 || (kind != DIR_ACCOUNT && kind != DIR_GROUP && kind != DIR_LIST) ||
		role > DIR_ADMIN)
		return RC_BAD;
	p->kind = (enum dir_kind)kind;
	p->role = (enum dir_role)role;
	p->is_enabled = is_enabled != 0;
	return RC_OK;
}

enum rc dir_principal_read(
	struct slice in, uint32_t id, struct arena *a, struct dir_principal *p, struct fault *why)
{
	struct dir_principal r = { .id = id };
	TRY(damaged(principal_fields(in, a, &r), "principal", why));
	*p = r;
	return RC_OK;
}

enum rc dir_secret_write(const struct dir_secret *s, struct arena *a, struct slice *out)
{
	struct buf b, scram;
	buf_init(&b, 0, a);
	buf_init(&scram, 0, a);
	if (s->has_scram)
		scram_keys_write(&s->scram, &scram);
	buf_byte(&b, VERSION);
	buf_varint(&b, s->generation);
	put_slices(&b, s->hashes, s->n);
	buf_vslice(&b, buf_slice(&scram));
	return scram.over ? RC_LIMIT : finished(&b, out);
}

static enum rc secret_fields(struct slice in, struct arena *a, struct dir_secret *s)
{
	uint8_t version;
	uint64_t generation;
	struct slice scram;
	TRY(take_byte(&in, &version));
	TRY(take_varint(&in, &generation));
	TRY(take_slices(&in, HASHES_MOST, a, &s->hashes, &s->n));
	TRY(take_vslice(&in, &scram));
	if (version < 1)
		return RC_BAD;
	s->generation = (uint32_t)generation;
	s->has_scram = scram.len > 0;
	return s->has_scram ? scram_keys_parse(scram, &s->scram) : RC_OK;
}

enum rc dir_secret_read(struct slice in, struct arena *a, struct dir_secret *s, struct fault *why)
{
	struct dir_secret r = { 0 };
	TRY(damaged(secret_fields(in, a, &r), "password", why));
	*s = r;
	return RC_OK;
}

enum rc dir_domain_write(const struct dir_domain *d, struct arena *a, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_byte(&b, VERSION);
	buf_vslice(&b, d->catch_all);
	buf_varint(&b, d->made_unix);
	return finished(&b, out);
}

static enum rc domain_fields(struct slice in, struct dir_domain *d)
{
	uint8_t version;
	TRY(take_byte(&in, &version));
	TRY(take_vslice(&in, &d->catch_all));
	TRY(take_varint(&in, &d->made_unix));
	return version < 1 ? RC_BAD : RC_OK;
}

enum rc dir_domain_read(struct slice in, struct dir_domain *d, struct fault *why)
{
	struct dir_domain r = { .name = d->name };
	TRY(damaged(domain_fields(in, &r), "domain", why));
	*d = r;
	return RC_OK;
}

enum rc dir_id_read(struct slice in, uint32_t *id, struct fault *why)
{
	return damaged(in.len == 4 ? take_be32(&in, id) : RC_BAD, "address", why);
}
