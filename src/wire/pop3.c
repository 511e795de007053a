/* pop3.c: Command lines of POP3. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pop3.h"

static const char *const verbs[POP3_VERBS] = {
	[POP3_UNKNOWN] = "",
	[POP3_AUTH] = "AUTH",
	[POP3_CAPA] = "CAPA",
	[POP3_DELE] = "DELE",
	[POP3_LANG] = "LANG",
	[POP3_LIST] = "LIST",
	[POP3_NOOP] = "NOOP",
	[POP3_PASS] = "PASS",
	[POP3_QUIT] = "QUIT",
	[POP3_RETR] = "RETR",
	[POP3_RSET] = "RSET",
	[POP3_STAT] = "STAT",
	[POP3_STLS] = "STLS",
	[POP3_TOP] = "TOP",
	[POP3_UIDL] = "UIDL",
	[POP3_USER] = "USER",
	[POP3_UTF8] = "UTF8",
};

const char *pop3_verb_name(enum pop3_verb verb)
{
	return verb < POP3_VERBS ? verbs[verb] : "";
}

enum pop3_verb pop3_verb(struct slice line, struct slice *args)
{
	struct slice rest = line, word = slice_split(&rest, ' ');
	*args = rest;
	for (unsigned v = POP3_UNKNOWN + 1; v < POP3_VERBS; v++)
		if (slice_eq_nocase(word, slice_str(verbs[v])))
			return v;
	return POP3_UNKNOWN;
}

enum rc pop3_number(struct slice args, uint32_t *number)
{
	uint64_t n;
	TRY(slice_u64(slice_trim(args), UINT32_MAX, &n));
	*number = (uint32_t)n;
	return RC_OK;
}

enum rc pop3_top(struct slice args, uint32_t *number, uint64_t *lines)
{
	struct slice rest = slice_trim(args), word = slice_split(&rest, ' ');
	uint64_t n;
	TRY(slice_u64(slice_trim(rest), UINT64_MAX, &n));
	TRY(pop3_number(word, number));
	*lines = n;
	return RC_OK;
}

enum rc pop3_auth(struct slice args, struct slice *mech, bool *has_initial, struct slice *initial)
{
	struct slice rest = slice_trim(args), word = slice_split(&rest, ' ');
	rest = slice_trim(rest);
	if (!word.len || slice_find(rest, ' ') < rest.len)
		return RC_BAD;
	*mech = word;
	*has_initial = rest.len != 0;
	*initial = rest;
	return RC_OK;
}

bool pop3_lang_fits(struct slice range, struct slice tag)
{
	if (slice_eq(range, S("*")) || slice_eq_nocase(range, tag))
		return true;
	return range.len > tag.len && slice_starts_nocase(range, tag) && range.at[tag.len] == '-';
}

void pop3_text_write(struct slice text, size_t max, struct buf *out)
{
	struct slice cut = slice_head(text, max);
	for (size_t i = 0; i < cut.len; i++)
		buf_byte(out, cut.at[i] >= ' ' && cut.at[i] < 127 ? cut.at[i] : '?');
}
