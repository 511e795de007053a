/* imap_args.c: Arguments of STATUS, STORE, APPEND, SELECT, ID, ENABLE and CREATE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_args.h"

enum { WORDS_MAX = 64, ID_MAX = 30 };

static const struct {
	struct slice word;
	enum imap_status bit;
} statuses[] = {
	{ S("MESSAGES"), IMAP_STATUS_MESSAGES },
	{ S("RECENT"), IMAP_STATUS_RECENT },
	{ S("UIDNEXT"), IMAP_STATUS_UIDNEXT },
	{ S("UIDVALIDITY"), IMAP_STATUS_UIDVALIDITY },
	{ S("UNSEEN"), IMAP_STATUS_UNSEEN },
	{ S("SIZE"), IMAP_STATUS_SIZE },
	{ S("HIGHESTMODSEQ"), IMAP_STATUS_HIGHESTMODSEQ },
	{ S("DELETED"), IMAP_STATUS_DELETED },
	{ S("APPENDLIMIT"), IMAP_STATUS_APPENDLIMIT },
	{ S("MAILBOXID"), IMAP_STATUS_MAILBOXID },
};

enum rc imap_args_status(struct imap_lex *x, unsigned *items)
{
	unsigned got = 0;
	TRY(imap_lex_char(x, '('));
	do {
		struct slice word;
		unsigned bit = 0;
		TRY(imap_lex_atom(x, &word));
		for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
			if (slice_eq_nocase(word, statuses[i].word))
				bit = (unsigned)statuses[i].bit;
		if (!bit)
			return RC_BAD;
		got |= bit;
	} while (imap_lex_space(x) == RC_OK);
	TRY(imap_lex_char(x, ')'));
	*items = got;
	return RC_OK;
}

enum rc imap_args_store(struct imap_lex *x, struct imap_store *out)
{
	struct imap_store got = { .op = IMAP_STORE_SET };
	if (imap_lex_char(x, '(') == RC_OK) {
		TRY(imap_lex_word(x, S("UNCHANGEDSINCE")));
		TRY(imap_lex_space(x));
		TRY(imap_lex_number64(x, &got.unchanged_since));
		TRY(imap_lex_char(x, ')'));
		TRY(imap_lex_space(x));
		got.has_unchanged_since = true;
	}
	if (imap_lex_char(x, '+') == RC_OK)
		got.op = IMAP_STORE_ADD;
	else if (imap_lex_char(x, '-') == RC_OK)
		got.op = IMAP_STORE_REMOVE;
	got.is_silent = imap_lex_word(x, S("FLAGS.SILENT")) == RC_OK;
	if (!got.is_silent)
		TRY(imap_lex_word(x, S("FLAGS")));
	TRY(imap_lex_space(x));
	TRY(imap_lex_flags(x, true, &got.flags));
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*out = got;
	return RC_OK;
}

enum rc imap_args_append(struct imap_lex *x, struct imap_append *out)
{
	struct imap_append got = { 0 };
	if (imap_lex_peek(x) == '(') {
		TRY(imap_lex_flags(x, false, &got.flags));
		TRY(imap_lex_space(x));
	}
	if (imap_lex_peek(x) == '"') {
		TRY(imap_lex_date_time(x, &got.date));
		TRY(imap_lex_space(x));
		got.has_date = true;
	}
	if (imap_lex_word(x, S("UTF8")) == RC_OK) {
		TRY(imap_lex_space(x));
		TRY(imap_lex_char(x, '('));
		got.is_utf8 = true;
	}
	struct slice rest = x->rest;
	if (rest.len && rest.at[0] == '~')
		rest = slice_tail(rest, 1);
	if (!rest.len || rest.at[0] != '{' || slice_rfind(rest, '{') ||
		imap_literal_at_end(x->rest, &got.literal) != RC_OK)
		return RC_BAD;
	x->rest = S("");
	*out = got;
	return RC_OK;
}

/* RFC 7162 3.2.5: "(validity modseq [uids] [(seqs uids)])". */
static enum rc qresync(struct imap_lex *x, struct imap_select *out)
{
	TRY(imap_lex_space(x));
	TRY(imap_lex_char(x, '('));
	TRY(imap_lex_nz_number(x, &out->uid_validity));
	TRY(imap_lex_space(x));
	TRY(imap_lex_number64(x, &out->modseq));
	if (imap_lex_space(x) == RC_OK && imap_lex_peek(x) != '(') {
		TRY(imap_set_parse(x, &out->known_uids));
		out->has_known = true;
		(void)imap_lex_space(x);
	}
	if (imap_lex_char(x, '(') == RC_OK) {
		TRY(imap_set_parse(x, &out->known_seqs));
		TRY(imap_lex_space(x));
		TRY(imap_set_parse(x, &out->match_uids));
		TRY(imap_lex_char(x, ')'));
	}
	out->qresync = true;
	return imap_lex_char(x, ')');
}

