/* args.c: The values of a command or test, checked against the table of words and sorted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/sieve_int.h"

bool sieve_op_has(const struct sieve_op *op, enum sieve_tag tag)
{
	return op->tags >> tag & 1;
}

const struct sieve_value *sieve_op_value(const struct sieve_op *op, enum sieve_tag tag)
{
	const struct sieve_value *v = op->tag_values;
	if (!sieve_op_has(op, tag))
		return NULL;
	while (v && v->tag != tag)
		v = v->next;
	return v;
}

bool sieve_is_address(struct slice s)
{
	size_t at = slice_rfind(s, '@');
	if (at == 0 || at + 1 >= s.len || s.len > 320)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool is_domain = i > at;
		if (s.at[i] < 0x20 || s.at[i] == 0x7f ||
			(strchr(" <>,;()\"", s.at[i]) && (is_domain || s.at[0] != '"')))
			return false;
	}
	return s.at[at + 1] != '.' && s.at[s.len - 1] != '.';
}

static const char *kind_name(enum sieve_value_kind kind)
{
	static const char *const names[] = { "a number", "a string", "a list of strings", "a tag" };
	return names[kind];
}

/* RFC 5229 3: a namespace that no extension brings is an error. */
static enum rc check_spaces(struct sieve_compiler *c, const struct sieve_text *t)
{
	struct slice rest = t->text, space, name;
	for (size_t at = 0; at < t->text.len; at++) {
		rest = slice_tail(t->text, at);
		if (sieve_reference(&rest, &space, &name) != RC_OK || !space.len)
			continue;
		if (!slice_eq_nocase(space, S("global")) || !sieve_compile_has(c, EXT_INCLUDE))
			return sieve_compile_fail(c, t->at, "there is no namespace \"%.*s\"",
				FMT(slice_head(space, 60)));
	}
	return RC_OK;
}

/* Strings: encoded characters decoded, variables seen. */
static enum rc ready(struct sieve_compiler *c, struct sieve_value *v)
{
	for (size_t i = 0; v->kind != VALUE_NUMBER && i < v->n; i++) {
		struct sieve_text *t = &v->texts[i];
		size_t at = 0;
		if (sieve_compile_has(c, EXT_ENCODED)) {
			enum rc rc = sieve_encoded(t->text, c->arena, &t->text, &at);
			if (rc != RC_OK)
				return sieve_compile_fail(c, t->at,
					"this string names a character that does not exist");
		}
		t->has_variables = sieve_compile_has(c, EXT_VARIABLES) &&
				   slice_search(t->text, S("${")) < t->text.len;
		if (t->has_variables)
			TRY(check_spaces(c, t));
	}
	return RC_OK;
}

static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!alpha && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.len > 0;
}

static bool is_field_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || s.at[i] == ':')
			return false;
	}
	return s.len > 0;
}

/* RFC 5228 5.1: the test looks at fields of addresses only. */
static bool is_address_field(struct slice s)
{
	static const char *const names[] = { "from", "to", "cc", "bcc", "sender", "reply-to",
		"resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc",
		"resent-reply-to", "return-path", "delivered-to", "x-original-to", "envelope-to",
		"envelope-from", "errors-to", "x-envelope-from", "x-envelope-to", "apparently-to",
		"disposition-notification-to", "return-receipt-to", "mail-followup-to",
		"mail-reply-to", "x-forwarded-to", "list-post", "original-recipient",
		"final-recipient", "approved" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq_nocase(s, slice_str(names[i])))
			return true;
	}
	return false;
}

static bool is_envelope_part(struct slice s)
{
	return slice_eq_nocase(s, S("from")) || slice_eq_nocase(s, S("to")) ||
	       slice_eq_nocase(s, S("auth"));
}

static bool is_date_part(struct slice s)
{
	static const char *const names[] = { "year", "month", "day", "date", "julian", "hour",
		"minute", "second", "time", "iso8601", "std11", "zone", "weekday" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq_nocase(s, slice_str(names[i])))
			return true;
	}
	return false;
}

/* Letters of `takes` whose texts have a form of their own. */
static const struct form {
	char letter;
	bool (*is)(struct slice s);
	const char *what;
} forms[] = {
	{ 'h', is_field_name, "name of a header field" },
	{ 'A', is_address_field, "header field with addresses" },
	{ 'E', is_envelope_part, "part of an envelope" },
	{ 'd', is_date_part, "part of a date" },
	{ 'a', sieve_is_address, "address" },
};

static enum rc check_texts(struct sieve_compiler *c, char letter, const struct sieve_value *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct sieve_text *t = &v->texts[i];
		bool is_variable = letter == 'v' || letter == 'V';
		if (is_variable && (t->has_variables || !is_name(t->text)))
			return sieve_compile_fail(c, t->at, "\"%.*s\" is no name of a variable",
				FMT(slice_head(t->text, 60)));
		for (size_t k = 0; !t->has_variables && k < sizeof(forms) / sizeof(forms[0]); k++) {
			if (forms[k].letter == letter && !forms[k].is(t->text))
				return sieve_compile_fail(c, t->at, "\"%.*s\" is no %s",
					FMT(slice_head(t->text, 60)), forms[k].what);
		}
	}
	return RC_OK;
}

