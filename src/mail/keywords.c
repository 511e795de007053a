/* keywords.c: Interned keyword names and sets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/keywords.h"
#include "base/mem.h"
#include "base/must.h"
#include <string.h>

static void *grow(void *old, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return old;
	*cap = *cap ? *cap * 2 : 8;
	return mem_more(MEM_CACHE, old, *cap * size);
}

static uint32_t add_set(struct mail_keywords *kw, const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < kw->sets_n; i++)
		if (kw->sets[i]->n == n &&
			(n == 0 || memcmp(kw->sets[i]->ids, ids, n * sizeof(*ids)) == 0))
			return i;
	kw->sets = grow(kw->sets, kw->sets_n, &kw->sets_cap, sizeof(*kw->sets));
	struct mail_kwset *set = mem_new(MEM_CACHE, sizeof(*set));
	set->n = n;
	set->ids = mem_new(MEM_CACHE, (n + 1) * sizeof(*set->ids));
	set->names = mem_new(MEM_CACHE, (n + 1) * sizeof(*set->names));
	for (uint32_t i = 0; i < n; i++) {
		set->ids[i] = ids[i];
		set->names[i] = kw->names[ids[i]];
	}
	kw->sets[kw->sets_n] = set;
	return kw->sets_n++;
}

void mail_keywords_init(struct mail_keywords *kw)
{
	*kw = (struct mail_keywords){ 0 };
	add_set(kw, NULL, 0);
}

void mail_keywords_done(struct mail_keywords *kw)
{
	for (uint32_t i = 0; i < kw->sets_n; i++) {
		mem_free(MEM_CACHE, kw->sets[i]->ids);
		mem_free(MEM_CACHE, kw->sets[i]->names);
		mem_free(MEM_CACHE, kw->sets[i]);
	}
	for (uint32_t i = 0; i < kw->names_n; i++)
		mem_free(MEM_CACHE, kw->names[i]);
	mem_free(MEM_CACHE, kw->sets);
	mem_free(MEM_CACHE, kw->names);
	*kw = (struct mail_keywords){ 0 };
}

enum rc mail_keyword_id(struct mail_keywords *kw, struct slice name, uint32_t *id)
{
	for (uint32_t i = 0; i < kw->names_n; i++) {
		if (slice_eq_nocase(slice_str(kw->names[i]), name)) {
			*id = i;
			return RC_OK;
		}
	}
	if (kw->names_n >= MAIL_KEYWORDS_MAX || name.len > MAIL_KEYWORD_LEN || name.len == 0)
		return RC_LIMIT;
	kw->names = grow(kw->names, kw->names_n, &kw->names_cap, sizeof(*kw->names));
	char *copy = mem_new(MEM_CACHE, name.len + 1);
	memcpy(copy, name.at, name.len);
	kw->names[kw->names_n] = copy;
	*id = kw->names_n++;
	return RC_OK;
}

/* Merges two rising lists into `out`; `less` keeps what is in a alone. */
static uint32_t merge(
	const struct mail_kwset *a, const struct mail_kwset *b, bool less, uint32_t *out)
{
	uint32_t n = 0, i = 0, j = 0;
	while (i < a->n || (!less && j < b->n)) {
		if (j == b->n || (i < a->n && a->ids[i] < b->ids[j]))
			out[n++] = a->ids[i++];
		else if (i == a->n || b->ids[j] < a->ids[i]) {
			if (!less)
				out[n++] = b->ids[j];
			j++;
		} else {
			if (!less)
				out[n++] = a->ids[i];
			i++;
			j++;
		}
	}
	return n;
}

static uint32_t combine(struct mail_keywords *kw, uint32_t a, uint32_t b, bool less)
{
	const struct mail_kwset *x = mail_kwset_get(kw, a), *y = mail_kwset_get(kw, b);
	uint32_t *ids = mem_new(MEM_CACHE, (x->n + y->n + 1) * sizeof(*ids));
	uint32_t set = add_set(kw, ids, merge(x, y, less, ids));
	mem_free(MEM_CACHE, ids);
	return set;
}

uint32_t mail_kwset_join(struct mail_keywords *kw, uint32_t a, uint32_t b)
{
	return b == 0 || a == b ? a : combine(kw, a, b, false);
}

uint32_t mail_kwset_less(struct mail_keywords *kw, uint32_t a, uint32_t b)
{
	return a == 0 || b == 0 ? a : combine(kw, a, b, true);
}

enum rc mail_kwset_of(struct mail_keywords *kw, const struct slice *names, size_t n, uint32_t *set)
{
	uint32_t all = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t id;
		TRY(mail_keyword_id(kw, names[i], &id));
		all = mail_kwset_join(kw, all, add_set(kw, &id, 1));
	}
	*set = all;
	return RC_OK;
}

const struct mail_kwset *mail_kwset_get(const struct mail_keywords *kw, uint32_t set)
{
	must(set < kw->sets_n);
	return kw->sets[set];
}
