/* check.c: Walks over stored keys by pages, findings counted and told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/check.h"

enum { PAGE_KEYS = 512, PAGE_BYTES = 1 << 20 };

void check_tell(struct check *c, enum check_kind kind, const char *fmt, ...)
{
	struct arena a;
	va_list ap;
	arena_init(&a, 0);
	va_start(ap, fmt);
	struct slice what = arena_vfmt(&a, fmt, ap);
	va_end(ap);
	c->found[kind]++;
	c->tell(c->ctx, kind, what);
	arena_done(&a);
}

struct page {
	struct arena *arena;
	struct {
		struct slice key, value;
	} at[PAGE_KEYS];
	size_t n, bytes;
	bool over;
};

static bool visit_page(void *ctx, struct slice key, struct slice value)
{
	struct page *p = ctx;
	p->over = arena_copy(p->arena, key, &p->at[p->n].key) != RC_OK ||
		  arena_copy(p->arena, value, &p->at[p->n].value) != RC_OK;
	p->n += !p->over;
	p->bytes += key.len + value.len;
	return !p->over && p->n < PAGE_KEYS && p->bytes < PAGE_BYTES;
}

/* RC_NONE: there were no more. `from` moves behind the last one. */
static enum rc walk_page(struct check *c, const struct check_range *range, struct buf *from,
	check_visit_fn *visit, void *ctx, struct fault *why)
{
	struct arena a, one;
	struct page p = { .arena = &a };
	struct data_range r = { .space = DATA_MAIN, .from = buf_slice(from), .to = range->to };
	arena_init(&a, 0);
	enum rc rc = data_scan(c->data, &r, visit_page, &p, why);
	if (rc == RC_OK && p.over)
		rc = fault_set(why, FAULT_MEMORY, "%s", "");
	if (rc == RC_OK && p.n) {
		buf_reset(from);
		buf_add(from, p.at[p.n - 1].key);
		buf_byte(from, 0);
	}
	for (size_t i = 0; rc == RC_OK && i < p.n; i++) {
		arena_init(&one, 0);
		rc = visit(ctx, p.at[i].key, p.at[i].value, &one, why);
		arena_done(&one);
		c->looked++;
	}
	arena_done(&a);
	return rc == RC_OK && p.n == 0 ? RC_NONE : rc;
}

enum rc check_walk(struct check *c, const struct check_range *range, check_visit_fn *visit,
	void *ctx, struct fault *why)
{
	struct buf from;
	enum rc rc = RC_OK;
	buf_init(&from, 0, NULL);
	buf_add(&from, range->from);
	while (rc == RC_OK) {
		rc = walk_page(c, range, &from, visit, ctx, why);
		if (c->progress)
			c->progress(c->ctx, range->part, c->looked);
	}
	buf_done(&from);
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc check_commit(struct check *c, struct data_batch *b, struct fault *why)
{
	return c->look || b->n == 0 ? RC_OK : data_commit_now(c->data, b, why);
}

struct slice check_aside(struct arena *a, struct slice key)
{
	struct buf aside;
	buf_init(&aside, 0, a);
	buf_byte(&aside, 'X');
	buf_byte(&aside, DATA_MAIN);
	buf_add(&aside, slice_head(key, DATA_KEY_MAX - 2));
	return buf_slice(&aside);
}

enum rc check_holds(struct check *c, struct slice key, struct fault *why)
{
	struct arena a;
	struct slice value;
	arena_init(&a, 0);
	enum rc rc = data_get(c->data, DATA_MAIN, key, &a, &value, why);
	if (rc == RC_NONE)
		rc = data_get(c->data, DATA_MAIN, check_aside(&a, key), &a, &value, why);
	arena_done(&a);
	return rc;
}

enum rc check_park(
	struct check *c, struct slice key, struct slice value, struct slice what, struct fault *why)
{
	struct arena a;
	struct data_batch b;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	data_assert(&b, DATA_MAIN, key, value);
	data_delete(&b, DATA_MAIN, key);
	data_put(&b, DATA_MAIN, check_aside(&a, key), value);
	enum rc rc = check_commit(c, &b, why);
	arena_done(&a);
	if (rc == RC_OK)
		check_tell(c, CHECK_PARKED, "%.*s", FMT(what));
	return rc;
}