enum rc imap_args_select(struct imap_lex *x, struct imap_select *out)
{
	struct imap_select got = { 0 };
	if (imap_lex_space(x) == RC_OK) {
		TRY(imap_lex_char(x, '('));
		do {
			if (imap_lex_word(x, S("CONDSTORE")) == RC_OK) {
				got.condstore = true;
				continue;
			}
			TRY(imap_lex_word(x, S("QRESYNC")));
			TRY(qresync(x, &got));
		} while (imap_lex_space(x) == RC_OK);
		TRY(imap_lex_char(x, ')'));
	}
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*out = got;
	return RC_OK;
}

enum rc imap_args_id(struct imap_lex *x, struct slice **pairs, size_t *n)
{
	size_t got = 0;
	bool nil;
	*n = 0;
	*pairs = NULL;
	if (imap_lex_word(x, S("NIL")) == RC_OK)
		return imap_lex_at_end(x) ? RC_OK : RC_BAD;
	struct slice *list = arena_try_array(x->a, 2 * ID_MAX, sizeof(*list));
	if (!list)
		return RC_LIMIT;
	TRY(imap_lex_char(x, '('));
	while (imap_lex_peek(x) != ')') {
		if (got == ID_MAX)
			return RC_LIMIT;
		TRY(imap_lex_string(x, &list[2 * got]));
		TRY(imap_lex_space(x));
		TRY(imap_lex_nstring(x, &list[2 * got + 1], &nil));
		got++;
		if (imap_lex_space(x) != RC_OK && imap_lex_peek(x) != ')')
			return RC_BAD;
	}
	TRY(imap_lex_char(x, ')'));
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*pairs = list;
	*n = got;
	return RC_OK;
}

enum rc imap_args_words(struct imap_lex *x, struct slice **words, size_t *n)
{
	size_t got = 0;
	struct slice *list = arena_try_array(x->a, WORDS_MAX, sizeof(*list));
	if (!list)
		return RC_LIMIT;
	do {
		if (got == WORDS_MAX)
			return RC_LIMIT;
		TRY(imap_lex_atom(x, &list[got++]));
	} while (imap_lex_space(x) == RC_OK);
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*words = list;
	*n = got;
	return RC_OK;
}

enum rc imap_args_create(struct imap_lex *x, struct slice *use)
{
	struct slice got = S("");
	if (imap_lex_space(x) == RC_OK) {
		TRY(imap_lex_char(x, '('));
		TRY(imap_lex_word(x, S("USE")));
		TRY(imap_lex_space(x));
		TRY(imap_lex_char(x, '('));
		struct slice at = x->rest;
		if (imap_lex_char(x, '\\') == RC_OK) {
			TRY(imap_lex_atom(x, &got));
			got = slice_head(at, got.len + 1);
		}
		TRY(imap_lex_char(x, ')'));
		TRY(imap_lex_char(x, ')'));
	}
	if (!imap_lex_at_end(x))
		return RC_BAD;
	*use = got;
	return RC_OK;
}
