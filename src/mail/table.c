/* table.c: Pages of entries in UID order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/table.h"
#include "base/mem.h"
#include "base/must.h"
#include <string.h>

void mail_table_done(struct mail_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		mem_free(MEM_CACHE, t->pages[i].at);
	mem_free(MEM_CACHE, t->pages);
	mem_free(MEM_CACHE, t->before);
	*t = (struct mail_table){ 0 };
}

size_t mail_table_seek(const struct mail_table *t, uint32_t uid)
{
	uint32_t no = uid >> MAIL_PAGE_BITS;
	size_t lo = 0, hi = t->n;
	if (t->n && t->pages[t->n - 1].no < no)
		return t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->pages[mid].no < no)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void spoil(struct mail_table *t, size_t page)
{
	if (t->before_valid > page + 1)
		t->before_valid = page + 1;
}

static void grow_pages(struct mail_table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 4;
	t->pages = mem_more(MEM_CACHE, t->pages, cap * sizeof(*t->pages));
	t->before = mem_more(MEM_CACHE, t->before, cap * sizeof(*t->before));
	t->bytes += (cap - t->cap) * (sizeof(*t->pages) + sizeof(*t->before));
	t->cap = cap;
}

struct mail_page *mail_table_page(struct mail_table *t, uint32_t uid, bool make)
{
	size_t i = mail_table_seek(t, uid);
	uint32_t no = uid >> MAIL_PAGE_BITS;
	if (i < t->n && t->pages[i].no == no)
		return &t->pages[i];
	if (!make)
		return NULL;
	if (t->n == t->cap)
		grow_pages(t);
	memmove(t->pages + i + 1, t->pages + i, (t->n - i) * sizeof(*t->pages));
	t->pages[i] = (struct mail_page){ .no = no };
	t->n++;
	spoil(t, i ? i - 1 : 0);
	return &t->pages[i];
}

/* Index in the page of the first entry with uid >= uid. */
static uint16_t page_seek(const struct mail_page *p, uint32_t uid)
{
	uint16_t lo = 0, hi = p->n;
	if (p->n && p->at[p->n - 1].uid < uid)
		return p->n;
	while (lo < hi) {
		uint16_t mid = (uint16_t)((lo + hi) / 2);
		if (p->at[mid].uid < uid)
			lo = (uint16_t)(mid + 1);
		else
			hi = mid;
	}
	return lo;
}

struct mail_entry *mail_table_find(struct mail_table *t, uint32_t uid)
{
	struct mail_page *p = mail_table_page(t, uid, false);
	uint16_t i = p ? page_seek(p, uid) : 0;
	return p && i < p->n && p->at[i].uid == uid ? &p->at[i] : NULL;
}

void mail_table_put(struct mail_table *t, const struct mail_entry *e, uint64_t change)
{
	struct mail_page *p = mail_table_page(t, e->uid, true);
	if (p->change >= change)
		return;
	uint16_t i = page_seek(p, e->uid);
	p->dirty = true;
	if (i < p->n && p->at[i].uid == e->uid) {
		p->at[i] = *e;
		return;
	}
	if (p->n == p->cap) {
		uint16_t cap = (uint16_t)(p->cap ? p->cap * 2 : 4);
		p->at = mem_more(MEM_CACHE, p->at, cap * sizeof(*p->at));
		t->bytes += (size_t)(cap - p->cap) * sizeof(*p->at);
		p->cap = cap;
	}
	must(p->n < MAIL_PAGE_SIZE); /* [table 1]: uids of a page are distinct */
	memmove(p->at + i + 1, p->at + i, (size_t)(p->n - i) * sizeof(*p->at));
	p->at[i] = *e;
	p->n++;
	t->count++;
	spoil(t, (size_t)(p - t->pages));
}

uint32_t mail_table_remove(struct mail_table *t, uint32_t lo, uint32_t hi, uint64_t change)
{
	uint32_t removed = 0;
	size_t first = mail_table_seek(t, lo);
	for (size_t i = first; i < t->n && t->pages[i].no <= hi >> MAIL_PAGE_BITS; i++) {
		struct mail_page *p = &t->pages[i];
		if (p->change >= change)
			continue;
		uint16_t a = page_seek(p, lo);
		uint16_t b = hi == UINT32_MAX ? p->n : page_seek(p, hi + 1);
		if (a == b)
			continue;
		memmove(p->at + a, p->at + b, (size_t)(p->n - b) * sizeof(*p->at));
		p->n = (uint16_t)(p->n - (b - a));
		p->dirty = true;
		removed += (uint32_t)(b - a);
	}
	t->count -= removed;
	if (removed)
		spoil(t, first);
	return removed;
}

static void count_before(struct mail_table *t, size_t page)
{
	if (t->before_valid == 0 && t->n) {
		t->before[0] = 0;
		t->before_valid = 1;
	}
	for (size_t i = t->before_valid; i <= page && i < t->n; i++) {
		t->before[i] = t->before[i - 1] + t->pages[i - 1].n;
		t->before_valid = i + 1;
	}
}

uint32_t mail_table_rank(struct mail_table *t, uint32_t uid)
{
	size_t i = mail_table_seek(t, uid);
	if (i == t->n)
		return t->count;
	count_before(t, i);
	uint32_t in_page =
		t->pages[i].no == uid >> MAIL_PAGE_BITS ? page_seek(&t->pages[i], uid) : 0;
	return t->before[i] + in_page;
}

const struct mail_entry *mail_table_select(struct mail_table *t, uint32_t rank)
{
	if (rank >= t->count)
		return NULL;
	count_before(t, t->n - 1);
	size_t lo = 0, hi = t->n;
	while (lo + 1 < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->before[mid] <= rank)
			lo = mid;
		else
			hi = mid;
	}
	must(rank - t->before[lo] < t->pages[lo].n);
	return &t->pages[lo].at[rank - t->before[lo]];
}

size_t mail_table_read(
	struct mail_table *t, uint32_t from, uint32_t below, struct mail_entry *out, size_t max)
{
	size_t n = 0;
	for (size_t i = mail_table_seek(t, from); i < t->n && n < max; i++) {
		const struct mail_page *p = &t->pages[i];
		for (uint16_t j = page_seek(p, from); j < p->n && n < max; j++) {
			if (p->at[j].uid >= below)
				return n;
			out[n++] = p->at[j];
		}
	}
	return n;
}
