/* imap_set.c: Sequence sets of IMAP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"
#include <string.h>

/* 0 for "*". */
static enum rc seq_number(struct imap_lex *x, uint32_t *out)
{
	if (imap_lex_char(x, '*') == RC_OK) {
		*out = 0;
		return RC_OK;
	}
	return imap_lex_nz_number(x, out);
}

/* How many ranges at most: commas up to the end of the word. */
static size_t count(struct slice s)
{
	size_t n = 1;
	for (size_t i = 0; i < s.len && s.at[i] != ' ' && s.at[i] != ')'; i++)
		n += s.at[i] == ',';
	return n;
}

static enum rc ranges(struct imap_lex *x, size_t most, struct imap_set *out)
{
	do {
		struct range r;
		TRY(seq_number(x, &r.lo));
		r.hi = r.lo;
		if (imap_lex_char(x, ':') == RC_OK)
			TRY(seq_number(x, &r.hi));
		if (out->n == most)
			return RC_LIMIT;
		out->at[out->n++] = r;
	} while (imap_lex_char(x, ',') == RC_OK);
	return RC_OK;
}

enum rc imap_set_parse(struct imap_lex *x, struct imap_set *out)
{
	struct imap_set got = { 0 };
	struct slice rest = x->rest;
	if (imap_lex_char(x, '$') == RC_OK) {
		got.is_saved = true;
		*out = got;
		return RC_OK;
	}
	size_t most = count(x->rest);
	if (most > IMAP_SET_MAX)
		return RC_LIMIT;
	got.at = arena_try_array(x->a, most, sizeof(*got.at));
	enum rc rc = got.at ? ranges(x, most, &got) : RC_LIMIT;
	if (rc != RC_OK)
		x->rest = rest;
	else
		*out = got;
	return rc;
}

uint32_t imap_set_highest(const struct imap_set *set, uint32_t max)
{
	uint32_t high = 0;
	for (size_t i = 0; i < set->n; i++) {
		uint32_t lo = set->at[i].lo ? set->at[i].lo : max,
			 hi = set->at[i].hi ? set->at[i].hi : max;
		high = lo > high ? lo : high;
		high = hi > high ? hi : high;
	}
	return high;
}

enum rc imap_set_resolve(const struct imap_set *set, uint32_t max, bool cut, struct ranges *out)
{
	for (size_t i = 0; i < set->n; i++) {
		uint32_t lo = set->at[i].lo ? set->at[i].lo : max,
			 hi = set->at[i].hi ? set->at[i].hi : max;
		if (lo > hi) {
			uint32_t other = lo;
			lo = hi;
			hi = other;
		}
		if (cut && hi > max)
			hi = max;
		if (!lo)
			lo = 1;
		if (hi >= lo)
			TRY(ranges_add(out, lo, hi));
	}
	return RC_OK;
}
