/* match.c: Match types and comparators (RFC 5228 2.7, RFC 4790, RFC 5231, RFC 5051). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/ops_int.h"
#include <utf8proc.h>

enum { FOLDED_MAX = 18 }; /* characters that one may become */

enum rc sieve_matcher_init(struct sieve_matcher *m, struct sieve_run *r, const struct sieve_op *op,
	const struct sieve_value *keys)
{
	*m = (struct sieve_matcher){ .r = r, .op = op, .keys_n = keys->n };
	return sieve_expand_all(r, keys, &m->keys);
}

/* Counts what is looked at. */
static enum rc spend(struct sieve_matcher *m, size_t octets)
{
	m->r->octets += octets + 1;
	if (m->r->octets > m->r->rules.octets_max)
		return sieve_over(m->r, m->op, "this script compares too much");
	return RC_OK;
}

/* RFC 5051: titlecase, then decomposed. `from`, when not NULL, gets four octets for each of `out`. */
static void fold_unicode(struct slice s, struct buf *out, struct buf *from)
{
	for (struct slice rest = s; rest.len;) {
		uint32_t at = (uint32_t)(s.len - rest.len);
		utf8proc_int32_t c = utf8proc_totitle((utf8proc_int32_t)utf8_take(&rest));
		utf8proc_int32_t parts[FOLDED_MAX];
		utf8proc_ssize_t n = utf8proc_decompose_char(
			c, parts, FOLDED_MAX, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, NULL);
		if (n < 1 || n > FOLDED_MAX) {
			parts[0] = c;
			n = 1;
		}
		size_t before = out->len;
		for (utf8proc_ssize_t i = 0; i < n; i++)
			utf8_add(out, (uint32_t)parts[i]);
		for (size_t i = before; from && i < out->len; i++)
			buf_add(from, slice_of(&at, sizeof(at)));
	}
}

/* As the comparator sees it. `origin` NULL: nobody asks; `*origin` NULL: everything is at the same place. */
static enum rc fold(struct sieve_matcher *m, struct slice s, struct slice *out, uint32_t **origin)
{
	struct arena *a = &m->r->step;
	struct buf b, from;
	*out = s;
	if (m->op->comparator == COMPARE_CASEMAP && s.len) {
		uint8_t *at = arena_try(a, s.len);
		if (!at)
			return RC_LIMIT;
		for (size_t i = 0; i < s.len; i++)
			at[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] | 0x20 : s.at[i];
		*out = slice_of(at, s.len);
	}
	if (m->op->comparator != COMPARE_UNICODE)
		return RC_OK;
	buf_init(&b, 0, a);
	buf_init(&from, 0, a);
	fold_unicode(s, &b, origin ? &from : NULL);
	if (origin) {
		buf_add(&from, slice_of(&(uint32_t){ (uint32_t)s.len }, sizeof(uint32_t)));
		*origin = (uint32_t *)(void *)from.at;
	}
	*out = buf_slice(&b);
	return b.over || from.over ? RC_LIMIT : RC_OK;
}

/* Digits at the head without leading zeros; RC_NONE: infinity. RFC 4790 9.1. */
static enum rc digits(struct slice s, struct slice *out)
{
	size_t n = 0, zeros = 0;
	while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
		n++;
	while (zeros < n && s.at[zeros] == '0')
		zeros++;
	*out = slice_of(s.at + zeros, n - zeros);
	return n ? RC_OK : RC_NONE;
}

static int order_numbers(struct slice a, struct slice b)
{
	struct slice x, y;
	bool a_is = digits(a, &x) == RC_OK, b_is = digits(b, &y) == RC_OK;
	if (!a_is || !b_is)
		return (int)b_is - (int)a_is;
	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;
	return slice_cmp(x, y);
}

static bool holds(enum sieve_relation relation, int order)
{
	switch (relation) {
	case REL_EQ:
		return order == 0;
	case REL_NE:
		return order != 0;
	case REL_GT:
		return order > 0;
	case REL_GE:
		return order >= 0;
	case REL_LT:
		return order < 0;
	case REL_LE:
		return order <= 0;
	}
	return false;
}

/* What wildcards took: begin and end. 0 is the whole. */
struct taken {
	size_t at[2 * SIEVE_CAPTURES];
	unsigned n;
};

static void take(struct taken *t, unsigned i, size_t from, size_t to)
{
	if (i < SIEVE_CAPTURES) {
		t->at[2 * i] = from;
		t->at[2 * i + 1] = to;
	}
}

static size_t character(struct slice v, size_t at, bool octets)
{
	struct slice rest = slice_tail(v, at);
	if (octets || rest.len == 0)
		return 1;
	utf8_take(&rest);
	return v.len - at - rest.len;
}

/* A walk over pattern and value that goes back to the last star only: each star takes as little as it can, so that an
 * earlier one never needs to take more. */
struct walk {
	struct slice p, v;
	size_t pi, vi; /* where it stands */
	size_t star_p, star_v; /* behind the last star; what it takes ends here */
	unsigned star_n, n; /* the last star's number; wildcards so far */
	bool has_star, octets;
};

/* One step of the pattern. False: it does not fit here. */
static bool advance(struct walk *w, struct taken *t)
{
	uint8_t c = w->p.at[w->pi];
	if (c == '*') {
		w->has_star = true;
		w->star_p = ++w->pi;
		w->star_v = w->vi;
		w->star_n = ++w->n;
		take(t, w->n, w->vi, w->vi);
		return true;
	}
	if (w->vi == w->v.len)
		return false;
	size_t n = 1;
	if (c == '?') {
		n = character(w->v, w->vi, w->octets);
		take(t, ++w->n, w->vi, w->vi + n);
	} else {
		if (c == '\\' && w->pi + 1 < w->p.len)
			c = w->p.at[++w->pi];
		if (c != w->v.at[w->vi])
			return false;
	}
	w->pi++;
	w->vi += n;
	return true;
}

