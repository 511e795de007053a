/* tree.c: The parts of a message, found in one pass over its lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"
#include <string.h>

/* Every open multipart has its boundary on a stack. A line that begins with "--" is compared with them, innermost
 * first; a hit ends all parts inside. So each line is looked at once, however deep the parts lie. A message/rfc822
 * part's body is parsed as a message in place.
 *
 * The message may come in pieces. What is kept of them is a line's beginning that could be a boundary, and headers:
 *
 *	header (w->part) --- blank line, boundary, no field --> body (w->part NULL) --- boundary --> header of the next
 *	   ^------------------- the message in a message/rfc822 -----' */
struct level {
	struct mime_part *part; /* a multipart */
	struct slice boundary;
	struct mime_part *last; /* its last child */
};

/* A longer line is no boundary; its rest is passed over as it comes. */
enum { LINE_MOST = 16 * 1024, HEADERS_MAX = 4 << 20, HEADER_LEAST = 512 };

struct mime_walk {
	struct arena *a;
	struct mime_part *root;
	struct level levels[MIME_DEPTH_MAX];
	size_t depth, parts;
	struct mime_part *part; /* whose header is read; NULL: the lines belong to a body */
	struct mime_part *
		open; /* the leaf whose body the lines belong to, or NULL: a preamble or epilogue */
	bool rest; /* too many parts: no boundary counts any more */
	bool stable; /* the input outlives the tree: nothing is copied */
	struct buf kept; /* the beginning of a line whose end has not come */
	struct slice in; /* the piece at hand; its first octet is number `base` of the message */
	size_t base, at, scanned;
	bool mid, after_cr; /* `at` is inside a line; behind a CR */
	bool blank; /* the line before `at` is empty */
	unsigned eol; /* octets of its end: 2 for CRLF */
	size_t lines; /* begun in the open body */
	size_t ends; /* LFs in all */
	struct buf head; /* the header that is read */
	size_t head_most, heads_left; /* what may be kept of it; of all to come */
	struct mime_part *peeked; /* whose first octets are kept: the first leaf */
	bool peek_stays;
	struct buf peek;
};

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
static long match(const struct mime_walk *w, struct slice line, bool *final)
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

/* "base64 (comment)" is base64. */
static struct slice first_word(struct slice s)
{
	size_t n = 0;
	s = slice_trim(s);
	while (n < s.len && s.at[n] > ' ' && s.at[n] != ';' && s.at[n] != '(')
		n++;
	return slice_head(s, n);
}

