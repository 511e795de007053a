/* imap_fetch.c: What FETCH asks for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_fetch.h"
#include "wire/imap_write.h"

static const struct {
	struct slice word;
	enum imap_fetch_kind kind;
} plain[] = {
	{ S("FLAGS"), IMAP_FETCH_FLAGS },
	{ S("UID"), IMAP_FETCH_UID },
	{ S("INTERNALDATE"), IMAP_FETCH_INTERNALDATE },
	{ S("RFC822.SIZE"), IMAP_FETCH_SIZE },
	{ S("ENVELOPE"), IMAP_FETCH_ENVELOPE },
	{ S("BODYSTRUCTURE"), IMAP_FETCH_BODYSTRUCTURE },
	{ S("MODSEQ"), IMAP_FETCH_MODSEQ },
	{ S("EMAILID"), IMAP_FETCH_EMAILID },
	{ S("THREADID"), IMAP_FETCH_THREADID },
	{ S("SAVEDATE"), IMAP_FETCH_SAVEDATE },
};

/* Old names of sections. */
static const struct {
	struct slice word;
	enum imap_section_what what;
	bool is_peek;
} rfc822[] = {
	{ S("RFC822"), IMAP_SECTION_ALL, false },
	{ S("RFC822.HEADER"), IMAP_SECTION_HEADER, true },
	{ S("RFC822.TEXT"), IMAP_SECTION_TEXT, false },
};

static const struct {
	struct slice word;
	bool is_peek, is_binary, is_size;
} sections[] = {
	{ S("BODY"), false, false, false },
	{ S("BODY.PEEK"), true, false, false },
	{ S("BINARY"), false, true, false },
	{ S("BINARY.PEEK"), true, true, false },
	{ S("BINARY.SIZE"), true, true, true },
};

enum {
	PLAIN = sizeof(plain) / sizeof(plain[0]),
	SECTIONS = sizeof(sections) / sizeof(sections[0])
};

static struct slice name(struct imap_lex *x)
{
	size_t n = 0;
	while (n < x->rest.len) {
		uint8_t c = x->rest.at[n], low = c | 0x20;
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '.')
			break;
		n++;
	}
	struct slice got = slice_head(x->rest, n);
	x->rest = slice_tail(x->rest, n);
	return got;
}

/* "1.2.3" and the dot behind it when a word follows. */
static enum rc part_number(struct imap_lex *x, struct slice *out, bool *word_follows)
{
	struct slice start = x->rest;
	*word_follows = true;
	for (unsigned depth = 0; imap_lex_peek(x) >= '0' && imap_lex_peek(x) <= '9'; depth++) {
		uint32_t n;
		if (depth == IMAP_SECTION_DEPTH)
			return RC_LIMIT;
		TRY(imap_lex_nz_number(x, &n));
		*out = slice_head(start, start.len - x->rest.len);
		*word_follows = imap_lex_char(x, '.') == RC_OK;
		if (!*word_follows)
			return RC_OK;
	}
	return RC_OK;
}

static enum rc field_names(struct imap_lex *x, struct imap_fetch_item *item)
{
	TRY(imap_lex_space(x));
	TRY(imap_lex_char(x, '('));
	item->fields = arena_try_array(x->a, IMAP_FETCH_ITEMS, sizeof(*item->fields));
	if (!item->fields)
		return RC_LIMIT;
	do {
		if (item->fields_n == IMAP_FETCH_ITEMS)
			return RC_LIMIT;
		TRY(imap_lex_astring(x, &item->fields[item->fields_n++]));
	} while (imap_lex_space(x) == RC_OK);
	return imap_lex_char(x, ')');
}

