/* tree.c: The parts of a message, found in one pass over its lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"
#include <string.h>

/* Every open multipart has its boundary on a stack. A line that begins with "--" is compared with them, innermost
 * first; a hit ends all parts inside. So each line is looked at once, however deep the parts lie. A message/rfc822
 * part's body is parsed as a message in place. */
struct level {
	struct mime_part *part; /* a multipart */
	struct slice boundary;
	struct mime_part *last; /* its last child */
};

struct walk {
	struct slice message;
	struct arena *a;
	struct level levels[MIME_DEPTH_MAX];
	size_t depth, parts;
	size_t at;
	struct mime_part *
		open; /* the leaf whose body the lines belong to, or NULL: a preamble or epilogue */
	size_t lines;
};

static size_t line_end(struct slice s, size_t from)
{
	size_t lf = slice_find(slice_tail(s, from), '\n');
	return from + lf < s.len ? from + lf + 1 : s.len;
}

static enum mime_encoding encoding_of(struct slice s)
{
	static const char *const names[] = { "7bit", "8bit", "binary", "quoted-printable",
		"base64" };
	for (int i = 0; i < 5; i++)
		if (slice_eq_nocase(s, slice_str(names[i])))
			return (enum mime_encoding)i;
	return MIME_OTHER;
}

static bool is_dashes(struct slice line)
{
	return line.len > 2 && line.at[0] == '-' && line.at[1] == '-';
}

/* Which level's boundary is this line? -1: none. `*final`: with "--" behind it. */
static long match(const struct walk *w, struct slice line, bool *final)
{
	struct slice s = slice_tail(line, 2);
	for (size_t i = w->depth; i-- > 0;) {
		struct slice b = w->levels[i].boundary;
		if (!slice_starts(s, b))
			continue;
		struct slice rest = slice_tail(s, b.len);
		*final = slice_starts(rest, S("--"));
		if (*final)
			rest = slice_tail(rest, 2);
		if (slice_trim(rest).len == 0)
			return (long)i;
	}
	return -1;
}

/* Where the header at w->at ends: behind its blank line, before a boundary (a part that was cut off), or at once when
 * its first line is no field at all (a part without header and blank line). */
static size_t header_end(const struct walk *w)
{
	struct slice m = w->message;
	bool final;
	for (size_t at = w->at, to; at < m.len; at = to) {
		to = line_end(m, at);
		struct slice line = slice_of(m.at + at, to - at);
		if (line.at[0] == '\n' || slice_eq(line, S("\r\n")))
			return to;
		if (w->depth && is_dashes(line) && match(w, line, &final) >= 0)
			return at;
		if (at == w->at && !mime_is_field(line) && !slice_starts(line, S("From ")) &&
			!slice_starts(line, S(">From ")))
			return at;
	}
	return m.len;
}

/* "base64 (comment)" is base64. */
static struct slice first_word(struct slice s)
{
	size_t n = 0;
	s = slice_trim(s);
	while (n < s.len && s.at[n] > ' ' && s.at[n] != ';' && s.at[n] != '(')
		n++;
	return slice_head(s, n);
}

static enum rc read_header(struct walk *w, struct mime_part *p, bool digest)
{
	struct slice rest, type = { 0 }, encoding = S("");
	struct mime_field f;
	p->head = w->at;
	w->at = header_end(w);
	p->head_len = w->at - p->head;
	p->body = w->at;
	rest = slice_of(w->message.at + p->head, p->head_len);
	while (mime_field_next(&rest, &f) == RC_OK) {
		if (!type.at && slice_eq_nocase(f.name, S("Content-Type")))
			type = f.value;
		else if (slice_eq_nocase(f.name, S("Content-Transfer-Encoding")))
			encoding = first_word(f.value);
	}
	enum rc rc = type.at ? mime_params(type, w->a, &p->type) : RC_BAD;
	if (rc == RC_LIMIT)
		return rc;
	if (rc != RC_OK || p->type.subtype.len == 0) {
		p->type = (struct mime_params){ .type = S("text"), .subtype = S("plain") };
		if (digest && !type.at)
			p->type = (struct mime_params){ .type = S("message"),
				.subtype = S("rfc822") };
	}
	p->encoding_text = encoding.len ? encoding : S("7bit");
	p->encoding = encoding_of(p->encoding_text);
	return RC_OK;
}

