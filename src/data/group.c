/* group.c: A group of batches: which asserts hold, what is written, and a second look when others were faster. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"
#include "base/mem.h"
#include "base/metric.h"
#include "data/data_int.h"
#include "data/order.h"
#include "data/overlay.h"
#include "run/run.h"

/* --- asserts --- */

/* Others of the group may have asked the same. */
static bool has_failed(const struct data *data, const struct data_op *op)
{
	for (size_t i = 0; i < data->failed_n; i++) {
		const struct data_op *f = data->failed[i];
		if (f->kind == op->kind && f->space == op->space && slice_eq(f->key, op->key) &&
			(op->kind == DATA_ASSERT_ABSENT || slice_eq(f->value, op->value)))
			return true;
	}
	return false;
}

/* The server checks it, in the same round trip. */
static enum rc hand_on(struct data *data, struct data_batch *b, const struct data_op *op)
{
	if (has_failed(data, op))
		return RC_TAKEN;
	if (data->asserts_n == data->asserts_cap) {
		data->asserts_cap = data->asserts_cap ? data->asserts_cap * 2 : 64;
		data->asserts = mem_more(
			MEM_STORE, data->asserts, data->asserts_cap * sizeof(*data->asserts));
	}
	data->asserts[data->asserts_n++] = (struct engine_assert){ .op = op, .batch = b };
	return RC_OK;
}

struct same {
	struct slice want;
	bool is;
};

static void compare(void *ctx, struct slice value)
{
	struct same *s = ctx;
	s->is = slice_eq(value, s->want);
}

/* Does the key have this value now, or is it absent? */
static enum rc holds(struct data *data, struct data_batch *b, const struct data_op *op)
{
	bool absent = op->kind == DATA_ASSERT_ABSENT;
	const struct data_op *last = overlay_get(data->overlay, op->space, op->key);
	struct same same = { .want = op->value };
	if (last && last->kind == DATA_PUT)
		return !absent && slice_eq(last->value, op->value) ? RC_OK : RC_TAKEN;
	if (last && last->kind == DATA_DELETE)
		return absent ? RC_OK : RC_TAKEN;
	if (last)
		return RC_TAKEN; /* a counter was added to: it cannot be asserted in the same group */
	if (data->engine->commit)
		return hand_on(data, b, op);
	enum rc rc = data->engine->look(data->e, op->space, op->key, compare, &same, NULL);
	atomic_fetch_add_explicit(&data->keys_read, 1, memory_order_relaxed);
	if (rc == RC_NONE)
		return absent ? RC_OK : RC_TAKEN;
	if (rc != RC_OK)
		return RC_TEMP;
	return !absent && same.is ? RC_OK : RC_TAKEN;
}

static bool is_assert(const struct data_op *op)
{
	return op->kind == DATA_ASSERT || op->kind == DATA_ASSERT_ABSENT;
}

static enum rc check(struct data *data, struct data_batch *b)
{
	size_t before = data->asserts_n;
	enum rc rc = RC_OK;
	if (b->over)
		return RC_TEMP;
	if (!b->asserts)
		return RC_OK;
	for (size_t i = 0, asserts = 0; rc == RC_OK && i < b->n; i++) {
		if (!is_assert(&b->ops[i]))
			continue;
		rc = holds(data, b, &b->ops[i]);
		/* a chaos build lets each first batch lose to somebody who is not there */
		if (rc == RC_OK && asserts++ == 0 &&
			chaos_conflicts(b->ops[i].key, b->ops[i].value))
			rc = RC_TAKEN;
	}
	if (rc != RC_OK)
		data->asserts_n = before;
	return rc;
}

/* --- what is written --- */

static void collect(struct data *data, const struct data_batch *b)
{
	if (data->ops_n + b->n > data->ops_cap) {
		data->ops_cap = (data->ops_n + b->n) * 2;
		data->ops = mem_more(MEM_STORE, data->ops, data->ops_cap * sizeof(*data->ops));
	}
	for (size_t i = 0; i < b->n; i++) {
		if (is_assert(&b->ops[i]))
			continue;
		data->ops[data->ops_n++] = &b->ops[i];
		if (b->next) /* whose asserts see it */
			overlay_put(data->overlay, &b->ops[i]);
	}
}

static void plan(struct data *data, struct data_batch *group)
{
	data->ops_n = data->asserts_n = 0;
	data->flush = false;
	overlay_reset(data->overlay);
	for (struct data_batch *b = group; b; b = b->next) {
		b->rc = b->lost ? RC_TAKEN : check(data, b);
		if (b->rc != RC_OK)
			continue;
		collect(data, b);
		data->flush |= !b->lazy;
	}
	order_sort(data->ops, data->ops_n);
}

static enum rc write_once(struct data *data, bool again, struct fault *why)
{
	struct engine_group g = { .asserts = data->asserts,
		.asserts_n = data->asserts_n,
		.ops = data->ops,
		.n = data->ops_n,
		.flush = data->flush,
		.again = again };
	uint64_t began = run_now_us();
	if (g.n + g.asserts_n == 0)
		return RC_OK;
	enum rc rc = data->engine->commit ? data->engine->commit(data->e, &g, why)
					  : data->engine->write(data->e, g.ops, g.n, g.flush, why);
	metric_time(METRIC_STORE_FLUSH_US, run_now_us() - began);
	metric_add(METRIC_STORE_GROUPS, g.flush && g.n);
	atomic_fetch_add_explicit(&data->groups, g.flush && g.n, memory_order_relaxed);
	return rc;
}

/* Somebody else was faster, or an assert never held: its batch is lost. The others are planned anew, for they may have built
 * upon it, or have failed because of it. */
static void tell_taken(struct data *data)
{
	for (size_t i = 0; i < data->asserts_n; i++) {
		if (!data->asserts[i].taken)
			continue;
		data->asserts[i].batch->lost = true;
		if (data->failed_n == data->failed_cap) {
			data->failed_cap = data->failed_cap ? data->failed_cap * 2 : 64;
			data->failed = mem_more(MEM_STORE, data->failed,
				data->failed_cap * sizeof(const struct data_op *));
		}
		data->failed[data->failed_n++] = data->asserts[i].op;
	}
}

static enum rc write_rest(
	struct data *data, struct data_batch *group, enum rc rc, struct fault *why)
{
	while (rc == RC_TAKEN) {
		tell_taken(data);
		plan(data, group);
		rc = write_once(data, false, why);
	}
	return rc;
}

enum rc group_write(struct data *data, struct data_batch *group, struct fault *why)
{
	data->failed_n = 0;
	plan(data, group);
	return write_rest(data, group, write_once(data, false, why), why);
}

enum rc group_again(struct data *data, struct data_batch *group, struct fault *why)
{
	return write_rest(data, group, write_once(data, true, why), why);
}