/* One positional value against its letter of `takes`. */
static enum rc check_position(struct sieve_compiler *c, const struct sieve_node *node,
	size_t number, char letter, struct sieve_value *v)
{
	bool is_list = letter >= 'A' && letter <= 'Z';
	bool fits = letter == 'n' ? v->kind == VALUE_NUMBER
				  : v->kind == VALUE_STRING || (is_list && v->kind == VALUE_LIST);
	if (!fits)
		return sieve_compile_fail(c, v->at, "argument %zu of %.*s is %s, not %s", number,
			FMT(slice_head(node->name, 40)),
			letter == 'n' ? "a number"
			: is_list     ? "a string or a list of strings"
				      : "a string",
			kind_name(v->kind));
	TRY(ready(c, v));
	return check_texts(c, letter, v);
}

static enum rc check_tag(struct sieve_compiler *c, const struct sieve_node *node,
	const struct sieve_value *v, const struct sieve_op *op, enum sieve_tag tag)
{
	const struct sieve_tag_row *row = sieve_tag_row(tag);
	struct slice name = slice_head(v->texts[0].text, 40);
	uint64_t bit = 1ull << tag;
	if (!((op->word->own | op->word->more) & bit))
		return sieve_compile_fail(
			c, v->at, "%s does not take :%.*s", op->word->name, FMT(name));
	if (!(op->word->own & bit) && row->ext != EXT_NONE && !sieve_compile_has(c, row->ext))
		return sieve_compile_fail(c, v->at, ":%.*s of %.*s wants require \"%s\"", FMT(name),
			FMT(slice_head(node->name, 40)), sieve_ext_name(row->ext));
	if (op->tags & bit)
		return sieve_compile_fail(c, v->at, ":%.*s is given twice", FMT(name));
	for (enum sieve_tag t = 0; row->group != GROUP_NONE && t < TAG_COUNT; t++) {
		if (sieve_op_has(op, t) && sieve_tag_row(t)->group == row->group)
			return sieve_compile_fail(c, v->at, ":%.*s and :%s exclude each other",
				FMT(name), sieve_tag_row(t)->name);
	}
	return RC_OK;
}

/* A tag, and its value, which is taken from the row of values. */
static enum rc take_tag(struct sieve_compiler *c, const struct sieve_node *node,
	struct sieve_value **at, struct sieve_op *op)
{
	static const char *const wants[] = { "", "a number", "a string", "a string or a list" };
	const struct sieve_value *v = *at;
	enum sieve_tag tag = sieve_tag_find(v->texts[0].text);
	if (tag == TAG_COUNT)
		return sieve_compile_fail(
			c, v->at, "there is no tag :%.*s", FMT(slice_head(v->texts[0].text, 40)));
	TRY(check_tag(c, node, v, op, tag));
	const struct sieve_tag_row *row = sieve_tag_row(tag);
	op->tags |= 1ull << tag;
	*at = v->next;
	if (row->takes == TAKES_NOTHING)
		return RC_OK;
	struct sieve_value *value = v->next;
	bool fits =
		value && (row->takes == TAKES_NUMBER ? value->kind == VALUE_NUMBER
						     : value->kind == VALUE_STRING ||
							       (row->takes == TAKES_LIST &&
								       value->kind == VALUE_LIST));
	if (!fits)
		return sieve_compile_fail(
			c, value ? value->at : v->at, ":%s takes %s", row->name, wants[row->takes]);
	*at = value->next;
	TRY(ready(c, value));
	if (tag == TAG_ZONE && !value->texts[0].has_variables &&
		!sieve_is_zone(value->texts[0].text))
		return sieve_compile_fail(c, value->at, "\"%.*s\" is no zone like +0100",
			FMT(slice_head(value->texts[0].text, 40)));
	value->tag = tag;
	value->next = op->tag_values;
	op->tag_values = value;
	return RC_OK;
}

static enum rc comparator(struct sieve_compiler *c, struct sieve_op *op)
{
	static const struct {
		const char *name;
		enum sieve_ext ext;
	} rows[] = { [COMPARE_CASEMAP] = { "i;ascii-casemap", EXT_NONE },
		[COMPARE_OCTET] = { "i;octet", EXT_NONE },
		[COMPARE_NUMERIC] = { "i;ascii-numeric", EXT_CMP_NUMERIC },
		[COMPARE_UNICODE] = { "i;unicode-casemap", EXT_CMP_UNICODE } };
	const struct sieve_value *v = sieve_op_value(op, TAG_COMPARATOR);
	if (!v)
		return RC_OK;
	struct slice name = v->texts[0].text;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!slice_eq(name, slice_str(rows[i].name)))
			continue;
		op->comparator = (enum sieve_comparator)i;
		if (rows[i].ext != EXT_NONE && !sieve_compile_has(c, rows[i].ext))
			return sieve_compile_fail(c, v->at, "this comparator wants require \"%s\"",
				sieve_ext_name(rows[i].ext));
		return RC_OK;
	}
	return sieve_compile_fail(
		c, v->at, "there is no comparator \"%.*s\"", FMT(slice_head(name, 60)));
}

