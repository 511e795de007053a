/* imap_search.c: Search programs as trees. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_search.h"

/* How a word's arguments are read. */
enum form {
	FLAG,
	NOT_FLAG,
	NEW,
	FIELD,
	TEXT,
	HEADER,
	NUMBER,
	NUMBER32,
	DATE,
	SET,
	NOT,
	OR,
	ALL,
	KEYWORD,
	NOT_KEYWORD,
	MODSEQ
};

static const struct word {
	struct slice name;
	enum form form;
	enum imap_key key;
	unsigned flags;
} words[] = {
	{ S("ALL"), ALL, IMAP_KEY_ALL, 0 },
	{ S("ANSWERED"), FLAG, IMAP_KEY_FLAGS, IMAP_ANSWERED },
	{ S("BCC"), FIELD, IMAP_KEY_HEADER, 0 },
	{ S("BEFORE"), DATE, IMAP_KEY_BEFORE, 0 },
	{ S("BODY"), TEXT, IMAP_KEY_BODY, 0 },
	{ S("CC"), FIELD, IMAP_KEY_HEADER, 0 },
	{ S("DELETED"), FLAG, IMAP_KEY_FLAGS, IMAP_DELETED },
	{ S("DRAFT"), FLAG, IMAP_KEY_FLAGS, IMAP_DRAFT },
	{ S("EMAILID"), TEXT, IMAP_KEY_EMAILID, 0 },
	{ S("FLAGGED"), FLAG, IMAP_KEY_FLAGS, IMAP_FLAGGED },
	{ S("FROM"), FIELD, IMAP_KEY_HEADER, 0 },
	{ S("HEADER"), HEADER, IMAP_KEY_HEADER, 0 },
	{ S("KEYWORD"), KEYWORD, IMAP_KEY_KEYWORD, 0 },
	{ S("LARGER"), NUMBER, IMAP_KEY_LARGER, 0 },
	{ S("MODSEQ"), MODSEQ, IMAP_KEY_MODSEQ, 0 },
	{ S("NEW"), NEW, IMAP_KEY_FLAGS, IMAP_RECENT },
	{ S("NOT"), NOT, IMAP_KEY_NOT, 0 },
	{ S("OLD"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_RECENT },
	{ S("OLDER"), NUMBER32, IMAP_KEY_OLDER, 0 },
	{ S("ON"), DATE, IMAP_KEY_ON, 0 },
	{ S("OR"), OR, IMAP_KEY_OR, 0 },
	{ S("RECENT"), FLAG, IMAP_KEY_FLAGS, IMAP_RECENT },
	{ S("SAVEDBEFORE"), DATE, IMAP_KEY_SAVEDBEFORE, 0 },
	{ S("SAVEDON"), DATE, IMAP_KEY_SAVEDON, 0 },
	{ S("SAVEDSINCE"), DATE, IMAP_KEY_SAVEDSINCE, 0 },
	{ S("SEEN"), FLAG, IMAP_KEY_FLAGS, IMAP_SEEN },
	{ S("SENTBEFORE"), DATE, IMAP_KEY_SENTBEFORE, 0 },
	{ S("SENTON"), DATE, IMAP_KEY_SENTON, 0 },
	{ S("SENTSINCE"), DATE, IMAP_KEY_SENTSINCE, 0 },
	{ S("SINCE"), DATE, IMAP_KEY_SINCE, 0 },
	{ S("SMALLER"), NUMBER, IMAP_KEY_SMALLER, 0 },
	{ S("SUBJECT"), FIELD, IMAP_KEY_HEADER, 0 },
	{ S("TEXT"), TEXT, IMAP_KEY_TEXT, 0 },
	{ S("THREADID"), TEXT, IMAP_KEY_THREADID, 0 },
	{ S("TO"), FIELD, IMAP_KEY_HEADER, 0 },
	{ S("UID"), SET, IMAP_KEY_UID, 0 },
	{ S("UNANSWERED"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_ANSWERED },
	{ S("UNDELETED"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_DELETED },
	{ S("UNDRAFT"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_DRAFT },
	{ S("UNFLAGGED"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_FLAGGED },
	{ S("UNKEYWORD"), NOT_KEYWORD, IMAP_KEY_KEYWORD, 0 },
	{ S("UNSEEN"), NOT_FLAG, IMAP_KEY_FLAGS, IMAP_SEEN },
	{ S("YOUNGER"), NUMBER32, IMAP_KEY_YOUNGER, 0 },
};

struct parse {
	struct imap_lex *x;
	struct imap_search *out;
	unsigned nodes;
};

static enum rc key(struct parse *p, unsigned depth, struct imap_search_node **out);

static enum rc node(struct parse *p, enum imap_key k, struct imap_search_node **out)
{
	struct imap_search_node *n = arena_try_array(p->x->a, 1, sizeof(*n));
	if (!n || ++p->nodes > IMAP_SEARCH_NODES)
		return RC_LIMIT;
	n->key = k;
	p->out->keys |= 1U << k;
	*out = n;
	return RC_OK;
}

static enum rc negated(struct parse *p, struct imap_search_node **out)
{
	struct imap_search_node *n;
	TRY(node(p, IMAP_KEY_NOT, &n));
	n->child = *out;
	*out = n;
	return RC_OK;
}

/* Keys with blanks between, at least one. */
static enum rc keys(struct parse *p, unsigned depth, struct imap_search_node **out)
{
	struct imap_search_node *all, **end;
	TRY(node(p, IMAP_KEY_AND, &all));
	end = &all->child;
	do {
		TRY(key(p, depth, end));
		end = &(*end)->next;
	} while (imap_lex_space(p->x) == RC_OK);
	*out = all;
	return RC_OK;
}

/* "[entry type] number" (RFC 7162 3.1.5): all entries share one counter here. */
static enum rc modseq(struct parse *p, struct imap_search_node *n)
{
	struct slice entry, type;
	if (imap_lex_peek(p->x) == '"') {
		TRY(imap_lex_string(p->x, &entry));
		TRY(imap_lex_space(p->x));
		TRY(imap_lex_atom(p->x, &type));
		TRY(imap_lex_space(p->x));
	}
	p->out->uses_modseq = true;
	return imap_lex_number64(p->x, &n->number);
}

/* NEW is RECENT UNSEEN. */
static enum rc fresh(struct parse *p, struct imap_search_node **out)
{
	struct imap_search_node *both, *recent = *out, *seen;
	recent->number = IMAP_RECENT;
	TRY(node(p, IMAP_KEY_FLAGS, &seen));
	seen->number = IMAP_SEEN;
	TRY(negated(p, &seen));
	TRY(node(p, IMAP_KEY_AND, &both));
	both->child = recent;
	recent->next = seen;
	*out = both;
	return RC_OK;
}

static enum rc nested(struct parse *p, enum form form, unsigned depth, struct imap_search_node *n)
{
	TRY(imap_lex_space(p->x));
	TRY(key(p, depth + 1, &n->child));
	if (form == NOT)
		return RC_OK;
	TRY(imap_lex_space(p->x));
	return key(p, depth + 1, &n->child->next);
}

static enum rc number32(struct parse *p, struct imap_search_node *n)
{
	uint32_t value;
	TRY(imap_lex_nz_number(p->x, &value));
	n->number = value;
	return RC_OK;
}

static enum rc argument(struct parse *p, const struct word *w, struct imap_search_node *n)
{
	TRY(imap_lex_space(p->x));
	if (w->form == FIELD) {
		n->field = w->name;
		return imap_lex_astring(p->x, &n->text);
	}
	if (w->form == TEXT)
		return imap_lex_astring(p->x, &n->text);
	if (w->form == HEADER) {
		TRY(imap_lex_astring(p->x, &n->field));
		TRY(imap_lex_space(p->x));
		return imap_lex_astring(p->x, &n->text);
	}
	if (w->form == KEYWORD || w->form == NOT_KEYWORD)
		return imap_lex_atom(p->x, &n->text);
	if (w->form == NUMBER)
		return imap_lex_number64(p->x, &n->number);
	if (w->form == NUMBER32)
		return number32(p, n);
	if (w->form == DATE)
		return imap_lex_date(p->x, &n->date);
	if (w->form == SET)
		return imap_set_parse(p->x, &n->set);
	return modseq(p, n);
}

static enum rc by_word(
	struct parse *p, const struct word *w, unsigned depth, struct imap_search_node **out)
{
	TRY(node(p, w->key, out));
	switch (w->form) {
	case ALL:
		return RC_OK;
	case FLAG:
	case NOT_FLAG:
		(*out)->number = w->flags;
		return w->form == FLAG ? RC_OK : negated(p, out);
	case NEW:
		return fresh(p, out);
	case NOT:
	case OR:
		return nested(p, w->form, depth, *out);
	case FIELD:
	case TEXT:
	case HEADER:
	case NUMBER:
	case NUMBER32:
	case DATE:
	case SET:
	case KEYWORD:
	case MODSEQ:
		return argument(p, w, *out);
	case NOT_KEYWORD:
		TRY(argument(p, w, *out));
		return negated(p, out);
	}
	return RC_BAD;
}

static enum rc key(struct parse *p, unsigned depth, struct imap_search_node **out)
{
	uint8_t c = imap_lex_peek(p->x);
	struct slice name;
	if (depth > IMAP_SEARCH_DEPTH)
		return RC_LIMIT;
	if (c == '(') {
		TRY(imap_lex_char(p->x, '('));
		TRY(keys(p, depth + 1, out));
		return imap_lex_char(p->x, ')');
	}
	if (c == '*' || c == '$' || (c >= '0' && c <= '9')) {
		TRY(node(p, IMAP_KEY_SEQ, out));
		return imap_set_parse(p->x, &(*out)->set);
	}
	TRY(imap_lex_atom(p->x, &name));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq_nocase(name, words[i].name))
			return by_word(p, &words[i], depth, out);
	return RC_BAD;
}

static enum rc returns(struct imap_lex *x, struct imap_search *out)
{
	static const struct {
		struct slice word;
		enum imap_return bit;
	} options[] = {
		{ S("MIN"), IMAP_RETURN_MIN },
		{ S("MAX"), IMAP_RETURN_MAX },
		{ S("ALL"), IMAP_RETURN_ALL },
		{ S("COUNT"), IMAP_RETURN_COUNT },
		{ S("SAVE"), IMAP_RETURN_SAVE },
	};
	TRY(imap_lex_space(x));
	TRY(imap_lex_char(x, '('));
	while (imap_lex_peek(x) != ')') {
		unsigned bit = 0;
		for (size_t i = 0; !bit && i < sizeof(options) / sizeof(options[0]); i++)
			if (imap_lex_word(x, options[i].word) == RC_OK)
				bit = (unsigned)options[i].bit;
		if (!bit || (imap_lex_space(x) != RC_OK && imap_lex_peek(x) != ')'))
			return RC_BAD;
		out->ret |= bit;
	}
	if (!out->ret)
		out->ret = IMAP_RETURN_ALL;
	out->has_return = true;
	return imap_lex_char(x, ')');
}

enum rc imap_search_program(struct imap_lex *x, struct imap_search *out)
{
	struct parse p = { .x = x, .out = out };
	TRY(keys(&p, 0, &out->root));
	return imap_lex_at_end(x) ? RC_OK : RC_BAD;
}

enum rc imap_search_parse(struct imap_lex *x, struct imap_search *out)
{
	struct imap_search got = { 0 };
	if (imap_lex_word(x, S("RETURN")) == RC_OK) {
		TRY(returns(x, &got));
		TRY(imap_lex_space(x));
	}
	if (imap_lex_word(x, S("CHARSET")) == RC_OK) {
		TRY(imap_lex_space(x));
		TRY(imap_lex_astring(x, &got.charset));
		TRY(imap_lex_space(x));
	}
	TRY(imap_search_program(x, &got));
	*out = got;
	return RC_OK;
}
