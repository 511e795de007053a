/* dir.c: Reading the directory: by id, by address, a domain, a secret. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"
#include "base/mem.h"

struct dir *dir_new(struct data *data, size_t cache_bytes)
{
	struct dir *dir = mem_new(MEM_OTHER, sizeof(*dir));
	dir->data = data;
	dir->cache = dir_cache_new(cache_bytes);
	return dir;
}

void dir_free(struct dir **dir)
{
	if (!*dir)
		return;
	dir_cache_free(&(*dir)->cache);
	mem_free(MEM_OTHER, *dir);
	*dir = NULL;
}

void dir_cache_limit(struct dir *dir, size_t bytes)
{
	dir_cache_shrink(dir->cache, bytes);
}

void dir_stats(struct dir *dir, struct dir_stats *out)
{
	dir_cache_stats(dir->cache, out);
}

void dir_evict(struct dir *dir, size_t bytes)
{
	dir_cache_evict(dir->cache, bytes);
}

void dir_forget(struct dir *dir)
{
	dir_cache_clear(dir->cache);
}

enum rc dir_read(
	struct dir *dir, struct slice key, struct arena *a, struct slice *value, struct fault *why)
{
	uint64_t epoch;
	enum rc rc = dir_cache_get(dir->cache, key, a, value, &epoch);
	if (rc == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "a directory record is too big to read");
	if (rc != RC_MORE)
		return rc;
	rc = data_get(dir->data, DATA_MAIN, key, a, value, why);
	if (rc == RC_OK)
		dir_cache_put(dir->cache, key, value, epoch);
	else if (rc == RC_NONE)
		dir_cache_put(dir->cache, key, NULL, epoch);
	return rc;
}

enum rc dir_owner(struct dir *dir, const struct dir_address *address, struct arena *a, uint32_t *id,
	struct fault *why)
{
	struct slice value;
	TRY(dir_read(dir, dir_key_address(a, address), a, &value, why));
	return dir_id_read(value, id, why);
}

enum rc dir_owner_sub(struct dir *dir, const struct dir_address *address, struct arena *a,
	uint32_t *id, bool *is_sub, struct fault *why)
{
	*is_sub = false;
	enum rc rc = dir_owner(dir, address, a, id, why);
	if (rc != RC_NONE || address->base.len == address->local.len)
		return rc;
	struct dir_address base = *address;
	base.local = base.base;
	*is_sub = true;
	return dir_owner(dir, &base, a, id, why);
}

struct two {
	struct arena *a;
	struct slice first;
	size_t n;
	enum rc rc;
};

static bool count_two(void *ctx, struct slice key, struct slice value)
{
	struct two *t = ctx;
	(void)value;
	if (t->n++ == 0)
		t->rc = arena_copy(t->a, slice_tail(key, 2), &t->first);
	return t->n < 2;
}

/* The name of the only domain is cached under the key that a domain without a name would have. */
enum rc dir_complete(
	struct dir *dir, struct arena *a, struct dir_address *address, struct fault *why)
{
	if (address->domain.len > 0)
		return RC_OK;
	uint64_t epoch;
	struct slice key = dir_key(a, 'd', S(""));
	enum rc rc = dir_cache_get(dir->cache, key, a, &address->domain, &epoch);
	if (rc != RC_MORE)
		return rc;
	struct two t = { .a = a };
	struct data_range range = {
		.space = DATA_MAIN, .from = key, .to = dir_key(a, 'd' + 1, S("")), .limit = 2
	};
	TRY(data_scan(dir->data, &range, count_two, &t, why));
	TRY(t.rc);
	dir_cache_put(dir->cache, key, t.n == 1 ? &t.first : NULL, epoch);
	if (t.n != 1)
		return RC_NONE;
	address->domain = t.first;
	return RC_OK;
}

enum rc dir_principal(
	struct dir *dir, uint32_t id, struct arena *a, struct dir_principal *out, struct fault *why)
{
	struct slice value;
	enum rc rc = dir_read(dir, dir_key_id(a, 'p', id), a, &value, why);
	if (rc == RC_NONE)
		return fault_set(
			why, FAULT_NOT_FOUND, "no account, group or list has the number %u", id);
	TRY(rc);
	return dir_principal_read(value, id, a, out, why);
}

enum rc dir_find(struct dir *dir, struct slice name, struct arena *a, struct dir_principal *out,
	struct fault *why)
{
	struct dir_address address;
	uint32_t id;
	enum rc rc = dir_address(name, a, &address);
	if (rc == RC_OK)
		rc = dir_complete(dir, a, &address, why);
	if (rc == RC_OK)
		rc = dir_owner(dir, &address, a, &id, why);
	if (rc == RC_NONE || rc == RC_BAD)
		return fault_set(
			why, FAULT_NOT_FOUND, "nobody here has the address %.*s", FMT(name));
	if (rc == RC_LIMIT && why->id == FAULT_NONE)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(rc);
	return dir_principal(dir, id, a, out, why);
}

enum rc dir_secret(
	struct dir *dir, uint32_t id, struct arena *a, struct dir_secret *out, struct fault *why)
{
	struct slice value;
	enum rc rc = dir_read(dir, dir_key_id(a, 's', id), a, &value, why);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NOT_FOUND, "account %u has no password", id);
	TRY(rc);
	return dir_secret_read(value, a, out, why);
}
