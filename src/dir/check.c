/* check.c: Proves the directory: every record is read, every address has its principal, and the reverse. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/check.h"
#include "dir/dir_int.h"
#include <inttypes.h>

struct proof {
	struct check *check;
	uint32_t id_last;
};

/* The address key of a principal is there and is its own, or is put. */
static enum rc prove_address(struct proof *p, const struct dir_principal *who, struct slice text,
	struct arena *a, struct fault *why)
{
	struct dir_address address;
	struct slice value;
	struct data_batch b;
	struct buf id;
	uint32_t owner = 0;
	enum rc rc = dir_address(text, a, &address);
	if (rc != RC_OK) {
		check_tell(p->check, CHECK_LOST, "principal %" PRIu32 ": \"%.*s\" is no address",
			who->id, FMT(text));
		return rc == RC_LIMIT ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
	}
	struct slice key = dir_key_address(a, &address);
	rc = data_get(p->check->data, DATA_MAIN, key, a, &value, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	if (rc == RC_OK && dir_id_read(value, &owner, NULL) == RC_OK && owner == who->id)
		return RC_OK;
	if (rc == RC_OK && owner) {
		check_tell(p->check, CHECK_LOST,
			"%.*s belongs to principal %" PRIu32 ", and %" PRIu32 " claims it too",
			FMT(text), owner, who->id);
		return RC_OK;
	}
	buf_init(&id, 0, a);
	buf_be32(&id, who->id);
	data_batch_init(&b, a);
	data_put(&b, DATA_MAIN, key, buf_slice(&id));
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED, "%.*s leads to principal %" PRIu32 " again", FMT(text),
		who->id);
	return RC_OK;
}

static enum rc prove_principal(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct dir_principal who;
	struct slice tail = slice_tail(key, 2);
	uint32_t id = 0;
	if (take_be32(&tail, &id) != RC_OK || tail.len ||
		dir_principal_read(value, id, a, &who, why) != RC_OK)
		return check_park(p->check, key, value,
			arena_fmt(a, "the record of principal %" PRIu32 " cannot be read", id),
			why);
	if (id > p->id_last)
		p->id_last = id;
	TRY(prove_address(p, &who, who.address, a, why));
	for (size_t i = 0; i < who.naliases; i++)
		TRY(prove_address(p, &who, who.aliases[i], a, why));
	return RC_OK;
}

static enum rc prove_secret(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct dir_secret secret;
	struct slice tail = slice_tail(key, 2);
	uint32_t id = 0;
	if (take_be32(&tail, &id) == RC_OK && dir_secret_read(value, a, &secret, why) == RC_OK)
		return RC_OK;
	return check_park(p->check, key, value,
		arena_fmt(a,
			"the password of principal %" PRIu32
			" cannot be read; set it anew with `veredus account passwd`",
			id),
		why);
}

static enum rc prove_domain(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct dir_domain domain = { .name = slice_tail(key, 2) };
	if (dir_domain_read(value, &domain, why) == RC_OK)
		return RC_OK;
	return check_park(p->check, key, value,
		arena_fmt(a, "the record of the domain %.*s cannot be read", FMT(domain.name)),
		why);
}

static bool has_address(const struct dir_principal *who, struct slice key, struct arena *a)
{
	struct dir_address address;
	if (dir_address(who->address, a, &address) == RC_OK &&
		slice_eq(dir_key_address(a, &address), key))
		return true;
	for (size_t i = 0; i < who->naliases; i++) {
		if (dir_address(who->aliases[i], a, &address) == RC_OK &&
			slice_eq(dir_key_address(a, &address), key))
			return true;
	}
	return false;
}

/* An address whose principal is gone, or does not know it, leads nowhere. */
static enum rc prove_owner(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct dir_principal who = { 0 };
	struct slice record, rest = slice_tail(key, 2);
	struct slice domain = slice_split(&rest, 0);
	struct data_batch b;
	uint32_t id = 0;
	enum rc rc = RC_NONE;
	if (dir_id_read(value, &id, NULL) == RC_OK)
		rc = data_get(p->check->data, DATA_MAIN, dir_key_id(a, 'p', id), a, &record, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	if (rc == RC_OK && (dir_principal_read(record, id, a, &who, NULL) != RC_OK ||
				   has_address(&who, key, a)))
		return RC_OK;
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, key, value);
	data_delete(&b, DATA_MAIN, key);
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED, "%.*s@%.*s led to nobody, and is free again", FMT(rest),
		FMT(domain));
	return RC_OK;
}

/* The next id is behind all that were given. */
static enum rc prove_next(struct proof *p, struct fault *why)
{
	struct arena a;
	struct buf next;
	struct slice value;
	struct data_batch b;
	uint32_t id = 0;
	arena_init(&a, 0);
	buf_init(&next, 0, &a);
	data_batch_init(&b, &a);
	enum rc rc = data_get(p->check->data, DATA_MAIN, S("Dn"), &a, &value, why);
	bool right = rc == RC_OK && dir_id_read(value, &id, NULL) == RC_OK && id > p->id_last;
	if (!right && (rc == RC_OK || (rc == RC_NONE && p->id_last))) {
		buf_be32(&next, p->id_last + 1);
		data_put(&b, DATA_MAIN, S("Dn"), buf_slice(&next));
		rc = check_commit(p->check, &b, why);
		if (rc == RC_OK)
			check_tell(p->check, CHECK_MENDED,
				"the next principal's id is %" PRIu32 " again", p->id_last + 1);
	}
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc dir_check(struct check *check, struct fault *why)
{
	struct proof p = { .check = check };
	static const struct {
		struct check_range range;
		check_visit_fn *visit;
	} walks[] = {
		{ { "domains", { (const uint8_t *)"Dd", 2 }, { (const uint8_t *)"De", 2 } },
			prove_domain },
		{ { "principals", { (const uint8_t *)"Dp", 2 }, { (const uint8_t *)"Dq", 2 } },
			prove_principal },
		{ { "passwords", { (const uint8_t *)"Ds", 2 }, { (const uint8_t *)"Dt", 2 } },
			prove_secret },
		{ { "addresses", { (const uint8_t *)"Da", 2 }, { (const uint8_t *)"Db", 2 } },
			prove_owner },
	};
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		TRY(check_walk(check, &walks[i].range, walks[i].visit, &p, why));
	return prove_next(&p, why);
}
