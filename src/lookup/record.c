/* record.c: Records with expiry, and the arithmetic of windows and locks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup/engine.h"

void lookup_record_write(struct buf *out, const struct lookup_record *r)
{
	buf_byte(out, (uint8_t)r->kind);
	buf_be64(out, r->until_us);
	buf_varint(out, r->n);
	buf_add(out, r->bytes);
}

struct lookup_record lookup_record_read(struct slice stored, uint64_t now_us)
{
	struct lookup_record r = { .kind = LOOKUP_RECORD_NONE }, none = r;
	uint8_t kind;
	if (take_byte(&stored, &kind) != RC_OK || take_be64(&stored, &r.until_us) != RC_OK ||
		take_varint(&stored, &r.n) != RC_OK || kind > LOOKUP_RECORD_LOCK)
		return none;
	r.kind = (enum lookup_record_kind)kind;
	r.bytes = stored;
	return r.until_us && r.until_us <= now_us ? none : r;
}

static bool add_fixed(struct lookup_record *r, const struct lookup_add *add, uint64_t now_us,
	struct lookup_count *out)
{
	const struct lookup_window *w = &add->window;
	struct lookup_record with = *r;
	if (r->kind != LOOKUP_RECORD_COUNT || r->until_us <= now_us)
		with = (struct lookup_record){ .kind = LOOKUP_RECORD_COUNT,
			.until_us = now_us + w->period_ms * 1000 };
	with.n += add->n;
	*out = (struct lookup_count){ .count = with.n, .is_over = with.n > w->most };
	out->wait_ms = out->is_over ? (with.until_us - now_us + 999) / 1000 : 0;
	if (add->n == 0) /* who looks begins no window */
		return false;
	*r = with;
	return true;
}

/* The virtual scheduling of ITU-T I.371: each addition moves the time at which the bucket would be empty. */
static bool add_leaky(struct lookup_record *r, const struct lookup_add *add, uint64_t now_us,
	struct lookup_count *out)
{
	const struct lookup_window *w = &add->window;
	uint64_t period = w->period_ms * 1000, from = now_us;
	if (r->kind == LOOKUP_RECORD_COUNT && r->until_us > now_us)
		from = r->until_us;
	__extension__ typedef unsigned __int128 wide;
	wide cost = (wide)add->n * period / w->most;
	cost = cost < add->n ? add->n : cost;
	wide level = from - now_us, with = level + cost;
	*out = (struct lookup_count){ .is_over = add->n > 0 && with > period };
	if (out->is_over)
		out->wait_ms = (uint64_t)((with - period + 999) / 1000);
	else
		level = with;
	out->count = (uint64_t)((level * w->most + period - 1) / period);
	if (add->n == 0 || out->is_over)
		return false;
	*r = (struct lookup_record){ .kind = LOOKUP_RECORD_COUNT,
		.until_us = now_us + (uint64_t)level };
	return true;
}

bool lookup_window_add(struct lookup_record *r, const struct lookup_add *add, uint64_t now_us,
	struct lookup_count *out)
{
	return add->window.kind == LOOKUP_FIXED ? add_fixed(r, add, now_us, out)
						: add_leaky(r, add, now_us, out);
}

enum rc lookup_lock_take(
	struct lookup_record *r, const struct lookup_lock *lock, uint64_t now_us, uint64_t *fence)
{
	bool is_held = r->kind == LOOKUP_RECORD_LOCK;
	if (is_held && !slice_eq(r->bytes, lock->owner))
		return RC_TAKEN;
	*fence = is_held ? r->n : now_us;
	*r = (struct lookup_record){ .kind = LOOKUP_RECORD_LOCK,
		.until_us = now_us + lock->ttl_ms * 1000,
		.n = *fence,
		.bytes = lock->owner };
	return RC_OK;
}
