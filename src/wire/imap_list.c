/* imap_list.c: Arguments of LIST, and matching names with patterns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_args.h"

enum { PATTERNS_MAX = 64 };

/* "(SUBSCRIBED RECURSIVEMATCH)" (RFC 5258 3.1, RFC 6154 5.3). */
static enum rc selection(struct imap_lex *x, struct imap_list *out)
{
	TRY(imap_lex_char(x, '('));
	out->is_extended = true;
	while (imap_lex_peek(x) != ')') {
		struct slice word;
		TRY(imap_lex_atom(x, &word));
		if (slice_eq_nocase(word, S("SUBSCRIBED")))
			out->only_subscribed = out->return_subscribed = true;
		else if (slice_eq_nocase(word, S("REMOTE")))
			out->only_remote = true;
		else if (slice_eq_nocase(word, S("RECURSIVEMATCH")))
			out->recursive_match = true;
		else if (slice_eq_nocase(word, S("SPECIAL-USE")))
			out->only_special = out->return_special = true;
		else
			return RC_BAD;
		if (imap_lex_space(x) != RC_OK && imap_lex_peek(x) != ')')
			return RC_BAD;
	}
	if (out->recursive_match && !out->only_subscribed && !out->only_special)
		return RC_BAD; /* RFC 5258 3.1: it modifies another one */
	return imap_lex_char(x, ')');
}

static enum rc returns(struct imap_lex *x, struct imap_list *out)
{
	TRY(imap_lex_word(x, S("RETURN")));
	TRY(imap_lex_space(x));
	TRY(imap_lex_char(x, '('));
	out->is_extended = true;
	while (imap_lex_peek(x) != ')') {
		struct slice word;
		TRY(imap_lex_atom(x, &word));
		if (slice_eq_nocase(word, S("SUBSCRIBED"))) {
			out->return_subscribed = true;
		} else if (slice_eq_nocase(word, S("CHILDREN"))) {
			out->return_children = true;
		} else if (slice_eq_nocase(word, S("SPECIAL-USE"))) {
			out->return_special = true;
		} else if (slice_eq_nocase(word, S("STATUS"))) {
			TRY(imap_lex_space(x));
			TRY(imap_args_status(x, &out->status));
		} else {
			return RC_BAD;
		}
		if (imap_lex_space(x) != RC_OK && imap_lex_peek(x) != ')')
			return RC_BAD;
	}
	return imap_lex_char(x, ')');
}

static enum rc patterns(struct imap_lex *x, struct imap_list *out)
{
	bool list = imap_lex_char(x, '(') == RC_OK;
	out->is_extended |= list;
	out->patterns = arena_try_array(x->a, PATTERNS_MAX, sizeof(*out->patterns));
	if (!out->patterns)
		return RC_LIMIT;
	do {
		if (out->n == PATTERNS_MAX)
			return RC_LIMIT;
		TRY(imap_lex_list_mailbox(x, &out->patterns[out->n++]));
	} while (list && imap_lex_space(x) == RC_OK);
	return list ? imap_lex_char(x, ')') : RC_OK;
}

enum rc imap_list_parse(struct imap_lex *x, struct imap_list *out)
{
	struct imap_list got = { 0 };
	if (imap_lex_peek(x) == '(') {
		TRY(selection(x, &got));
		TRY(imap_lex_space(x));
	}
	TRY(imap_lex_mailbox(x, &got.reference));
	TRY(imap_lex_space(x));
	TRY(patterns(x, &got));
	if (imap_lex_space(x) == RC_OK)
		TRY(returns(x, &got));
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*out = got;
	return RC_OK;
}

/* Two fall-back points are enough: the last '*' can always take more, so what stands before it is settled; a '%' can only
 * take more up to the next '/'. */
static bool match(struct slice pattern, struct slice name, size_t fold)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0, percent = SIZE_MAX, percent_n = 0;
	while (n < name.len || p < pattern.len) {
		uint8_t c = p < pattern.len ? pattern.at[p] : 0;
		if (p < pattern.len && c == '*') {
			star = ++p;
			star_n = n;
			percent = SIZE_MAX;
			continue;
		}
		if (p < pattern.len && c == '%') {
			percent = ++p;
			percent_n = n;
			continue;
		}
		bool same = p < pattern.len && n < name.len &&
			    (c == name.at[n] ||
				    (n < fold && (c & 0xdf) == name.at[n] && c >= 'a' && c <= 'z'));
		if (same) {
			p++;
			n++;
		} else if (percent != SIZE_MAX && percent_n < name.len &&
			   name.at[percent_n] != '/') {
			p = percent;
			n = ++percent_n;
		} else if (star != SIZE_MAX && star_n < name.len) {
			p = star;
			n = ++star_n;
			percent = SIZE_MAX;
		} else {
			return false;
		}
	}
	return true;
}

bool imap_list_match(struct slice pattern, struct slice name)
{
	bool inbox = slice_eq(name, S("INBOX")) || slice_starts(name, S("INBOX/"));
	return match(pattern, name, inbox ? 5 : 0);
}
