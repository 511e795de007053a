/* ranges.c: Sorted range sets: added mostly at the end, searched by halving. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ranges.h"
#include "base/mem.h"
#include "base/must.h"
#include <string.h>

void ranges_done(struct ranges *r)
{
	mem_free(MEM_OTHER, r->at);
	*r = (struct ranges){ 0 };
}

void ranges_clear(struct ranges *r)
{
	r->n = 0;
}

/* `sure`: never false. */
static bool room(struct ranges *r, bool sure)
{
	if (r->n < r->cap)
		return true;
	size_t cap = r->cap ? r->cap * 2 : 8, bytes = cap * sizeof(*r->at);
	struct range *p =
		sure ? mem_more(MEM_OTHER, r->at, bytes) : mem_grow(MEM_OTHER, r->at, bytes);
	if (!p)
		return false;
	r->at = p;
	r->cap = cap;
	return true;
}

/* Index of the first range whose hi >= x. */
static size_t first_reaching(const struct ranges *r, uint32_t x)
{
	size_t lo = 0, hi = r->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->at[mid].hi < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* There is room for one more. */
static void add(struct ranges *r, uint32_t lo, uint32_t hi)
{
	/* from i on, ranges touch or pass lo; those up to j touch lo..hi */
	size_t i = first_reaching(r, lo ? lo - 1 : 0);
	size_t j = i;
	while (j < r->n && (hi == UINT32_MAX || r->at[j].lo <= hi + 1)) {
		lo = r->at[j].lo < lo ? r->at[j].lo : lo;
		hi = r->at[j].hi > hi ? r->at[j].hi : hi;
		j++;
	}
	memmove(r->at + i + 1, r->at + j, (r->n - j) * sizeof(*r->at));
	r->at[i] = (struct range){ lo, hi };
	r->n = r->n - (j - i) + 1;
}

enum rc ranges_add(struct ranges *r, uint32_t lo, uint32_t hi)
{
	must(lo <= hi);
	if (!room(r, false))
		return RC_LIMIT;
	add(r, lo, hi);
	return RC_OK;
}

void ranges_keep(struct ranges *r, uint32_t lo, uint32_t hi)
{
	must(lo <= hi);
	must(room(r, true));
	add(r, lo, hi);
}

void ranges_remove(struct ranges *r, uint32_t lo, uint32_t hi)
{
	size_t i = first_reaching(r, lo);
	if (i == r->n)
		return;
	if (r->at[i].lo < lo && r->at[i].hi > hi) {
		must(room(r, true));
		memmove(r->at + i + 1, r->at + i, (r->n - i) * sizeof(*r->at));
		r->n++;
		r->at[i].hi = lo - 1;
		r->at[i + 1].lo = hi + 1;
		return;
	}
	if (r->at[i].lo < lo)
		r->at[i++].hi = lo - 1;
	size_t j = i;
	while (j < r->n && r->at[j].hi <= hi)
		j++;
	if (j < r->n && r->at[j].lo <= hi)
		r->at[j].lo = hi + 1;
	memmove(r->at + i, r->at + j, (r->n - j) * sizeof(*r->at));
	r->n -= j - i;
}

bool ranges_has(const struct ranges *r, uint32_t x)
{
	size_t i = first_reaching(r, x);
	return i < r->n && r->at[i].lo <= x;
}

uint64_t ranges_count(const struct ranges *r)
{
	uint64_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += (uint64_t)r->at[i].hi - r->at[i].lo + 1;
	return n;
}

uint64_t ranges_below(const struct ranges *r, uint32_t x)
{
	uint64_t n = 0;
	for (size_t i = 0; i < r->n && r->at[i].lo < x; i++)
		n += (uint64_t)(r->at[i].hi < x ? r->at[i].hi + 1 : x) - r->at[i].lo;
	return n;
}

void ranges_write(const struct ranges *r, struct buf *out)
{
	uint32_t last = 0;
	buf_varint(out, r->n);
	for (size_t i = 0; i < r->n; i++) {
		buf_varint(out, r->at[i].lo - last);
		buf_varint(out, r->at[i].hi - r->at[i].lo);
		last = r->at[i].hi;
	}
}

enum rc ranges_read(struct slice *in, struct ranges *r)
{
	struct slice rest = *in;
	uint64_t n, gap, len, last = 0;
	ranges_clear(r);
	TRY(take_varint(&rest, &n));
	for (uint64_t i = 0; i < n; i++) {
		TRY(take_varint(&rest, &gap));
		TRY(take_varint(&rest, &len));
		if (gap > UINT32_MAX || len > UINT32_MAX || last + gap + len > UINT32_MAX ||
			(i && gap < 2))
			return RC_BAD;
		ranges_keep(r, (uint32_t)(last + gap), (uint32_t)(last + gap + len));
		last += gap + len;
	}
	*in = rest;
	return RC_OK;
}

void ranges_text(const struct ranges *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		if (i)
			buf_byte(out, ',');
		buf_u64(out, r->at[i].lo);
		if (r->at[i].hi != r->at[i].lo) {
			buf_byte(out, ':');
			buf_u64(out, r->at[i].hi);
		}
	}
}