static enum rc read_header(struct mime_walk *w, struct mime_part *p, bool digest)
{
	struct slice rest = p->header, type = { 0 }, encoding = S("");
	struct mime_field f;
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

static struct mime_part *new_part(struct mime_walk *w, struct mime_part *parent)
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

static void begin_head(struct mime_walk *w, struct mime_part *p)
{
	w->part = p;
	p->head = w->at;
	buf_reset(&w->head);
	w->head_most = w->heads_left > HEADER_LEAST ? w->heads_left : HEADER_LEAST;
	if (w->head_most > MIME_HEADER_MAX)
		w->head_most = MIME_HEADER_MAX;
}

static void keep_head(struct mime_walk *w, struct slice s)
{
	if (!w->stable)
		buf_add(&w->head, slice_head(s, w->head_most - w->head.len));
}

static enum rc end_head(struct mime_walk *w, struct mime_part *p)
{
	p->head_len = w->at - p->head;
	p->body = w->at;
	if (w->stable)
		p->header = slice_head(slice_of(w->in.at + p->head, p->head_len), w->head_most);
	else if (w->head.over || arena_copy(w->a, buf_slice(&w->head), &p->header) != RC_OK)
		return RC_LIMIT;
	w->heads_left -= p->header.len < w->heads_left ? p->header.len : w->heads_left;
	return RC_OK;
}

/* The first leaf's beginning is kept, or that of a multipart that turns out to be one. */
static void peek_at(struct mime_walk *w, struct mime_part *p)
{
	if (w->peek_stays)
		return;
	buf_reset(&w->peek);
	w->peeked = p;
	w->peek_stays = !p->is_multipart;
}

/* Opens the message in the body of p. */
static enum rc open_inner(struct mime_walk *w, struct mime_part *p)
{
	p->child = new_part(w, p);
	if (!p->child)
		return RC_LIMIT;
	p->is_message = true;
	p->body_lines = w->ends; /* until its end: where it began */
	begin_head(w, p->child);
	return RC_OK;
}

/* The header of w->part ends here: decides what its body is; a message/rfc822 opens the message in it. */
static enum rc head_done(struct mime_walk *w)
{
	struct mime_part *p = w->part;
	bool digest = p->parent && p->parent->is_multipart &&
		      slice_eq_nocase(p->parent->type.subtype, S("digest"));
	TRY(end_head(w, p));
	TRY(read_header(w, p, digest));
	bool room =
		p->depth < MIME_DEPTH_MAX && w->depth < MIME_DEPTH_MAX && w->parts < MIME_PARTS_MAX;
	struct slice boundary = mime_param(&p->type, S("boundary"));
	w->part = NULL;
	w->open = p;
	w->lines = 0;
	if (room && is_type(p, S("multipart")) && boundary.len) {
		p->is_multipart = true;
		w->levels[w->depth++] = (struct level){ .part = p, .boundary = boundary };
		w->open = NULL;
		peek_at(w, p);
		return RC_OK;
	}
	if (is_type(p, S("multipart")) && room)
		rename_leaf(p, S("text"), S("plain"));
	else if (is_type(p, S("multipart")) || (is_inner_message(p) && !(room && plain(p))))
		rename_leaf(p, S("application"), S("octet-stream"));
	if (is_inner_message(p))
		return open_inner(w, p);
	peek_at(w, p);
	return RC_OK;
}

/* The line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
static size_t before_boundary(const struct mime_walk *w, size_t floor)
{
	size_t room = w->at > floor ? w->at - floor : 0;
	return room < w->eol ? room : w->eol;
}

/* The body of p ends `strip` octets before w->at. Only leaves and messages say their lines. */
static void end_body(struct mime_walk *w, struct mime_part *p, size_t strip)
{
	size_t end = w->at - strip;
	p->body_len = end > p->body ? end - p->body : 0;
	if (!p->is_message)
		return;
	size_t n = w->ends - p->body_lines;
	bool unended = strip ? !w->blank : w->mid;
	p->body_lines = p->body_len ? n - (strip > 0) + unended : 0;
}

/* The open body ends; so do those of the messages around it, up to the multipart that holds them. */
static void close_leaf(struct mime_walk *w, size_t strip, const struct mime_part *holder)
{
	if (w->open)
		w->open->body_lines = w->lines;
	for (struct mime_part *p = w->open; p && p != holder; p = p->parent)
		end_body(w, p, strip);
	w->open = NULL;
}

static void close_level(struct mime_walk *w, size_t strip)
{
	struct level *l = &w->levels[--w->depth];
	struct mime_part *holder = w->depth ? w->levels[w->depth - 1].part : NULL;
	if (!l->part->child) { /* its boundary never came */
		rename_leaf(l->part, S("text"), S("plain"));
		l->part->body_lines = w->lines;
	}
	for (struct mime_part *p = l->part; p && p != holder; p = p->parent)
		end_body(w, p, strip);
}

/* A multipart does not end before its last part. */
static size_t level_floor(const struct level *l)
{
	return l->last ? l->last->body + l->last->body_len : l->part->body;
}

/* Goes on behind the bytes: a line, or a piece of a long one. */
static void pass(struct mime_walk *w, struct slice s)
{
	uint8_t last = s.at[s.len - 1];
	bool cr = s.len > 1 ? s.at[s.len - 2] == '\r' : w->mid && w->after_cr;
	if (last == '\n') {
		w->eol = cr ? 2 : 1;
		w->blank = !w->mid && s.len == w->eol;
		w->ends++;
	}
	w->mid = last != '\n';
	w->after_cr = last == '\r';
	if (!w->stable && w->peeked && !w->part && w->peek.len < MIME_PEEK)
		buf_add(&w->peek, slice_head(s, MIME_PEEK - w->peek.len));
	w->at += s.len;
}

static enum rc boundary(struct mime_walk *w, size_t level, bool final, struct slice line)
{
	if (!final && w->parts >= MIME_PARTS_MAX)
		return RC_NONE;
	struct mime_part *holder = w->depth ? w->levels[w->depth - 1].part : NULL;
	close_leaf(w, before_boundary(w, w->open ? w->open->body : 0), holder);
	while (w->depth > level + 1)
		close_level(w, before_boundary(w, level_floor(&w->levels[w->depth - 1])));
	pass(w, line);
	struct level *l = &w->levels[level];
	if (final) {
		/* what follows is an epilogue, which is part of the multipart's own body */
		l->boundary = S("\1none");
		return RC_OK;
	}
	struct mime_part *p = new_part(w, l->part);
	if (!p)
		return RC_LIMIT;
	if (l->last)
		l->last->next = p;
	else
		l->part->child = p;
	l->last = p;
	begin_head(w, p);
	return RC_OK;
}

/* A part without header and blank line: its first line is no field at all. */
static bool is_no_header(const struct mime_walk *w, struct slice line)
{
	return w->at == w->part->head && !mime_is_field(slice_head(line, LINE_MOST)) &&
	       !slice_starts(line, S("From ")) && !slice_starts(line, S(">From "));
}

/* A line with its end, the last one without, or a piece of a long one. A header that ends before the line leaves it to
 * its body: it comes again. */
static enum rc line(struct mime_walk *w, struct slice s)
{
	bool final = false, first = !w->mid;
	bool maybe = first && w->depth && s.len <= LINE_MOST && is_dashes(s);
	long level = maybe ? match(w, s, &final) : -1;
	if (w->part) {
		bool empty = first && (s.at[0] == '\n' || slice_eq(s, S("\r\n")));
		if (!empty && (level >= 0 || (first && is_no_header(w, s))))
			return head_done(w);
		keep_head(w, s);
		pass(w, s);
		return empty ? head_done(w) : RC_OK;
	}
	if (level >= 0) {
		enum rc rc = boundary(w, (size_t)level, final, s);
		if (rc != RC_NONE)
			return rc;
		w->rest = true; /* too many parts: all that comes belongs to the last */
	}
	w->lines += first;
	pass(w, s);
	return RC_OK;
}

/* No boundary can come: lines are only counted. */
static void all_the_rest(struct mime_walk *w, struct slice s)
{
	size_t ends = w->ends;
	bool first = !w->mid;
	for (size_t at = 0, lf; (lf = slice_find(slice_tail(s, at), '\n')) < s.len - at;
		at += lf + 1)
		w->ends++;
	ends = w->ends - ends;
	w->lines += first + ends - (s.at[s.len - 1] == '\n');
	bool ended = s.at[s.len - 1] == '\n';
	pass(w, s);
	w->ends -= ended; /* counted above */
}

static bool may_be_boundary(struct slice s)
{
	return s.len == 1 || (s.at[0] == '-' && s.at[1] == '-');
}

/* Takes what is there of w->in; what is left is the beginning of a line that is needed whole. */
static enum rc advance(struct mime_walk *w, bool final)
{
	while (w->at < w->base + w->in.len) {
		struct slice s = slice_tail(w->in, w->at - w->base);
		if (!w->part && (w->rest || w->depth == 0)) {
			all_the_rest(w, s);
			return RC_OK;
		}
		size_t from = w->scanned > w->at ? w->scanned - w->at : 0;
		size_t lf = from + slice_find(slice_tail(s, from), '\n');
		if (lf == s.len && !final && !w->mid && s.len < LINE_MOST &&
			(w->part || may_be_boundary(s))) {
			w->scanned = w->at + s.len;
			return RC_OK;
		}
		TRY(line(w, slice_head(s, lf + 1)));
	}
	return RC_OK;
}

enum rc mime_walk_new(struct arena *a, struct mime_walk **out)
{
	struct mime_walk *w = arena_try_array(a, 1, sizeof(*w));
	if (!w)
		return RC_LIMIT;
	w->a = a;
	w->heads_left = HEADERS_MAX;
	buf_init(&w->kept, 0, a);
	buf_init(&w->head, 0, a);
	buf_init(&w->peek, 0, a);
	w->root = new_part(w, NULL);
	if (!w->root)
		return RC_LIMIT;
	begin_head(w, w->root);
	*out = w;
	return RC_OK;
}

static enum rc take(struct mime_walk *w, struct slice in, bool final)
{
	w->in = in;
	w->base = w->at;
	return advance(w, final);
}

enum rc mime_walk_add(struct mime_walk *w, struct slice bytes)
{
	while (w->kept.len && bytes.len) { /* the rest of that line */
		size_t n = slice_find(slice_head(bytes, LINE_MOST), '\n') + 1;
		buf_add(&w->kept, slice_head(bytes, n));
		bytes = slice_tail(bytes, n);
		size_t before = w->at;
		TRY(take(w, buf_slice(&w->kept), false));
		buf_drop(&w->kept, w->at - before);
	}
	if (bytes.len) {
		size_t before = w->at;
		TRY(take(w, bytes, false));
		buf_add(&w->kept, slice_tail(bytes, w->at - before));
	}
	return w->kept.over ? RC_LIMIT : RC_OK;
}

enum rc mime_walk_end(struct mime_walk *w, struct mime_part **root)
{
	if (w->kept.len)
		TRY(take(w, buf_slice(&w->kept), true));
	while (w->part)
		TRY(head_done(w));
	close_leaf(w, 0, w->depth ? w->levels[w->depth - 1].part : NULL);
	while (w->depth)
		close_level(w, 0);
	struct mime_part *p = w->peeked;
	struct slice peek =
		w->stable ? slice_head(slice_tail(w->in, p->body), MIME_PEEK) : buf_slice(&w->peek);
	p->peek = slice_head(peek, p->body_len);
	*root = w->root;
	return w->peek.over ? RC_LIMIT : RC_OK;
}

enum rc mime_parse(struct slice message, struct arena *a, struct mime_part **root)
{
	struct mime_walk *w;
	TRY(mime_walk_new(a, &w));
	w->stable = true;
	TRY(take(w, message, true));
	return mime_walk_end(w, root);
}
