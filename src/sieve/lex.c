/* lex.c: Tokens of a script (RFC 5228 8.1), and the place of an error in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/sieve_int.h"
#include <stdarg.h>

enum rc sieve_fail(struct sieve_error *why, struct slice script, uint32_t at, const char *fmt, ...)
{
	va_list ap;
	struct slice before = slice_head(script, at);
	size_t line_at = slice_rfind(before, '\n');
	*why = (struct sieve_error){ .line = 1, .column = 1 };
	for (size_t i = 0; i < before.len; i++)
		why->line += before.at[i] == '\n';
	before = slice_tail(before, line_at == before.len ? 0 : line_at + 1);
	while (before.len) {
		utf8_take(&before);
		why->column++;
	}
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return RC_BAD;
}

static bool is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t peek(const struct sieve_lexer *l, size_t ahead)
{
	return l->at + ahead < l->script.len ? l->script.at[l->at + ahead] : 0;
}

static void skip_line(struct sieve_lexer *l)
{
	while (l->at < l->script.len && l->script.at[l->at] != '\n')
		l->at++;
}

/* Blanks and comments. */
static enum rc skip(struct sieve_lexer *l)
{
	while (l->at < l->script.len) {
		uint8_t c = peek(l, 0);
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			l->at++;
		} else if (c == '#') {
			skip_line(l);
		} else if (c == '/' && peek(l, 1) == '*') {
			struct slice rest = slice_tail(l->script, l->at + 2);
			size_t end = slice_search(rest, S("*/"));
			if (end == rest.len)
				return sieve_fail(l->why, l->script, (uint32_t)l->at,
					"this comment is never closed by */");
			l->at += 2 + end + 2;
		} else {
			break;
		}
	}
	return RC_OK;
}

static enum rc lex_number(struct sieve_lexer *l)
{
	uint64_t n = 0;
	size_t begin = l->at;
	static const struct {
		char letter;
		unsigned shift;
	} units[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 } };
	for (; is_digit(peek(l, 0)); l->at++) {
		if (n > (INT64_MAX - 9) / 10)
			return sieve_fail(
				l->why, l->script, (uint32_t)begin, "this number is too large");
		n = n * 10 + peek(l, 0) - '0';
	}
	for (size_t i = 0; i < 3; i++) {
		if ((peek(l, 0) | 0x20) != units[i].letter)
			continue;
		if (n > (uint64_t)INT64_MAX >> units[i].shift)
			return sieve_fail(
				l->why, l->script, (uint32_t)begin, "this number is too large");
		n <<= units[i].shift;
		l->at++;
		break;
	}
	if (is_alpha(peek(l, 0)))
		return sieve_fail(l->why, l->script, (uint32_t)begin,
			"a number ends in K, M, G or a blank, not in %c", peek(l, 0));
	l->ahead.kind = TOKEN_NUMBER;
	l->ahead.number = n;
	return RC_OK;
}

static enum rc finish(struct sieve_lexer *l, const struct buf *b)
{
	l->ahead.kind = TOKEN_STRING;
	l->ahead.text = buf_slice(b);
	if (b->full) {
		(void)!sieve_fail(l->why, l->script, l->ahead.at,
			"this string is longer than %zu octets", l->rules->string_max);
		return RC_LIMIT;
	}
	if (b->over || l->arena->over) {
		(void)!sieve_fail(
			l->why, l->script, l->ahead.at, "there is no memory for this script");
		return RC_LIMIT;
	}
	if (memchr(b->at ? b->at : (const uint8_t *)"", 0, b->len))
		return sieve_fail(l->why, l->script, l->ahead.at, "this string holds a NUL");
	return RC_OK;
}

static enum rc lex_quoted(struct sieve_lexer *l)
{
	struct buf b;
	buf_init(&b, l->rules->string_max, l->arena);
	for (l->at++; l->at < l->script.len; l->at++) {
		uint8_t c = peek(l, 0);
		if (c == '"') {
			l->at++;
			return finish(l, &b);
		}
		if (c == '\\' && l->at + 1 < l->script.len) {
			l->at++;
			c = peek(l, 0);
		}
		buf_byte(&b, c);
	}
	return sieve_fail(l->why, l->script, l->ahead.at, "this string is never closed by \"");
}

/* Behind "text:": blanks, a comment, a line end, then lines up to one with a dot alone. */
static enum rc lex_multiline(struct sieve_lexer *l)
{
	struct buf b;
	buf_init(&b, l->rules->string_max, l->arena);
	while (peek(l, 0) == ' ' || peek(l, 0) == '\t')
		l->at++;
	if (peek(l, 0) == '#')
		skip_line(l);
	if (peek(l, 0) == '\r')
		l->at++;
	if (peek(l, 0) != '\n')
		return sieve_fail(
			l->why, l->script, (uint32_t)l->at, "a line end is wanted behind text:");
	struct slice rest = slice_tail(l->script, l->at + 1);
	while (rest.len) {
		size_t end = slice_find(rest, '\n');
		struct slice line = slice_head(rest, end);
		bool has_cr = line.len && line.at[line.len - 1] == '\r';
		line = slice_head(line, line.len - has_cr);
		rest = slice_tail(rest, end + 1);
		if (slice_eq(line, S("."))) {
			l->at = (size_t)(rest.at - l->script.at);
			return finish(l, &b);
		}
		buf_add(&b, slice_starts(line, S("..")) ? slice_tail(line, 1) : line);
		buf_str(&b, "\r\n");
	}
	return sieve_fail(l->why, l->script, l->ahead.at,
		"this text: is never ended by a line with a dot alone");
}

static enum rc lex_word(struct sieve_lexer *l)
{
	size_t begin = l->at;
	while (is_alpha(peek(l, 0)) || is_digit(peek(l, 0)))
		l->at++;
	l->ahead.text = slice_of(l->script.at + begin, l->at - begin);
	if (peek(l, 0) == ':' && slice_eq_nocase(l->ahead.text, S("text"))) {
		l->at++;
		return lex_multiline(l);
	}
	l->ahead.kind = TOKEN_WORD;
	return RC_OK;
}

enum rc sieve_lex_next(struct sieve_lexer *l)
{
	TRY(skip(l));
	l->ahead = (struct sieve_token){ .kind = TOKEN_END, .at = (uint32_t)l->at };
	if (l->at >= l->script.len)
		return RC_OK;
	uint8_t c = peek(l, 0);
	if (c == '"')
		return lex_quoted(l);
	if (is_digit(c))
		return lex_number(l);
	if (is_alpha(c))
		return lex_word(l);
	if (c == ':' && is_alpha(peek(l, 1))) {
		size_t begin = ++l->at;
		while (is_alpha(peek(l, 0)) || is_digit(peek(l, 0)))
			l->at++;
		l->ahead.kind = TOKEN_TAG;
		l->ahead.text = slice_of(l->script.at + begin, l->at - begin);
		return RC_OK;
	}
	if (c == 0 || !strchr("()[]{},;", c))
		return sieve_fail(l->why, l->script, (uint32_t)l->at,
			c > 0x20 && c < 0x7f ? "%c has no meaning here"
					     : "the octet 0x%02x has no meaning here",
			c);
	l->ahead.kind = TOKEN_MARK;
	l->ahead.mark = c;
	l->at++;
	return RC_OK;
}
