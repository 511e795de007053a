/* regex.c: Regular expressions by PCRE2, with limits of steps and memory (draft-ietf-sieve-regex). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MATCH_MAX = 200000, DEPTH_MAX = 2000, HEAP_KIB = 4096, PATTERN_MAX = 4096 };

/* PCRE2's memory comes from an arena, which forgets all of it at once. */
static void *get(size_t n, void *arena)
{
	return arena_try(arena, n);
}

static void put(void *at, void *arena)
{
	(void)at;
	(void)arena;
}

static pcre2_code *compile(
	struct slice pattern, uint32_t options, pcre2_general_context *memory, int *error)
{
	PCRE2_SIZE where;
	pcre2_compile_context *c = pcre2_compile_context_create(memory);
	*error = 0;
	if (!c)
		return NULL;
	pcre2_set_max_pattern_length(c, PATTERN_MAX);
	pcre2_set_parens_nest_limit(c, 100);
	return pcre2_compile(pattern.len ? pattern.at : (PCRE2_SPTR) "", pattern.len,
		options | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, error, &where, c);
}

enum rc sieve_regex_check(struct slice pattern, struct arena *a, char *text, size_t text_max)
{
	struct arena scratch;
	int error;
	arena_init(&scratch, a->limit);
	pcre2_general_context *memory = pcre2_general_context_create(get, put, &scratch);
	bool fine = memory && compile(pattern, 0, memory, &error);
	snprintf(text, text_max, "there is no memory");
	if (!fine && memory)
		pcre2_get_error_message(error, (PCRE2_UCHAR *)text, text_max);
	arena_done(&scratch);
	return fine ? RC_OK : RC_BAD;
}

/* What the values of one test share: each match would take its memory anew, and a step never gives any back. */
struct sieve_regexes {
	pcre2_general_context *memory;
	pcre2_match_context *limits;
	pcre2_match_data *found;
	pcre2_code *codes[]; /* of the keys; NULL: not compiled yet */
};

static struct sieve_regexes *begin(struct arena *a, size_t keys)
{
	struct sieve_regexes *x = arena_try(a, sizeof(*x) + keys * sizeof(x->codes[0]));
	if (!x)
		return NULL;
	memset(x, 0, sizeof(*x) + keys * sizeof(x->codes[0]));
	x->memory = pcre2_general_context_create(get, put, a);
	x->limits = x->memory ? pcre2_match_context_create(x->memory) : NULL;
	x->found = x->limits ? pcre2_match_data_create(SIEVE_CAPTURES, x->memory) : NULL;
	if (!x->found)
		return NULL;
	pcre2_set_match_limit(x->limits, MATCH_MAX);
	pcre2_set_depth_limit(x->limits, DEPTH_MAX);
	pcre2_set_heap_limit(x->limits, HEAP_KIB);
	return x;
}

enum rc sieve_regex(struct sieve_matcher *m, size_t key, struct slice value,
	size_t captures[2 * SIEVE_CAPTURES])
{
	int error;
	uint32_t options = m->op->comparator == COMPARE_OCTET ? 0 : PCRE2_CASELESS;
	if (!m->regexes)
		m->regexes = begin(&m->r->step, m->keys_n);
	struct sieve_regexes *x = m->regexes;
	if (!x)
		return RC_LIMIT;
	if (!x->codes[key])
		x->codes[key] = compile(m->keys[key], options, x->memory, &error);
	if (!x->codes[key])
		return sieve_err(m->r, m->op, "this is no regular expression");
	int n = pcre2_match(x->codes[key], value.len ? value.at : (PCRE2_SPTR) "", value.len, 0, 0,
		x->found, x->limits);
	if (n == PCRE2_ERROR_NOMATCH || (n <= PCRE2_ERROR_UTF8_ERR1 && n >= PCRE2_ERROR_UTF8_ERR21))
		return RC_NONE;
	if (n < 0)
		return sieve_over(m->r, m->op, "this regular expression takes too long");
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(x->found);
	for (size_t i = 0; i < 2 * SIEVE_CAPTURES; i++)
		captures[i] = n == 0 || i < 2 * (size_t)n ? at[i] : SIZE_MAX;
	return RC_OK;
}