static bool plain(const struct mime_part *p)
{
	return p->encoding == MIME_7BIT || p->encoding == MIME_8BIT || p->encoding == MIME_BINARY;
}

static struct mime_part *new_part(struct walk *w, struct mime_part *parent)
{
	struct mime_part *p = arena_try_array(w->a, 1, sizeof(*p));
	if (p) {
		p->parent = parent;
		p->depth = parent ? parent->depth + 1 : 0;
		w->parts++;
	}
	return p;
}

static bool is_type(const struct mime_part *p, struct slice type)
{
	return slice_eq_nocase(p->type.type, type);
}

static bool is_inner_message(const struct mime_part *p)
{
	return is_type(p, S("message")) && (slice_eq_nocase(p->type.subtype, S("rfc822")) ||
						   slice_eq_nocase(p->type.subtype, S("global")));
}

/* A leaf whose type promises parts that it has not: readers would stumble over it. */
static void rename_leaf(struct mime_part *p, struct slice type, struct slice subtype)
{
	p->type.type = type;
	p->type.subtype = subtype;
	p->is_multipart = false;
}

/* Opens the message in the body of p. */
static enum rc open_inner(struct walk *w, struct mime_part *p)
{
	p->child = new_part(w, p);
	if (!p->child)
		return RC_LIMIT;
	p->is_message = true;
	return RC_OK;
}

/* Reads the header at w->at and decides what its body is; a message/rfc822 opens the message in it. */
static enum rc begin(struct walk *w, struct mime_part *p)
{
	while (true) {
		bool digest = p->parent && p->parent->is_multipart &&
			      slice_eq_nocase(p->parent->type.subtype, S("digest"));
		TRY(read_header(w, p, digest));
		bool room = p->depth < MIME_DEPTH_MAX && w->depth < MIME_DEPTH_MAX &&
			    w->parts < MIME_PARTS_MAX;
		struct slice boundary = mime_param(&p->type, S("boundary"));
		w->open = p;
		w->lines = 0;
		if (room && is_type(p, S("multipart")) && boundary.len) {
			p->is_multipart = true;
			w->levels[w->depth++] = (struct level){ .part = p, .boundary = boundary };
			w->open = NULL;
			return RC_OK;
		}
		if (is_type(p, S("multipart")) && room)
			rename_leaf(p, S("text"), S("plain"));
		else if (is_type(p, S("multipart")) || (is_inner_message(p) && !(room && plain(p))))
			rename_leaf(p, S("application"), S("octet-stream"));
		if (!is_inner_message(p))
			return RC_OK;
		TRY(open_inner(w, p));
		p = p->child;
	}
}

/* The body ends at `end`; so do those of the messages around it, up to the multipart that holds them. */
static void close_leaf(struct walk *w, size_t end, const struct mime_part *holder)
{
	size_t lines = w->lines;
	for (struct mime_part *p = w->open; p && p != holder; p = p->parent) {
		p->body_len = end > p->body ? end - p->body : 0;
		if (p == w->open)
			p->body_lines = lines;
	}
	w->open = NULL;
}

static void close_level(struct walk *w, size_t end)
{
	struct level *l = &w->levels[--w->depth];
	struct mime_part *holder = w->depth ? w->levels[w->depth - 1].part : NULL;
	if (!l->part->child) { /* its boundary never came */
		rename_leaf(l->part, S("text"), S("plain"));
		l->part->body_lines = w->lines;
	}
	for (struct mime_part *p = l->part; p && p != holder; p = p->parent)
		p->body_len = end > p->body ? end - p->body : 0;
}

