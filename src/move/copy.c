/* copy.c: Copies both key spaces in order, then compares them; the target remembers how far it came. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "move/copy.h"
#include <string.h>

enum { STATE_VERSION = 1, CHUNK_KEYS = 4096, CHUNK_BYTES = 1 << 20 };

#define STATE_KEY S("Cc")

struct state {
	struct slice name;
	bool verifying;
	enum data_space space;
	struct slice last; /* empty: nothing of this space yet */
};

struct pair {
	struct slice key, value;
};

/* Keys and values of the source in the order of their keys, as many as are worth a batch. */
struct chunk {
	struct arena *arena;
	struct pair *pairs;
	size_t n, bytes;
	bool over;
};

struct run {
	const struct copy_ask *ask;
	struct copy_progress p;
	uint32_t account_last; /* for the estimate */
};

/* --- the state --- */

static struct slice state_write(const struct state *s, struct arena *a)
{
	struct buf out;
	buf_init(&out, 0, a);
	buf_byte(&out, STATE_VERSION);
	buf_vslice(&out, s->name);
	buf_byte(&out, s->verifying);
	buf_byte(&out, (uint8_t)s->space);
	buf_vslice(&out, s->last);
	return buf_slice(&out);
}

static enum rc state_take(struct slice in, struct state *s)
{
	uint8_t version, verifying, space;
	TRY(take_byte(&in, &version));
	TRY(take_vslice(&in, &s->name));
	TRY(take_byte(&in, &verifying));
	TRY(take_byte(&in, &space));
	TRY(take_vslice(&in, &s->last));
	if (version != STATE_VERSION || space >= DATA_SPACES)
		return RC_BAD;
	s->verifying = verifying != 0;
	s->space = space;
	return RC_OK;
}

static enum rc state_get(struct data *data, struct arena *a, struct state *s, struct fault *why)
{
	struct slice value;
	TRY(data_get(data, DATA_MAIN, STATE_KEY, a, &value, why));
	if (state_take(value, s) != RC_OK)
		return fault_set(why, FAULT_DAMAGED,
			"the state of an unfinished copy cannot be read; empty the store and copy "
			"again");
	return RC_OK;
}

enum rc copy_pending(struct data *data, struct arena *a, struct slice *name, struct fault *why)
{
	struct state s;
	TRY(state_get(data, a, &s, why));
	*name = s.name;
	return RC_OK;
}

static enum rc must_be_empty(struct data *data, struct fault *why)
{
	bool any = false;
	for (int space = 0; space < DATA_SPACES; space++) {
		struct data_range all = { .space = (enum data_space)space };
		TRY(data_any(data, &all, &any, why));
		if (any)
			return fault_set(why, FAULT_CONFLICT,
				"the target is not empty, and what it holds is not the beginning "
				"of "
				"this copy");
	}
	return RC_OK;
}

/* --- how far --- */

static bool visit_account(void *ctx, struct slice key, struct slice value)
{
	struct slice rest = slice_tail(key, 1);
	(void)value;
	enum rc rc = take_be32(&rest, ctx);
	(void)rc; /* a key without one leaves 0 */
	return false;
}

/* Of 65536, by the first octets of something evenly spread. */
static unsigned spread(struct slice key, size_t at)
{
	return key.len >= at + 2 ? (unsigned)key.at[at] << 8 | key.at[at + 1] : 0;
}

static unsigned percent(const struct run *r, enum data_space space, struct slice key)
{
	uint32_t account = 0;
	struct slice rest = slice_tail(key, 1);
	if (space == DATA_BLOB)
		return spread(key, 0) * 100 / 65536;
	if (slice_starts(key, S("A")))
		return take_be32(&rest, &account) == RC_OK && r->account_last
			       ? (unsigned)((uint64_t)account * 70 / r->account_last)
			       : 0;
	if (slice_starts(key, S("B")))
		return 70 + spread(key, 2) * 30 / 65536;
	return slice_starts(key, S("C")) ? 99 : 100;
}

/* --- one chunk --- */

static bool visit_chunk(void *ctx, struct slice key, struct slice value)
{
	struct chunk *c = ctx;
	struct pair *p = &c->pairs[c->n];
	if (arena_copy(c->arena, key, &p->key) != RC_OK ||
		arena_copy(c->arena, value, &p->value) != RC_OK) {
		c->over = true;
		return false;
	}
	c->bytes += key.len + value.len;
	c->n++;
	return c->n < CHUNK_KEYS && c->bytes < CHUNK_BYTES;
}

/* The first key that may come behind `last`. */
static struct slice behind(struct slice last, struct arena *a)
{
	struct buf next;
	if (last.len == 0)
		return last;
	buf_init(&next, 0, a);
	buf_add(&next, last);
	buf_byte(&next, 0);
	return buf_slice(&next);
}

