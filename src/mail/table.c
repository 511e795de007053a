/* table.c: The directory of UIDs, and pages of entries in UID order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/table.h"
#include "base/mem.h"
#include "base/must.h"
#include <string.h>

enum { WORD_BITS = 64, IN_PAGE = MAIL_PAGE_SIZE - 1, BODY_LEAST = 4 };

struct mail_body *mail_body_new(uint32_t no, uint16_t n)
{
	struct mail_body *body = mem_new(MEM_CACHE, sizeof(*body));
	body->no = no;
	body->cap = BODY_LEAST;
	while (body->cap < n)
		body->cap = (uint16_t)(body->cap * 2);
	body->at = mem_more(MEM_CACHE, NULL, body->cap * sizeof(*body->at));
	return body;
}

void mail_body_free(struct mail_body *body)
{
	if (!body)
		return;
	must(!body->node.is_listed);
	mem_free(MEM_CACHE, body->at);
	mem_free(MEM_CACHE, body);
}

size_t mail_body_bytes(const struct mail_body *body)
{
	return sizeof(*body) + body->cap * sizeof(*body->at);
}

size_t mail_table_bytes(const struct mail_table *t)
{
	return t->cap * (sizeof(*t->pages) + sizeof(*t->before));
}

void mail_table_done(struct mail_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		mail_body_free(t->pages[i].body);
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

void mail_table_spoil(struct mail_table *t, const struct mail_page *page)
{
	spoil(t, (size_t)(page - t->pages));
}

static void grow_pages(struct mail_table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 4;
	t->pages = mem_more(MEM_CACHE, t->pages, cap * sizeof(*t->pages));
	t->before = mem_more(MEM_CACHE, t->before, cap * sizeof(*t->before));
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

void mail_table_tidy(struct mail_table *t)
{
	size_t kept = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->pages[i].n || t->pages[i].touched || t->pages[i].body)
			t->pages[kept++] = t->pages[i];
	if (kept < t->n)
		t->before_valid = 0;
	t->n = kept;
}

uint16_t mail_page_rank(const struct mail_page *p, uint32_t uid)
{
	if (uid >> MAIL_PAGE_BITS != p->no)
		return uid >> MAIL_PAGE_BITS < p->no ? 0 : p->n;
	unsigned at = uid & IN_PAGE, n = 0;
	for (unsigned w = 0; w < at / WORD_BITS; w++)
		n += (unsigned)__builtin_popcountll(p->bits[w]);
	uint64_t below = p->bits[at / WORD_BITS] & ((UINT64_C(1) << at % WORD_BITS) - 1);
	return (uint16_t)(n + (unsigned)__builtin_popcountll(below));
}

uint16_t mail_page_rank_end(const struct mail_page *p, uint32_t uid)
{
	return uid == UINT32_MAX ? p->n : mail_page_rank(p, uid + 1);
}

static bool page_has(const struct mail_page *p, uint32_t uid)
{
	unsigned at = uid & IN_PAGE;
	return p->bits[at / WORD_BITS] >> at % WORD_BITS & 1;
}

bool mail_table_has(const struct mail_table *t, uint32_t uid)
{
	size_t i = mail_table_seek(t, uid);
	return i < t->n && t->pages[i].no == uid >> MAIL_PAGE_BITS && page_has(&t->pages[i], uid);
}

/* Makes room in the body before the bit is set. */
static struct mail_entry *insert(struct mail_page *p, uint32_t uid)
{
	struct mail_body *body = p->body;
	uint16_t at = mail_page_rank(p, uid);
	if (p->n == body->cap) {
		body->cap = (uint16_t)(body->cap * 2);
		body->at = mem_more(MEM_CACHE, body->at, body->cap * sizeof(*body->at));
	}
	memmove(body->at + at + 1, body->at + at, (size_t)(p->n - at) * sizeof(*body->at));
	return &body->at[at];
}

struct mail_page *mail_table_put(struct mail_table *t, const struct mail_entry *e, uint64_t change)
{
	size_t pages = t->n;
	struct mail_page *p = mail_table_page(t, e->uid, !t->partial);
	if (!p || (p->body && p->body->change >= change))
		return NULL;
	if (t->n > pages && t->watched)
		p->body = mail_body_new(p->no, 0);
	bool there = page_has(p, e->uid);
	if (p->body)
		*(there ? &p->body->at[mail_page_rank(p, e->uid)] : insert(p, e->uid)) = *e;
	if (!there) {
		unsigned at = e->uid & IN_PAGE;
		p->bits[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
		p->n++;
		t->count++;
		mail_table_spoil(t, p);
	}
	p->may |= (e->flags & MAIL_SEEN ? 0 : MAIL_MAY_UNSEEN) |
		  (e->flags & MAIL_DELETED ? MAIL_MAY_DELETED : 0);
	p->touched = change;
	return p;
}

uint64_t mail_page_mask(unsigned word, unsigned first, unsigned last)
{
	if (word < first / WORD_BITS || word > last / WORD_BITS)
		return 0;
	unsigned from = word == first / WORD_BITS ? first % WORD_BITS : 0;
	unsigned to = word == last / WORD_BITS ? last % WORD_BITS : WORD_BITS - 1;
	return UINT64_MAX << from & UINT64_MAX >> (WORD_BITS - 1 - to);
}

/* Clears the bits of lo..hi that lie in the page. */
static void clear_bits(struct mail_page *p, uint32_t lo, uint32_t hi)
{
	unsigned first = lo >> MAIL_PAGE_BITS < p->no ? 0 : lo & IN_PAGE;
	unsigned last = hi >> MAIL_PAGE_BITS > p->no ? IN_PAGE : hi & IN_PAGE;
	for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
		p->bits[w] &= ~mail_page_mask(w, first, last);
}

void mail_table_remove(struct mail_table *t, uint32_t lo, uint32_t hi, uint64_t change)
{
	for (size_t i = mail_table_seek(t, lo); i < t->n; i++) {
		struct mail_page *p = &t->pages[i];
		if (p->no > hi >> MAIL_PAGE_BITS)
			break;
		if (p->body && p->body->change >= change)
			continue;
		uint16_t a = mail_page_rank(p, lo), b = mail_page_rank_end(p, hi);
		if (a == b)
			continue;
		if (p->body)
			memmove(p->body->at + a, p->body->at + b,
				(size_t)(p->n - b) * sizeof(*p->body->at));
		clear_bits(p, lo, hi);
		p->n = (uint16_t)(p->n - (b - a));
		p->touched = change;
		t->count -= (uint32_t)(b - a);
		spoil(t, i);
	}
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
	return t->before[i] + mail_page_rank(&t->pages[i], uid);
}

/* The UID with `rank` others of the page before it. */
static uint32_t page_select(const struct mail_page *p, uint32_t rank)
{
	unsigned w = 0;
	for (uint32_t n; rank >= (n = (uint32_t)__builtin_popcountll(p->bits[w])); w++)
		rank -= n;
	uint64_t bits = p->bits[w];
	for (; rank; rank--)
		bits &= bits - 1;
	return (p->no << MAIL_PAGE_BITS) + w * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
}

uint32_t mail_table_select(struct mail_table *t, uint32_t rank)
{
	if (rank >= t->count)
		return 0;
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
	return page_select(&t->pages[lo], rank - t->before[lo]);
}