static enum rc section_text(struct imap_lex *x, struct imap_fetch_item *item)
{
	struct slice word = name(x);
	if (slice_eq_nocase(word, S("HEADER")))
		item->what = IMAP_SECTION_HEADER;
	else if (slice_eq_nocase(word, S("HEADER.FIELDS")))
		item->what = IMAP_SECTION_FIELDS;
	else if (slice_eq_nocase(word, S("HEADER.FIELDS.NOT")))
		item->what = IMAP_SECTION_FIELDS_NOT;
	else if (slice_eq_nocase(word, S("TEXT")))
		item->what = IMAP_SECTION_TEXT;
	else if (slice_eq_nocase(word, S("MIME")) && item->number.len)
		item->what = IMAP_SECTION_MIME;
	else
		return RC_BAD;
	if (item->what == IMAP_SECTION_FIELDS || item->what == IMAP_SECTION_FIELDS_NOT)
		return field_names(x, item);
	return RC_OK;
}

static enum rc partial(struct imap_lex *x, struct imap_fetch_item *item)
{
	if (imap_lex_char(x, '<') != RC_OK)
		return RC_OK;
	item->has_partial = true;
	TRY(imap_lex_number(x, &item->offset));
	TRY(imap_lex_char(x, '.'));
	TRY(imap_lex_nz_number(x, &item->length));
	return imap_lex_char(x, '>');
}

static void echo_section(const struct imap_fetch_item *item, struct buf *out)
{
	static const char *const words[] = { "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT",
		"TEXT", "MIME" };
	buf_add(out, item->number);
	if (item->number.len && item->what != IMAP_SECTION_ALL)
		buf_byte(out, '.');
	buf_str(out, words[item->what]);
	for (size_t i = 0; i < item->fields_n; i++) {
		buf_str(out, i ? " " : " (");
		imap_write_astring(item->fields[i], out);
	}
	if (item->fields_n)
		buf_byte(out, ')');
}

static enum rc echo(struct arena *a, struct imap_fetch_item *item)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_str(&b, item->kind == IMAP_FETCH_BINARY_SIZE ? "BINARY.SIZE["
		    : item->is_binary                    ? "BINARY["
							 : "BODY[");
	echo_section(item, &b);
	buf_byte(&b, ']');
	if (item->has_partial)
		buf_fmt(&b, "<%u>", item->offset);
	item->echo = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

static enum rc section(struct imap_lex *x, struct imap_fetch_item *item)
{
	bool word_follows;
	item->kind = IMAP_FETCH_SECTION;
	TRY(imap_lex_char(x, '['));
	TRY(part_number(x, &item->number, &word_follows));
	if (imap_lex_peek(x) != ']' || (item->number.len && word_follows))
		TRY(section_text(x, item));
	if (item->is_binary && item->what != IMAP_SECTION_ALL)
		return RC_BAD;
	return imap_lex_char(x, ']');
}

/* PREVIEW and "PREVIEW (LAZY)" (RFC 8970 3.1). */
static enum rc preview(struct imap_lex *x, struct imap_fetch_item *item)
{
	struct slice rest = x->rest;
	item->kind = IMAP_FETCH_PREVIEW;
	item->echo = S("PREVIEW");
	if (imap_lex_space(x) == RC_OK && imap_lex_char(x, '(') == RC_OK) {
		TRY(imap_lex_word(x, S("LAZY")));
		return imap_lex_char(x, ')');
	}
	x->rest = rest;
	return RC_OK;
}

static enum rc by_word(struct imap_lex *x, struct slice word, struct imap_fetch_item *item)
{
	for (size_t i = 0; i < PLAIN; i++) {
		if (!slice_eq_nocase(word, plain[i].word))
			continue;
		item->kind = plain[i].kind;
		item->echo = plain[i].word;
		return RC_OK;
	}
	for (size_t i = 0; i < sizeof(rfc822) / sizeof(rfc822[0]); i++) {
		if (!slice_eq_nocase(word, rfc822[i].word))
			continue;
		item->kind = IMAP_FETCH_SECTION;
		item->what = rfc822[i].what;
		item->is_peek = rfc822[i].is_peek;
		item->echo = rfc822[i].word;
		return RC_OK;
	}
	if (slice_eq_nocase(word, S("PREVIEW")))
		return preview(x, item);
	return RC_BAD;
}

