/* imap_lex.c: Atoms, strings, numbers and mailbox names of IMAP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"
#include "base/utf8.h"
#include "wire/imap_utf7.h"

uint8_t imap_lex_peek(const struct imap_lex *x)
{
	return x->rest.len ? x->rest.at[0] : 0;
}

bool imap_lex_at_end(const struct imap_lex *x)
{
	return !x->rest.len;
}

enum rc imap_lex_char(struct imap_lex *x, uint8_t c)
{
	if (!x->rest.len || x->rest.at[0] != c)
		return RC_BAD;
	x->rest = slice_tail(x->rest, 1);
	return RC_OK;
}

enum rc imap_lex_space(struct imap_lex *x)
{
	return imap_lex_char(x, ' ');
}

/* ATOM-CHAR, RFC 9051 9. */
static bool is_atom_char(uint8_t c)
{
	return c > ' ' && c < 127 && c != '(' && c != ')' && c != '{' && c != '%' && c != '*' &&
	       c != '"' && c != '\\' && c != ']';
}

static bool is_astring_char(uint8_t c)
{
	return is_atom_char(c) || c == ']';
}

static bool is_list_char(uint8_t c)
{
	return is_astring_char(c) || c == '%' || c == '*';
}

static bool is_tag_char(uint8_t c)
{
	return is_astring_char(c) && c != '+';
}

static enum rc run(struct imap_lex *x, bool is(uint8_t), struct slice *out)
{
	size_t n = 0;
	while (n < x->rest.len && is(x->rest.at[n]))
		n++;
	if (!n)
		return RC_BAD;
	*out = slice_head(x->rest, n);
	x->rest = slice_tail(x->rest, n);
	return RC_OK;
}

enum rc imap_lex_word(struct imap_lex *x, struct slice word)
{
	struct slice rest = x->rest, got;
	if (run(x, is_atom_char, &got) == RC_OK && slice_eq_nocase(got, word))
		return RC_OK;
	x->rest = rest;
	return RC_BAD;
}

enum rc imap_lex_tag(struct imap_lex *x, struct slice *out)
{
	struct slice rest = x->rest, got;
	TRY(run(x, is_tag_char, &got));
	if (got.len > IMAP_TAG_MAX) {
		x->rest = rest;
		return RC_LIMIT;
	}
	*out = got;
	return RC_OK;
}

enum rc imap_lex_atom(struct imap_lex *x, struct slice *out)
{
	return run(x, is_atom_char, out);
}

static enum rc unescape(struct slice quoted, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, quoted.len);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.at[i] == '\\')
			i++;
		at[n++] = quoted.at[i];
	}
	*out = slice_of(at, n);
	return RC_OK;
}

/* Octets over 127 are taken as they come: old clients send them in passwords and names. */
static enum rc quoted(struct imap_lex *x, struct slice *out)
{
	bool escaped = false;
	size_t i;
	for (i = 1; i < x->rest.len && x->rest.at[i] != '"'; i++) {
		uint8_t c = x->rest.at[i];
		if (c == '\\') {
			escaped = true;
			c = ++i < x->rest.len ? x->rest.at[i] : 0;
			if (c != '"' && c != '\\')
				return RC_BAD;
		}
		if (c == '\r' || c == '\n' || !c)
			return RC_BAD;
	}
	if (i >= x->rest.len)
		return RC_BAD;
	struct slice got = slice_head(slice_tail(x->rest, 1), i - 1);
	if (escaped)
		TRY(unescape(got, x->a, &got));
	*out = got;
	x->rest = slice_tail(x->rest, i + 1);
	return RC_OK;
}

static enum rc literal(struct imap_lex *x, struct slice *out)
{
	struct imap_literal lit;
	size_t end = slice_find(x->rest, '\r');
	struct slice head = slice_head(x->rest, end), body = slice_tail(x->rest, end);
	if (head.len && slice_rfind(head, '{') != 0)
		return RC_BAD;
	if (!slice_starts(body, S("\r\n")) || imap_literal_at_end(head, &lit) != RC_OK)
		return RC_BAD;
	body = slice_tail(body, 2);
	if (lit.size > body.len)
		return RC_BAD;
	*out = slice_head(body, (size_t)lit.size);
	x->rest = slice_tail(body, (size_t)lit.size);
	return RC_OK;
}

