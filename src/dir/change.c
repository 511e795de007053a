/* change.c: One change of the directory: read, assert the generation, commit, forget; again when another was first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir_int.h"

enum { TRIES_MOST = 64 };

void dir_change_put(struct dir_change *c, struct slice key, struct slice value)
{
	data_put(&c->batch, DATA_MAIN, key, value);
	buf_vslice(&c->touched, key);
}

void dir_change_delete(struct dir_change *c, struct slice key)
{
	data_delete(&c->batch, DATA_MAIN, key);
	buf_vslice(&c->touched, key);
}

enum rc dir_change_read(
	struct dir_change *c, struct slice key, struct slice *value, struct fault *why)
{
	for (size_t i = c->batch.n; i-- > 0;) { /* what this change itself has put or deleted */
		const struct data_op *op = &c->batch.ops[i];
		if (op->space != DATA_MAIN || !slice_eq(op->key, key))
			continue;
		if (op->kind == DATA_DELETE)
			return RC_NONE;
		if (op->kind == DATA_PUT) {
			*value = op->value;
			return RC_OK;
		}
	}
	return data_get(c->dir->data, DATA_MAIN, key, &c->arena, value, why);
}

enum rc dir_change_principal(
	struct dir_change *c, uint32_t id, struct dir_principal *p, struct fault *why)
{
	struct slice value;
	enum rc rc = dir_change_read(c, dir_key_id(&c->arena, 'p', id), &value, why);
	if (rc == RC_NONE)
		return fault_set(
			why, FAULT_NOT_FOUND, "no account, group or list has the number %u", id);
	TRY(rc);
	return dir_principal_read(value, id, &c->arena, p, why);
}

enum rc dir_change_principal_put(
	struct dir_change *c, const struct dir_principal *p, struct fault *why)
{
	struct slice value;
	if (dir_principal_write(p, &c->arena, &value) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "the record is too big");
	dir_change_put(c, dir_key_id(&c->arena, 'p', p->id), value);
	return RC_OK;
}

/* [dir 1]: asserts the generation that is now, and moves it. */
static enum rc begin(struct dir_change *c, struct fault *why)
{
	struct slice key = dir_key(&c->arena, 'g', S("")), value;
	enum rc rc = data_get(c->dir->data, DATA_MAIN, key, &c->arena, &value, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	struct slice in = rc == RC_OK ? value : S("");
	if (rc == RC_OK && take_be64(&in, &c->generation) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "the directory's generation cannot be read");
	data_batch_init(&c->batch, &c->arena);
	if (rc == RC_OK)
		data_assert(&c->batch, DATA_MAIN, key, value);
	else
		data_assert_absent(&c->batch, DATA_MAIN, key);
	struct buf next;
	buf_init(&next, 0, &c->arena);
	buf_be64(&next, c->generation + 1);
	data_put(&c->batch, DATA_MAIN, key, buf_slice(&next));
	return RC_OK;
}

static void forget(struct dir_change *c)
{
	struct slice all = buf_slice(&c->touched), key;
	while (take_vslice(&all, &key) == RC_OK)
		dir_cache_forget(c->dir->cache, key);
}

/* *is_conflict: another change was first. */
static enum rc run_once(
	struct dir *dir, dir_change_fn *fn, const void *args, bool *is_conflict, struct fault *why)
{
	struct dir_change c = { .dir = dir };
	arena_init(&c.arena, 0);
	buf_init(&c.touched, 0, &c.arena);
	enum rc rc = begin(&c, why);
	if (rc == RC_OK)
		rc = fn(&c, args, why);
	*is_conflict = false;
	if (rc == RC_OK) {
		rc = data_commit_now(dir->data, &c.batch, why);
		*is_conflict = rc == RC_TAKEN;
		forget(&c);
	}
	arena_done(&c.arena);
	return rc;
}

enum rc dir_change_run(struct dir *dir, dir_change_fn *fn, const void *args, struct fault *why)
{
	enum rc rc = RC_OK;
	bool is_conflict = true;
	for (size_t i = 0; is_conflict && i < TRIES_MOST; i++)
		rc = run_once(dir, fn, args, &is_conflict, why);
	return is_conflict ? fault_set(why, FAULT_CONFLICT,
				     "the directory is changed too often; try again")
			   : rc;
}
