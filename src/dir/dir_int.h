/* dir_int.h: What the files of the directory share: records, cache, one change. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIR_DIR_INT_H
#define DIR_DIR_INT_H

#include "dir/dir.h"

struct dir_cache;

struct dir {
	struct data *data;
	struct dir_cache *cache;
};

/* ---- keys (record.c); each lives in `a` ---- */
struct slice dir_key(struct arena *a, uint8_t kind, struct slice tail);
struct slice dir_key_id(struct arena *a, uint8_t kind, uint32_t id);
struct slice dir_key_address(struct arena *a, const struct dir_address *address);

/* ---- records (record.c): written to an arena, read as views into `in`. RC_LOST: DAMAGED ---- */
enum rc dir_principal_write(const struct dir_principal *p, struct arena *a, struct slice *out);
enum rc dir_principal_read(
	struct slice in, uint32_t id, struct arena *a, struct dir_principal *p, struct fault *why);
enum rc dir_secret_write(const struct dir_secret *s, struct arena *a, struct slice *out);
enum rc dir_secret_read(struct slice in, struct arena *a, struct dir_secret *s, struct fault *why);
enum rc dir_domain_write(const struct dir_domain *d, struct arena *a, struct slice *out);
enum rc dir_domain_read(struct slice in, struct dir_domain *d, struct fault *why);
enum rc dir_id_read(struct slice in, uint32_t *id, struct fault *why);

/* "local@domain", or "local". */
struct slice dir_address_text(const struct dir_address *address, struct arena *a);

/* ---- cache.c: raw keys and values with a byte cap; its mutex is a leaf ---- */
struct dir_cache *dir_cache_new(size_t bytes);
void dir_cache_free(struct dir_cache **cache);
/* RC_OK: *value, copied to `a`. RC_NONE: known to be absent. RC_MORE: not here; read the store, then put with *epoch. */
enum rc dir_cache_get(struct dir_cache *c, struct slice key, struct arena *a, struct slice *value,
	uint64_t *epoch);
/* `value` NULL: absent. Nothing happens when something was forgotten since `epoch`. */
void dir_cache_put(
	struct dir_cache *c, struct slice key, const struct slice *value, uint64_t epoch);
void dir_cache_forget(struct dir_cache *c, struct slice key);
void dir_cache_clear(struct dir_cache *c);
void dir_cache_evict(struct dir_cache *c, size_t bytes);
void dir_cache_shrink(struct dir_cache *c, size_t most);
void dir_cache_stats(struct dir_cache *c, struct dir_stats *out);

/* ---- reading (dir.c), through the cache. RC_NONE without a fault ---- */
enum rc dir_read(
	struct dir *dir, struct slice key, struct arena *a, struct slice *value, struct fault *why);
/* The id behind an address: exactly this one. RC_NONE without a fault. */
enum rc dir_owner(struct dir *dir, const struct dir_address *address, struct arena *a, uint32_t *id,
	struct fault *why);
/* The same, then without its sub-address (is_sub: that one fitted). */
enum rc dir_owner_sub(struct dir *dir, const struct dir_address *address, struct arena *a,
	uint32_t *id, bool *is_sub, struct fault *why);
/* Puts the only domain into an address without one. RC_NONE: there is not exactly one. */
enum rc dir_complete(
	struct dir *dir, struct arena *a, struct dir_address *address, struct fault *why);

/* ---- changing (change.c) ---- */
enum { DIR_TOUCHED_MOST = 16 };
struct dir_change {
	struct dir *dir;
	struct arena arena;
	struct data_batch batch;
	struct buf touched; /* keys, each length-prefixed: forgotten after the commit */
	uint64_t generation; /* before */
};
/* Fills the batch, or says why not. It is called again when another change was first. */
typedef enum rc dir_change_fn(struct dir_change *c, const void *args, struct fault *why);
enum rc dir_change_run(struct dir *dir, dir_change_fn *fn, const void *args, struct fault *why);
void dir_change_put(struct dir_change *c, struct slice key, struct slice value);
void dir_change_delete(struct dir_change *c, struct slice key);
/* Reads the store itself. RC_NONE without a fault. */
enum rc dir_change_read(
	struct dir_change *c, struct slice key, struct slice *value, struct fault *why);
/* RC_NONE: NOT_FOUND. */
enum rc dir_change_principal(
	struct dir_change *c, uint32_t id, struct dir_principal *p, struct fault *why);
enum rc dir_change_principal_put(
	struct dir_change *c, const struct dir_principal *p, struct fault *why);

#endif