/* The line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
static size_t before_boundary(struct slice m, size_t at, size_t floor)
{
	if (at > floor && m.at[at - 1] == '\n')
		at--;
	if (at > floor && m.at[at - 1] == '\r')
		at--;
	return at;
}

/* A multipart does not end before its last part. */
static size_t level_floor(const struct level *l)
{
	return l->last ? l->last->body + l->last->body_len : l->part->body;
}

static enum rc boundary(struct walk *w, size_t level, bool final, size_t line_at, size_t line_to)
{
	if (!final && w->parts >= MIME_PARTS_MAX)
		return RC_NONE;
	struct mime_part *holder = w->depth ? w->levels[w->depth - 1].part : NULL;
	size_t floor = w->open ? w->open->body : 0;
	size_t end = before_boundary(w->message, line_at, floor);
	close_leaf(w, end, holder);
	while (w->depth > level + 1)
		close_level(w, before_boundary(
				       w->message, line_at, level_floor(&w->levels[w->depth - 1])));
	w->at = line_to;
	if (final) {
		/* what follows is an epilogue, which is part of the multipart's own body */
		w->levels[level].boundary = S("\1none");
		return RC_OK;
	}
	struct level *l = &w->levels[level];
	struct mime_part *p = new_part(w, l->part);
	if (!p)
		return RC_LIMIT;
	if (l->last)
		l->last->next = p;
	else
		l->part->child = p;
	l->last = p;
	return begin(w, p);
}

static size_t count_lines(struct slice s)
{
	size_t n = 0;
	for (size_t at = 0; at < s.len; n++)
		at = line_end(s, at);
	return n;
}

/* Lines of messages and multiparts, which are the sum of what they hold. Bottom-up without recursion is not needed:
 * only leaves and message/rfc822 say their lines, and each octet lies in at most a few messages. */
static void message_lines(struct walk *w, struct mime_part *root)
{
	size_t budget = w->message.len * 8;
	for (struct mime_part *p = root; p;) {
		if (p->is_message && p->body_len <= budget) {
			p->body_lines = count_lines(slice_of(w->message.at + p->body, p->body_len));
			budget -= p->body_len;
		}
		if (p->child) {
			p = p->child;
			continue;
		}
		while (p && !p->next)
			p = p->parent;
		p = p ? p->next : NULL;
	}
}

static enum rc all_the_rest(struct walk *w)
{
	w->lines += count_lines(slice_tail(w->message, w->at));
	w->at = w->message.len;
	return RC_OK;
}

static enum rc lines(struct walk *w)
{
	while (w->at < w->message.len) {
		size_t from = w->at, to;
		if (w->depth == 0) /* one leaf: no boundary can come */
			return all_the_rest(w);
		to = line_end(w->message, from);
		struct slice line = slice_of(w->message.at + from, to - from);
		bool final = false;
		long level = is_dashes(line) ? match(w, line, &final) : -1;
		if (level >= 0) {
			enum rc rc = boundary(w, (size_t)level, final, from, to);
			if (rc == RC_NONE) /* too many parts: the rest belongs to the last */
				return all_the_rest(w);
			TRY(rc);
			continue;
		}
		w->lines++;
		w->at = to;
	}
	return RC_OK;
}

enum rc mime_parse(struct slice message, struct arena *a, struct mime_part **root)
{
	struct walk *w = arena_try_array(a, 1, sizeof(*w));
	if (!w)
		return RC_LIMIT;
	w->message = message;
	w->a = a;
	struct mime_part *p = new_part(w, NULL);
	if (!p)
		return RC_LIMIT;
	TRY(begin(w, p));
	TRY(lines(w));
	close_leaf(w, message.len, w->depth ? w->levels[w->depth - 1].part : NULL);
	while (w->depth)
		close_level(w, message.len);
	message_lines(w, p);
	*root = p;
	return RC_OK;
}
