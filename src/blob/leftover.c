/* leftover.c: Objects in far places that nobody links, and their reservations. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_int.h"
#include "run/run.h"

enum { EXPIRES_S = 3600 };

struct slice leftover_value(struct arena *a, int64_t born)
{
	struct buf v;
	buf_init(&v, 0, a);
	buf_be64(&v, 0); /* nobody's, of no time: two of one object are alike */
	buf_be64(&v, 0);
	buf_be64(&v, 0);
	buf_be64(&v, (uint64_t)born);
	return buf_slice(&v);
}

static enum rc read_value(struct slice v, uint64_t *owner, int64_t *since, int64_t *born)
{
	uint64_t s, pieces, b;
	TRY(take_be64(&v, owner));
	TRY(take_be64(&v, &s));
	TRY(take_be64(&v, &pieces));
	TRY(take_be64(&v, &b));
	*since = (int64_t)s;
	*born = (int64_t)b;
	return RC_OK;
}

bool leftover_is(struct slice value)
{
	uint64_t owner;
	int64_t since, born;
	return read_value(value, &owner, &since, &born) == RC_OK;
}

bool leftover_expired(const struct blob *blob, struct slice value, int64_t before)
{
	uint64_t owner;
	int64_t since, born;
	if (read_value(value, &owner, &since, &born) != RC_OK)
		return false;
	if (owner && owner != blob->owner && before < run_unix(NULL) - EXPIRES_S)
		before = run_unix(NULL) - EXPIRES_S;
	return owner == 0 || since < before;
}

/* From here on no batch can link it: all assert what the reservation was. */
static enum rc mark(struct blob *blob, struct slice key, struct slice value, struct arena *a,
	struct slice *marked, struct fault *why)
{
	struct data_batch b;
	uint64_t owner;
	int64_t since, born;
	if (read_value(value, &owner, &since, &born) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "a reservation is damaged");
	*marked = value;
	if (owner == 0)
		return RC_OK;
	*marked = leftover_value(a, born);
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, key, value);
	data_put(&b, DATA_MAIN, key, *marked);
	return data_commit_now(blob->data, &b, why);
}

static enum rc drop(
	struct blob *blob, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct slice marked, id = slice_tail(key, 2);
	struct place_name name = { 0 };
	struct data_batch b;
	uint64_t owner;
	int64_t since;
	TRY(mark(blob, key, value, a, &marked, why));
	TRY(take_be64(&id, &name.upload));
	TRY(read_value(marked, &owner, &since, &name.born));
	if (!blob->place)
		return fault_set(why, FAULT_STORE, "an object lies in a store that is not named");
	TRY(place_remove(blob->place, &name, why));
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, key, marked);
	data_delete(&b, DATA_MAIN, key);
	return data_commit_now(blob->data, &b, why);
}

enum rc leftover_drop(struct blob *blob, struct slice key, struct slice value, struct fault *why)
{
	struct arena a;
	arena_init(&a, 0);
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = drop(blob, key, value, &a, why);
	run_block_end();
	arena_done(&a);
	return rc;
}