static enum rc one(struct imap_lex *x, struct imap_fetch_item *item)
{
	struct slice word = name(x);
	if (imap_lex_peek(x) != '[') {
		if (slice_eq_nocase(word, S("BODY"))) {
			item->kind = IMAP_FETCH_BODY;
			item->echo = S("BODY");
			return RC_OK;
		}
		return by_word(x, word, item);
	}
	for (size_t i = 0; i < SECTIONS; i++) {
		if (!slice_eq_nocase(word, sections[i].word))
			continue;
		item->is_peek = sections[i].is_peek;
		item->is_binary = sections[i].is_binary;
		TRY(section(x, item));
		if (sections[i].is_size)
			item->kind = IMAP_FETCH_BINARY_SIZE;
		else
			TRY(partial(x, item));
		return echo(x->a, item);
	}
	return RC_BAD;
}

static void macro_item(struct imap_fetch *out, enum imap_fetch_kind kind)
{
	for (size_t i = 0; i < PLAIN; i++)
		if (plain[i].kind == kind)
			out->items[out->n++] =
				(struct imap_fetch_item){ .kind = kind, .echo = plain[i].word };
}

/* ALL, FAST, FULL: RFC 3501 6.4.5. */
static bool macro(struct imap_lex *x, struct imap_fetch *out)
{
	bool full = imap_lex_word(x, S("FULL")) == RC_OK;
	bool all = full || imap_lex_word(x, S("ALL")) == RC_OK;
	if (!all && imap_lex_word(x, S("FAST")) != RC_OK)
		return false;
	macro_item(out, IMAP_FETCH_FLAGS);
	macro_item(out, IMAP_FETCH_INTERNALDATE);
	macro_item(out, IMAP_FETCH_SIZE);
	if (all)
		macro_item(out, IMAP_FETCH_ENVELOPE);
	if (full)
		out->items[out->n++] =
			(struct imap_fetch_item){ .kind = IMAP_FETCH_BODY, .echo = S("BODY") };
	return true;
}

static enum rc items(struct imap_lex *x, struct imap_fetch *out)
{
	bool list = imap_lex_char(x, '(') == RC_OK;
	do {
		if (out->n == IMAP_FETCH_ITEMS)
			return RC_LIMIT;
		TRY(one(x, &out->items[out->n]));
		out->n++;
	} while (list && imap_lex_space(x) == RC_OK);
	return list ? imap_lex_char(x, ')') : RC_OK;
}

/* "(CHANGEDSINCE 7 VANISHED)". */
static enum rc modifiers(struct imap_lex *x, struct imap_fetch *out)
{
	if (imap_lex_at_end(x))
		return RC_OK;
	TRY(imap_lex_space(x));
	TRY(imap_lex_char(x, '('));
	do {
		if (imap_lex_word(x, S("VANISHED")) == RC_OK) {
			out->vanished = true;
			continue;
		}
		TRY(imap_lex_word(x, S("CHANGEDSINCE")));
		TRY(imap_lex_space(x));
		TRY(imap_lex_number64(x, &out->changed_since));
		out->has_changed_since = true;
	} while (imap_lex_space(x) == RC_OK);
	return imap_lex_char(x, ')');
}

enum rc imap_fetch_parse(struct imap_lex *x, struct imap_fetch *out)
{
	struct imap_fetch got = { 0 };
	got.items = arena_try_array(x->a, IMAP_FETCH_ITEMS, sizeof(*got.items));
	if (!got.items)
		return RC_LIMIT;
	if (!macro(x, &got))
		TRY(items(x, &got));
	TRY(modifiers(x, &got));
	if (!imap_lex_at_end(x))
		return RC_BAD;
	for (size_t i = 0; i < got.n; i++) {
		got.kinds |= 1U << got.items[i].kind;
		got.sets_seen |= got.items[i].kind == IMAP_FETCH_SECTION && !got.items[i].is_peek;
	}
	*out = got;
	return RC_OK;
}