/* The last star takes one more. */
static bool go_back(struct walk *w, struct taken *t)
{
	if (!w->has_star || w->star_v == w->v.len)
		return false;
	w->star_v += character(w->v, w->star_v, w->octets);
	if (w->star_p == w->p.len)
		w->star_v = w->v.len;
	w->pi = w->star_p;
	w->vi = w->star_v;
	w->n = w->star_n;
	if (w->star_n < SIEVE_CAPTURES)
		t->at[2 * w->star_n + 1] = w->star_v;
	return true;
}

static enum rc wildcards(
	struct sieve_matcher *m, struct slice p, struct slice v, struct taken *t, bool *yes)
{
	struct walk w = { .p = p, .v = v, .octets = m->op->comparator == COMPARE_OCTET };
	take(t, 0, 0, v.len);
	*yes = false;
	for (;;) {
		TRY(spend(m, 0));
		if (w.pi == p.len && w.vi == v.len)
			break;
		if (w.pi < p.len && advance(&w, t))
			continue;
		if (!go_back(&w, t))
			return RC_OK;
	}
	t->n = w.n + 1 < SIEVE_CAPTURES ? w.n + 1 : SIEVE_CAPTURES;
	*yes = true;
	return RC_OK;
}

/* RFC 5229 3.2: ${0} and the wildcards. A body test sets none, RFC 5173 6. */
static enum rc keep_taken(
	struct sieve_matcher *m, struct slice value, const uint32_t *origin, const struct taken *t)
{
	struct sieve_frame *f = m->r->top;
	if (!(f->program->exts >> EXT_VARIABLES & 1) || m->sets_nothing)
		return RC_OK;
	for (unsigned i = 0; i < t->n; i++) {
		size_t from = t->at[2 * i], to = t->at[2 * i + 1];
		if (from != SIZE_MAX && origin) {
			from = origin[from];
			to = origin[to];
		}
		if (!f->captures[i].arena)
			buf_init(&f->captures[i], m->r->rules.variable_max, m->r->arena);
		buf_reset(&f->captures[i]);
		struct slice s = from == SIZE_MAX ? S("") : slice_of(value.at + from, to - from);
		buf_add(&f->captures[i], utf8_cut(s, m->r->rules.variable_max));
		if (f->captures[i].over)
			return RC_LIMIT;
	}
	f->captures_n = t->n;
	return RC_OK;
}

static enum rc match_wildcards(struct sieve_matcher *m, struct slice key, struct slice value)
{
	struct slice k;
	struct taken t = { 0 };
	TRY(fold(m, key, &k, NULL));
	TRY(wildcards(m, k, m->folded, &t, &m->yes));
	return m->yes ? keep_taken(m, value, m->origin, &t) : RC_OK;
}

static enum rc match_regex(struct sieve_matcher *m, size_t key, struct slice value)
{
	struct taken t = { .n = SIEVE_CAPTURES };
	enum rc rc = sieve_regex(m, key, value, t.at);
	m->yes = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	return keep_taken(m, value, NULL, &t);
}

static enum rc match_texts(struct sieve_matcher *m, struct slice key)
{
	struct slice k, v = m->folded;
	TRY(fold(m, key, &k, NULL));
	if (m->op->match == MATCH_CONTAINS) {
		m->yes = k.len == 0 || slice_search(v, k) < v.len;
		return RC_OK;
	}
	int order = m->op->comparator == COMPARE_NUMERIC ? order_numbers(v, k) : slice_cmp(v, k);
	m->yes = holds(m->op->match == MATCH_IS ? REL_EQ : m->op->relation, order);
	return RC_OK;
}

static enum rc match_one(struct sieve_matcher *m, size_t key, struct slice value)
{
	struct slice answer;
	enum rc rc;
	TRY(spend(m, value.len));
	switch (m->op->match) {
	case MATCH_MATCHES:
		return match_wildcards(m, m->keys[key], value);
	case MATCH_REGEX:
		return match_regex(m, key, value);
	case MATCH_LIST:
		rc = sieve_ask(m->r, SIEVE_ASK_LISTED, m->keys[key], value, &answer);
		m->yes = rc == RC_OK;
		return rc == RC_NONE ? RC_OK : rc;
	case MATCH_IS:
	case MATCH_CONTAINS:
	case MATCH_VALUE:
	case MATCH_COUNT:
		break;
	}
	return match_texts(m, m->keys[key]);
}

/* Folded once for all keys. */
static enum rc take_value(struct sieve_matcher *m, struct slice value)
{
	m->origin = NULL;
	if (m->op->match == MATCH_REGEX || m->op->match == MATCH_LIST)
		return RC_OK;
	return fold(m, value, &m->folded, m->op->match == MATCH_MATCHES ? &m->origin : NULL);
}

enum rc sieve_matcher_add(struct sieve_matcher *m, struct slice value)
{
	m->count++;
	if (m->op->match == MATCH_COUNT || m->yes)
		return RC_OK;
	TRY(take_value(m, value));
	for (size_t i = 0; i < m->keys_n && !m->yes; i++)
		TRY(match_one(m, i, value));
	return RC_OK;
}

enum rc sieve_matcher_end(struct sieve_matcher *m, bool *yes)
{
	char text[24];
	if (m->op->match == MATCH_COUNT) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)m->count);
		TRY(take_value(m, slice_str(text)));
		for (size_t i = 0; i < m->keys_n && !m->yes; i++)
			TRY(match_texts(m, m->keys[i]));
	}
	*yes = m->yes;
	return RC_OK;
}
