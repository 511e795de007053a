/* imap_lex_flag.c: Flags and keywords of IMAP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"

enum { KEYWORD_MAX = 255, FLAGS_MAX = 256 };

static const struct {
	struct slice name;
	enum imap_flag bit;
} flags[] = {
	{ S("Seen"), IMAP_SEEN },
	{ S("Answered"), IMAP_ANSWERED },
	{ S("Flagged"), IMAP_FLAGGED },
	{ S("Deleted"), IMAP_DELETED },
	{ S("Draft"), IMAP_DRAFT },
	{ S("Recent"), IMAP_RECENT },
};

static unsigned bit_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (slice_eq_nocase(name, flags[i].name))
			return (unsigned)flags[i].bit;
	return 0;
}

enum rc imap_lex_flag(struct imap_lex *x, unsigned *system, struct slice *keyword)
{
	struct slice rest = x->rest, got;
	bool is_system = imap_lex_char(x, '\\') == RC_OK;
	enum rc rc = imap_lex_atom(x, &got);
	if (rc == RC_OK && is_system && !bit_of(got))
		rc = RC_BAD;
	if (rc == RC_OK && got.len > KEYWORD_MAX)
		rc = RC_LIMIT;
	if (rc != RC_OK) {
		x->rest = rest;
		return rc;
	}
	*system = is_system ? bit_of(got) : 0;
	*keyword = is_system ? S("") : got;
	return RC_OK;
}

static enum rc add(struct arena *a, struct imap_flags *out, unsigned system, struct slice keyword)
{
	out->system |= system;
	if (!keyword.len)
		return RC_OK;
	for (size_t i = 0; i < out->n; i++)
		if (slice_eq_nocase(out->keywords[i], keyword))
			return RC_OK;
	if (out->n == FLAGS_MAX)
		return RC_LIMIT;
	if (!out->keywords)
		out->keywords = arena_try_array(a, FLAGS_MAX, sizeof(*out->keywords));
	if (!out->keywords)
		return RC_LIMIT;
	out->keywords[out->n++] = keyword;
	return RC_OK;
}

/* Flags with blanks between, at least one. */
static enum rc several(struct imap_lex *x, struct imap_flags *out)
{
	for (;;) {
		unsigned system;
		struct slice keyword;
		TRY(imap_lex_flag(x, &system, &keyword));
		TRY(add(x->a, out, system, keyword));
		if (imap_lex_space(x) != RC_OK)
			return RC_OK;
	}
}

static enum rc in_parentheses(struct imap_lex *x, struct imap_flags *out)
{
	TRY(imap_lex_char(x, '('));
	if (imap_lex_peek(x) != ')')
		TRY(several(x, out));
	return imap_lex_char(x, ')');
}

enum rc imap_lex_flags(struct imap_lex *x, bool bare, struct imap_flags *out)
{
	struct slice rest = x->rest;
	struct imap_flags got = { 0 };
	enum rc rc = bare && imap_lex_peek(x) != '(' ? several(x, &got) : in_parentheses(x, &got);
	if (rc != RC_OK)
		x->rest = rest;
	else
		*out = got;
	return rc;
}