static enum rc relation(struct sieve_compiler *c, const struct sieve_value *v, struct sieve_op *op)
{
	static const char names[][3] = { "eq", "ne", "gt", "ge", "lt", "le" };
	for (unsigned i = 0; i < 6; i++) {
		if (slice_eq_nocase(v->texts[0].text, slice_str(names[i]))) {
			op->relation = (enum sieve_relation)i;
			return RC_OK;
		}
	}
	return sieve_compile_fail(c, v->at, "a relation is one of eq, ne, gt, ge, lt, le");
}

static enum rc check_patterns(struct sieve_compiler *c, const struct sieve_value *keys)
{
	char text[128];
	for (size_t i = 0; i < keys->n; i++) {
		const struct sieve_text *t = &keys->texts[i];
		if (!t->has_variables &&
			sieve_regex_check(t->text, c->arena, text, sizeof(text)) != RC_OK)
			return sieve_compile_fail(c, t->at, "this regular expression: %s", text);
	}
	return RC_OK;
}

/* Match type and comparator, which go together or not. */
static enum rc matching(
	struct sieve_compiler *c, struct sieve_op *op, const struct sieve_value *keys)
{
	static const struct {
		enum sieve_tag tag;
		enum sieve_match match;
	} types[] = { { TAG_IS, MATCH_IS }, { TAG_CONTAINS, MATCH_CONTAINS },
		{ TAG_MATCHES, MATCH_MATCHES }, { TAG_COUNT_OF, MATCH_COUNT },
		{ TAG_VALUE, MATCH_VALUE }, { TAG_REGEX, MATCH_REGEX }, { TAG_LIST, MATCH_LIST } };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (sieve_op_has(op, types[i].tag))
			op->match = types[i].match;
	}
	TRY(comparator(c, op));
	const struct sieve_value *v = sieve_op_value(op, TAG_COUNT_OF);
	v = v ? v : sieve_op_value(op, TAG_VALUE);
	if (v)
		TRY(relation(c, v, op));
	bool parts = op->match == MATCH_CONTAINS || op->match == MATCH_MATCHES ||
		     op->match == MATCH_REGEX;
	if (parts && op->comparator == COMPARE_NUMERIC)
		return sieve_compile_fail(c, op->at, "i;ascii-numeric compares whole numbers only");
	return op->match == MATCH_REGEX && keys ? check_patterns(c, keys) : RC_OK;
}

static size_t count_positions(const struct sieve_value *v)
{
	size_t n = 0;
	for (; v; v = v->next)
		n++;
	return n;
}

/* Positions, from the last tag on. */
static enum rc positions(struct sieve_compiler *c, const struct sieve_node *node,
	struct sieve_value *v, struct sieve_op *op, const struct sieve_value **keys)
{
	const char *takes = op->word->takes;
	size_t given = count_positions(v), all = 0, optional = 0, at = 0;
	for (const char *t = takes; *t; t++) {
		optional += *t == '?';
		all += *t != '?';
	}
	if (given + optional < all || given > all)
		return sieve_compile_fail(c, node->at, "%s takes %zu argument%s%s, here %s %zu",
			op->word->name, all, all == 1 ? "" : "s",
			optional ? " (one may be left out)" : "", given == 1 ? "is" : "are", given);
	bool leave_out = given < all;
	for (const char *t = takes; *t; t++) {
		if (*t == '?') {
			if (leave_out) {
				t++;
				at++;
			}
			continue;
		}
		if (v->kind == VALUE_TAG)
			return sieve_compile_fail(
				c, v->at, "tags stand before the other arguments");
		bool is_list =
			*t == 'a' && sieve_op_has(op, TAG_LIST); /* names a list, RFC 6134 2.5 */
		TRY(check_position(c, node, at + 1, is_list ? 's' : *t, v));
		op->positions[at] = *v;
		if (*t == 'K')
			*keys = &op->positions[at];
		at++;
		v = v->next;
	}
	return RC_OK;
}

enum rc sieve_args(struct sieve_compiler *c, const struct sieve_node *node, struct sieve_op *op)
{
	struct sieve_value *v = node->values;
	const struct sieve_value *keys = NULL;
	while (v && v->kind == VALUE_TAG)
		TRY(take_tag(c, node, &v, op));
	TRY(positions(c, node, v, op, &keys));
	bool is_size = (op->word->own >> TAG_OVER & 1) != 0;
	if (is_size && !sieve_op_has(op, TAG_OVER) && !sieve_op_has(op, TAG_UNDER))
		return sieve_compile_fail(c, op->at, "size wants :over or :under");
	return matching(c, op, keys);
}
