/* leftover.c: Objects in far places that nobody links, and their reservations. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_int.h"
#include "run/run.h"

struct slice leftover_value(struct arena *a, const struct blob_meta *m, bool parts)
{
	struct buf v;
	buf_init(&v, 0, a);
	buf_be64(&v, 0); /* nobody's, of no time: two of one object are alike */
	buf_be64(&v, 0);
	buf_be64(&v, parts);
	buf_be64(&v, (uint64_t)m->born);
	buf_byte(&v, (uint8_t)m->where);
	return buf_slice(&v);
}

struct value {
	uint64_t owner, pieces;
	int64_t since, born;
	enum meta_where where;
};

static enum rc read_value(struct slice v, struct value *out)
{
	uint64_t since, born;
	TRY(take_be64(&v, &out->owner));
	TRY(take_be64(&v, &since));
	TRY(take_be64(&v, &out->pieces));
	uint8_t where;
	TRY(take_be64(&v, &born));
	TRY(take_byte(&v, &where));
	out->where = where;
	out->since = (int64_t)since;
	out->born = (int64_t)born;
	return RC_OK;
}

bool leftover_is(struct slice value)
{
	struct value v;
	return read_value(value, &v) == RC_OK;
}

bool leftover_expired(struct slice value, int64_t before)
{
	struct value v;
	if (before == 0 || read_value(value, &v) != RC_OK)
		return false;
	return v.owner == 0 || v.since < before;
}

/* From here on no batch can link it: all assert what the reservation was. */
static enum rc mark(struct blob *blob, struct slice key, struct slice value, struct arena *a,
	struct slice *marked, struct fault *why)
{
	struct data_batch b;
	struct value v;
	if (read_value(value, &v) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "a reservation is damaged");
	*marked = value;
	if (v.owner == 0)
		return RC_OK;
	struct blob_meta m = { .born = v.born, .where = v.where };
	*marked = leftover_value(a, &m, true);
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
	struct value v;
	struct place *place;
	TRY(mark(blob, key, value, a, &marked, why));
	TRY(take_be64(&id, &name.upload));
	TRY(read_value(marked, &v));
	name.born = v.born;
	name.is_cold = v.where == META_IN_COLD;
	TRY(meta_place(blob, v.where, &place, why));
	TRY(place_remove(place, &name, v.pieces != 0, why));
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
