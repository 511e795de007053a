/* parse.c: The tree of a script: commands, their values, tests and blocks (RFC 5228 8.2). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/sieve_int.h"

static enum rc parse_commands(struct sieve_lexer *l, unsigned depth, struct sieve_node **out);

static bool is_mark(const struct sieve_lexer *l, uint8_t mark)
{
	return l->ahead.kind == TOKEN_MARK && l->ahead.mark == mark;
}

static enum rc no_memory(struct sieve_lexer *l)
{
	(void)!sieve_fail(l->why, l->script, l->ahead.at, "there is no memory for this script");
	return RC_LIMIT;
}

static enum rc wanted(struct sieve_lexer *l, const char *what)
{
	const struct sieve_token *t = &l->ahead;
	switch (t->kind) {
	case TOKEN_END:
		return sieve_fail(
			l->why, l->script, t->at, "%s is wanted, but the script ends here", what);
	case TOKEN_WORD:
		return sieve_fail(l->why, l->script, t->at, "%s is wanted here, not %.*s", what,
			FMT(slice_head(t->text, 40)));
	case TOKEN_TAG:
		return sieve_fail(l->why, l->script, t->at, "%s is wanted here, not :%.*s", what,
			FMT(slice_head(t->text, 40)));
	case TOKEN_NUMBER:
		return sieve_fail(
			l->why, l->script, t->at, "%s is wanted here, not a number", what);
	case TOKEN_STRING:
		return sieve_fail(
			l->why, l->script, t->at, "%s is wanted here, not a string", what);
	case TOKEN_MARK:
		break;
	}
	return sieve_fail(l->why, l->script, t->at, "%s is wanted here, not %c", what, t->mark);
}

static enum rc take_mark(struct sieve_lexer *l, uint8_t mark, const char *what)
{
	if (!is_mark(l, mark))
		return wanted(l, what);
	return sieve_lex_next(l);
}

/* The strings of a list, behind its bracket: counted by growing an array twofold. */
static enum rc parse_list(struct sieve_lexer *l, struct sieve_value *v)
{
	size_t cap = 0;
	uint32_t begin = v->at;
	TRY(sieve_lex_next(l));
	if (is_mark(l, ']'))
		return sieve_lex_next(l);
	for (;;) {
		if (l->ahead.kind != TOKEN_STRING)
			return wanted(l, "a string of the list");
		if (v->n == l->rules->strings_max) {
			(void)!sieve_fail(l->why, l->script, begin,
				"this list has more than %zu strings", l->rules->strings_max);
			return RC_LIMIT;
		}
		if (v->n == cap) {
			struct sieve_text *more =
				arena_try_array(l->arena, cap ? cap * 2 : 4, sizeof(*more));
			if (!more)
				return no_memory(l);
			if (v->n)
				memcpy(more, v->texts, v->n * sizeof(*more));
			cap = cap ? cap * 2 : 4;
			v->texts = more;
		}
		v->texts[v->n++] = (struct sieve_text){ .text = l->ahead.text, .at = l->ahead.at };
		TRY(sieve_lex_next(l));
		if (!is_mark(l, ','))
			break;
		TRY(sieve_lex_next(l));
	}
	return take_mark(l, ']', ", or ] of the list");
}

/* RC_NONE: no value begins here. */
static enum rc parse_value(struct sieve_lexer *l, struct sieve_value **out)
{
	const struct sieve_token *t = &l->ahead;
	bool is_list = is_mark(l, '[');
	if (!is_list && t->kind != TOKEN_TAG && t->kind != TOKEN_NUMBER && t->kind != TOKEN_STRING)
		return RC_NONE;
	struct sieve_value *v = arena_try_array(l->arena, 1, sizeof(*v));
	if (!v)
		return no_memory(l);
	v->at = t->at;
	*out = v;
	if (is_list) {
		v->kind = VALUE_LIST;
		return parse_list(l, v);
	}
	v->kind = t->kind == TOKEN_NUMBER ? VALUE_NUMBER
		  : t->kind == TOKEN_TAG  ? VALUE_TAG
					  : VALUE_STRING;
	v->number = t->number;
	if (v->kind != VALUE_NUMBER) {
		v->texts = arena_try_array(l->arena, 1, sizeof(*v->texts));
		if (!v->texts)
			return no_memory(l);
		v->texts[0] = (struct sieve_text){ .text = t->text, .at = t->at };
		v->n = 1;
	}
	return sieve_lex_next(l);
}

static enum rc check_depth(struct sieve_lexer *l, unsigned depth)
{
	if (depth <= l->rules->nesting_max)
		return RC_OK;
	(void)!sieve_fail(l->why, l->script, l->ahead.at,
		"this is nested deeper than %u blocks and tests", l->rules->nesting_max);
	return RC_LIMIT;
}

/* A command or test up to its tests: name and values. */
static enum rc parse_head(struct sieve_lexer *l, struct sieve_node **out)
{
	struct sieve_node *n = arena_try_array(l->arena, 1, sizeof(*n));
	struct sieve_value **at;
	enum rc rc;
	if (!n)
		return no_memory(l);
	n->name = l->ahead.text;
	n->at = l->ahead.at;
	TRY(sieve_lex_next(l));
	for (at = &n->values; (rc = parse_value(l, at)) == RC_OK;)
		at = &(*at)->next;
	if (rc != RC_NONE)
		return rc;
	*out = n;
	return RC_OK;
}

static enum rc parse_tests(struct sieve_lexer *l, unsigned depth, struct sieve_node *n);

static enum rc parse_test(struct sieve_lexer *l, unsigned depth, struct sieve_node **out)
{
	if (l->ahead.kind != TOKEN_WORD)
		return wanted(l, "a test");
	TRY(check_depth(l, depth));
	TRY(parse_head(l, out));
	return parse_tests(l, depth, *out);
}

/* A test, or tests in parentheses, or nothing. */
static enum rc parse_tests(struct sieve_lexer *l, unsigned depth, struct sieve_node *n)
{
	struct sieve_node **at = &n->tests;
	if (l->ahead.kind == TOKEN_WORD)
		return parse_test(l, depth + 1, at);
	if (!is_mark(l, '('))
		return RC_OK;
	n->has_list = true;
	do {
		TRY(sieve_lex_next(l));
		TRY(parse_test(l, depth + 1, at));
		at = &(*at)->next;
	} while (is_mark(l, ','));
	return take_mark(l, ')', ", or ) of the tests");
}

static enum rc parse_command(struct sieve_lexer *l, unsigned depth, struct sieve_node **out)
{
	if (l->ahead.kind != TOKEN_WORD)
		return wanted(l, "a command");
	TRY(check_depth(l, depth));
	TRY(parse_head(l, out));
	TRY(parse_tests(l, depth, *out));
	if (!is_mark(l, '{'))
		return take_mark(l, ';', "; or a block");
	(*out)->has_block = true;
	TRY(sieve_lex_next(l));
	TRY(parse_commands(l, depth + 1, &(*out)->block));
	return take_mark(l, '}', "a command or }");
}

static enum rc parse_commands(struct sieve_lexer *l, unsigned depth, struct sieve_node **out)
{
	while (l->ahead.kind != TOKEN_END && !is_mark(l, '}')) {
		TRY(parse_command(l, depth, out));
		out = &(*out)->next;
	}
	return RC_OK;
}

enum rc sieve_parse(struct sieve_lexer *l, struct sieve_node **out)
{
	*out = NULL;
	TRY(sieve_lex_next(l));
	TRY(parse_commands(l, 0, out));
	if (l->ahead.kind != TOKEN_END)
		return wanted(l, "a command");
	return RC_OK;
}