static enum rc read_chunk(
	const struct run *r, const struct state *s, struct chunk *c, struct fault *why)
{
	c->pairs = arena_try_array(c->arena, CHUNK_KEYS, sizeof(*c->pairs));
	if (!c->pairs)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	struct data_range range = { .space = s->space, .from = behind(s->last, c->arena) };
	TRY(data_scan(r->ask->from, &range, visit_chunk, c, why));
	return c->over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

static void tell(struct run *r, const struct state *s, const struct chunk *c)
{
	r->p.space = s->space;
	r->p.verifying = s->verifying;
	r->p.percent = c->n ? percent(r, s->space, s->last) : 100;
	r->p.keys += c->n;
	r->p.bytes += c->bytes;
	if (r->ask->tell)
		r->ask->tell(r->ask->ctx, &r->p);
}

/* Stores the state with what it speaks of. `flush`: now, else with a later batch. */
static enum rc keep(
	struct run *r, const struct state *s, const struct chunk *c, bool flush, struct fault *why)
{
	struct data_batch b;
	data_batch_init(&b, c->arena);
	for (size_t i = 0; i < c->n && !s->verifying; i++)
		data_put(&b, s->space, c->pairs[i].key, c->pairs[i].value);
	data_put(&b, DATA_MAIN, STATE_KEY, state_write(s, c->arena));
	b.lazy = !flush;
	return data_commit_now(r->ask->to, &b, why);
}

/* --- comparing --- */

struct compared {
	const struct chunk *chunk;
	size_t at;
	bool differs;
};

static bool visit_compare(void *ctx, struct slice key, struct slice value)
{
	struct compared *c = ctx;
	if (slice_eq(key, STATE_KEY))
		return true;
	const struct pair *p = &c->chunk->pairs[c->at];
	c->differs = c->at == c->chunk->n || !slice_eq(p->key, key) || !slice_eq(p->value, value);
	c->at++;
	return !c->differs && c->at < c->chunk->n;
}

static enum rc compare(
	const struct run *r, const struct state *s, const struct chunk *c, struct fault *why)
{
	struct compared cmp = { .chunk = c };
	struct data_range range = { .space = s->space, .from = behind(s->last, c->arena) };
	TRY(data_scan(r->ask->to, &range, visit_compare, &cmp, why));
	if (cmp.differs || cmp.at < c->n)
		return fault_set(why, FAULT_DAMAGED,
			"the target differs from the source near key %zu of this run; "
			"was one of them changed meanwhile? Empty it and copy again",
			(size_t)r->p.keys + cmp.at);
	return RC_OK;
}

/* --- the whole --- */

/* One chunk, copied or compared. RC_NONE: it was the last of its space. `last` outlives the arena. */
static enum rc step(struct run *r, struct state *s, struct buf *last, struct fault *why)
{
	struct arena a;
	struct chunk c = { .arena = &a };
	arena_init(&a, 0);
	s->last = buf_slice(last);
	enum rc rc = read_chunk(r, s, &c, why);
	if (rc == RC_OK && s->verifying)
		rc = compare(r, s, &c, why);
	if (rc == RC_OK && c.n) {
		buf_reset(last);
		buf_add(last, c.pairs[c.n - 1].key);
		s->last = buf_slice(last);
		rc = keep(r, s, &c, false, why);
	}
	if (rc == RC_OK)
		tell(r, s, &c);
	arena_done(&a);
	return rc == RC_OK && c.n == 0 ? RC_NONE : rc;
}

static enum rc next_part(struct run *r, struct state *s, struct fault *why)
{
	struct arena a;
	s->last = S("");
	if (s->space + 1 < DATA_SPACES) {
		s->space++;
	} else {
		s->space = DATA_MAIN;
		s->verifying = true;
	}
	arena_init(&a, 0);
	struct chunk none = { .arena = &a };
	enum rc rc = keep(r, s, &none, true, why);
	arena_done(&a);
	return rc;
}

static enum rc all_parts(struct run *r, struct state *s, struct fault *why)
{
	struct buf last;
	enum rc rc = RC_OK;
	buf_init(&last, 0, NULL);
	buf_add(&last, s->last);
	while (rc == RC_OK) {
		rc = step(r, s, &last, why);
		if (rc == RC_OK && r->ask->keys_max && r->p.keys >= r->ask->keys_max)
			rc = RC_MORE;
		if (rc != RC_NONE)
			continue;
		if (s->verifying && s->space + 1 == DATA_SPACES)
			break;
		rc = next_part(r, s, why);
		buf_reset(&last);
	}
	buf_done(&last);
	return rc == RC_NONE ? RC_OK : rc;
}

/* Where to begin, or to go on. */
static enum rc begin(struct run *r, struct arena *a, struct state *s, struct fault *why)
{
	struct slice other;
	enum rc rc = copy_pending(r->ask->from, a, &other, why);
	if (rc != RC_NONE)
		return rc == RC_OK ? fault_set(why, FAULT_CONFLICT,
					     "the source is itself an unfinished copy of \"%.*s\"",
					     FMT(other))
				   : rc;
	rc = state_get(r->ask->to, a, s, why);
	if (rc == RC_OK && !slice_eq(s->name, r->ask->name))
		return fault_set(why, FAULT_CONFLICT,
			"the target holds an unfinished copy of \"%.*s\"", FMT(s->name));
	if (rc != RC_NONE)
		return rc;
	TRY(must_be_empty(r->ask->to, why));
	*s = (struct state){ .name = r->ask->name };
	struct chunk none = { .arena = a };
	return keep(r, s, &none, true, why);
}

enum rc copy_run(const struct copy_ask *ask, struct copy_progress *done, struct fault *why)
{
	struct arena a;
	struct state s;
	struct data_batch b;
	struct run r = { .ask = ask };
	struct data_range accounts = {
		.space = DATA_MAIN, .from = S("A"), .to = S("B"), .reverse = true, .limit = 1
	};
	arena_init(&a, 0);
	enum rc rc = begin(&r, &a, &s, why);
	if (rc == RC_OK)
		rc = data_scan(ask->from, &accounts, visit_account, &r.account_last, why);
	if (rc == RC_OK)
		rc = all_parts(&r, &s, why);
	if (rc == RC_OK) {
		data_batch_init(&b, &a);
		data_delete(&b, DATA_MAIN, STATE_KEY);
		rc = data_commit_now(ask->to, &b, why);
	}
	arena_done(&a);
	*done = r.p;
	return rc;
}