enum rc imap_lex_string(struct imap_lex *x, struct slice *out)
{
	struct slice rest = x->rest, got;
	if (imap_lex_peek(x) == '"')
		return quoted(x, out);
	if (imap_lex_peek(x) != '{')
		return RC_BAD;
	TRY(literal(x, &got));
	if (slice_find(got, 0) < got.len) {
		x->rest = rest;
		return RC_BAD;
	}
	*out = got;
	return RC_OK;
}

enum rc imap_lex_literal8(struct imap_lex *x, struct slice *out, bool *is_8)
{
	struct slice rest = x->rest;
	bool tilde = imap_lex_char(x, '~') == RC_OK;
	if (is_8)
		*is_8 = tilde;
	enum rc rc = !tilde                    ? imap_lex_string(x, out)
		     : imap_lex_peek(x) == '{' ? literal(x, out)
					       : RC_BAD;
	if (rc != RC_OK)
		x->rest = rest;
	return rc;
}

static bool is_string_start(const struct imap_lex *x)
{
	return imap_lex_peek(x) == '"' || imap_lex_peek(x) == '{';
}

enum rc imap_lex_astring(struct imap_lex *x, struct slice *out)
{
	return is_string_start(x) ? imap_lex_string(x, out) : run(x, is_astring_char, out);
}

enum rc imap_lex_nstring(struct imap_lex *x, struct slice *out, bool *is_nil)
{
	*is_nil = false;
	if (is_string_start(x))
		return imap_lex_string(x, out);
	TRY(imap_lex_word(x, S("NIL")));
	*is_nil = true;
	*out = (struct slice){ 0 };
	return RC_OK;
}

static enum rc decode_name(struct imap_lex *x, struct slice *name)
{
	struct slice got = *name;
	enum rc rc = x->is_utf8 ? RC_BAD : imap_utf7_read(*name, x->a, &got);
	if (rc == RC_BAD)
		rc = utf8_valid(*name) && slice_find(*name, 0) == name->len ? RC_OK : RC_BAD;
	if (rc == RC_OK)
		*name = got;
	return rc;
}

enum rc imap_lex_list_mailbox(struct imap_lex *x, struct slice *out)
{
	struct slice rest = x->rest, got;
	TRY(is_string_start(x) ? imap_lex_string(x, &got) : run(x, is_list_char, &got));
	enum rc rc = decode_name(x, &got);
	if (rc != RC_OK)
		x->rest = rest;
	else
		*out = got;
	return rc;
}

enum rc imap_lex_mailbox(struct imap_lex *x, struct slice *out)
{
	struct slice rest = x->rest, got;
	TRY(imap_lex_astring(x, &got));
	enum rc rc = decode_name(x, &got);
	if (rc != RC_OK)
		x->rest = rest;
	else
		*out = slice_eq_nocase(got, S("INBOX")) ? S("INBOX") : got;
	return rc;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static enum rc number(struct imap_lex *x, uint64_t max, uint64_t *out)
{
	struct slice rest = x->rest, got;
	TRY(run(x, is_digit, &got));
	enum rc rc = slice_u64(got, max, out);
	if (rc != RC_OK)
		x->rest = rest;
	return rc;
}

enum rc imap_lex_number(struct imap_lex *x, uint32_t *out)
{
	uint64_t n;
	TRY(number(x, UINT32_MAX, &n));
	*out = (uint32_t)n;
	return RC_OK;
}

enum rc imap_lex_nz_number(struct imap_lex *x, uint32_t *out)
{
	struct slice rest = x->rest;
	uint32_t n;
	TRY(imap_lex_number(x, &n));
	if (!n) {
		x->rest = rest;
		return RC_BAD;
	}
	*out = n;
	return RC_OK;
}

enum rc imap_lex_number64(struct imap_lex *x, uint64_t *out)
{
	return number(x, INT64_MAX, out);
}
