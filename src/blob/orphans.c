/* orphans.c: Files that no content refers to: of commits that never came, or purged when the power went. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/random.h"
#include "blob/blob_int.h"
#include "blob/files.h"

enum { PIECE = 64, MARK_LEN = 16 };

struct blob_walk {
	struct files_walk files;
};

/* --- is the folder this store's? --- */

static struct slice mark_key(void)
{
	return S("Bi");
}

/* The store's mark; made when it has none. */
static enum rc mark_of(struct blob *blob, struct arena *a, struct slice *mark, struct fault *why)
{
	struct data_batch b;
	enum rc rc = data_get(blob->data, DATA_MAIN, mark_key(), a, mark, why);
	if (rc != RC_NONE)
		return rc;
	uint8_t *bytes = arena_try(a, MARK_LEN);
	if (!bytes)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	random_bytes(bytes, MARK_LEN);
	*mark = slice_of(bytes, MARK_LEN);
	data_batch_init(&b, a);
	data_assert_absent(&b, DATA_MAIN, mark_key());
	data_put(&b, DATA_MAIN, mark_key(), *mark);
	return data_commit_now(blob->data, &b, why);
}

/* A folder of another store, or of this one as a backup knew it, is full of files that look like orphans. */
static enum rc is_ours(struct blob *blob, bool *ours, struct fault *why)
{
	struct arena a;
	struct slice mark;
	arena_init(&a, 0);
	enum rc rc = mark_of(blob, &a, &mark, why);
	if (rc == RC_OK)
		rc = files_mark(files_of(blob->place), mark, ours, why);
	arena_done(&a);
	if (rc == RC_OK && !*ours)
		event_log(EVENT_STORE_FOREIGN, f_str("path", files_of(blob->place)->path));
	return rc;
}

/* --- uploads whose files have their names already --- */

void blob_naming(struct blob *blob, uint64_t was, uint64_t now)
{
	size_t at = 0;
	lock_enter(&blob->lock);
	while (was && at < blob->naming_n && blob->naming[at] != was)
		at++;
	if (was && at < blob->naming_n)
		blob->naming[at] = blob->naming[--blob->naming_n];
	if (now && blob->naming_n == blob->naming_cap) {
		blob->naming_cap = blob->naming_cap ? blob->naming_cap * 2 : 16;
		blob->naming =
			mem_more(MEM_STORE, blob->naming, blob->naming_cap * sizeof(*blob->naming));
	}
	if (now)
		blob->naming[blob->naming_n++] = now;
	lock_leave(&blob->lock);
}

static bool is_naming(struct blob *blob, uint64_t upload)
{
	bool found = false;
	lock_enter(&blob->lock);
	for (size_t i = 0; !found && i < blob->naming_n; i++)
		found = blob->naming[i] == upload;
	lock_leave(&blob->lock);
	return found;
}

/* An upload that is not under way here has its commit behind it: the store says whether that came. */
static enum rc look(struct blob *blob, const struct files_entry *e, int64_t before, size_t *n,
	struct fault *why)
{
	struct arena a;
	struct slice meta;
	struct blob_meta m = { 0 };
	struct blob_ref ref = { 0 };
	if (e->named >= before || is_naming(blob, e->name.upload))
		return RC_OK;
	memcpy(ref.hash, e->name.hash, sizeof(ref.hash));
	arena_init(&a, 0);
	enum rc rc = meta_get(blob, &ref, &a, &meta, &m, why);
	arena_done(&a);
	if (rc == RC_LOST || (rc == RC_OK && m.upload == e->name.upload))
		return RC_OK;
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	TRY(place_remove(blob->place, &e->name, false, why));
	(*n)++;
	metric_add(METRIC_BLOB_FILES_SWEPT, 1);
	return RC_OK;
}

static enum rc begin(struct blob *blob, struct blob_walk **walk, struct fault *why)
{
	bool ours = false;
	TRY(is_ours(blob, &ours, why));
	if (!ours)
		return RC_NONE;
	*walk = mem_new(MEM_STORE, sizeof(**walk));
	return files_walk(files_of(blob->place), &(*walk)->files, why);
}

static enum rc some(
	struct blob *blob, struct blob_walk *walk, int64_t before, size_t *n, struct fault *why)
{
	for (size_t i = 0; i < PIECE; i++) {
		struct files_entry e;
		TRY(files_next(&walk->files, &e, why));
		TRY(look(blob, &e, before, n, why));
	}
	return RC_MORE;
}

enum rc blob_orphans(
	struct blob *blob, struct blob_walk **walk, int64_t before, size_t *n, struct fault *why)
{
	enum rc rc = RC_OK;
	if (!files_of(blob->place))
		return RC_OK;
	if (!*walk)
		rc = begin(blob, walk, why);
	if (rc == RC_OK)
		rc = some(blob, *walk, before, n, why);
	if (rc != RC_MORE)
		blob_walk_end(walk);
	return rc == RC_NONE ? RC_OK : rc;
}

void blob_walk_end(struct blob_walk **walk)
{
	if (*walk)
		files_walk_done(&(*walk)->files);
	mem_free(MEM_STORE, *walk);
	*walk = NULL;
}
