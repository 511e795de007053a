/* downgrade.c: Which parts of a message become quoted-printable, and how. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/downgrade.h"
#include "mime/mime.h"

enum { LINE_MOST = 75 }; /* and a "=" at its end */

struct plan {
	struct blob *blob;
	const struct queue_message *m;
	struct arena *a;
	struct downgrade_span *spans;
	size_t n, cap;
	uint64_t at; /* what is before is planned */
};

/* --- the encoding --- */

static void put(struct downgrade_qp *q, const char *unit, unsigned len, struct buf *out)
{
	if (q->column + len > LINE_MOST) {
		buf_str(out, "=\r\n");
		q->column = 0;
	}
	buf_add(out, slice_of(unit, len));
	q->column += len;
}

static void put_hex(struct downgrade_qp *q, uint8_t c, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	put(q, (char[]){ '=', hex[c >> 4], hex[c & 15] }, 3, out);
}

static void put_octet(struct downgrade_qp *q, uint8_t c, struct buf *out)
{
	uint8_t held = q->held;
	q->held = 0;
	if (held == '\r' && c == '\n') {
		buf_str(out, "\r\n");
		q->column = 0;
		return;
	}
	if (held == '\r' || (held && c == '\r')) /* a bare CR; a blank at the end of a line */
		put_hex(q, held, out);
	else if (held)
		put(q, (char[]){ (char)held }, 1, out);
	if (c == ' ' || c == '\t' || c == '\r')
		q->held = c;
	else if (c > ' ' && c < 0x7f && c != '=')
		put(q, (char[]){ (char)c }, 1, out);
	else
		put_hex(q, c, out);
}

void downgrade_qp(struct downgrade_qp *q, struct slice piece, bool is_last, struct buf *out)
{
	for (size_t i = 0; i < piece.len; i++)
		put_octet(q, piece.at[i], out);
	if (is_last && q->held)
		put_hex(q, q->held, out);
	if (is_last)
		*q = (struct downgrade_qp){ 0 };
}

/* --- reading --- */

typedef enum rc piece_fn(void *ctx, struct slice piece);

/* Octets of the message, a frame at a time. */
static enum rc each_piece(
	const struct plan *p, uint64_t from, uint64_t len, piece_fn *fn, void *ctx)
{
	uint64_t end = from + len;
	enum rc rc = RC_OK;
	while (from < end && rc == RC_OK) {
		struct arena a;
		struct slice piece;
		uint64_t upto = (from / BLOB_FRAME + 1) * BLOB_FRAME;
		arena_init(&a, 0);
		rc = blob_read(p->blob, &p->m->blob, from, (upto < end ? upto : end) - from, &a,
			&piece, NULL);
		if (rc == RC_OK && piece.len == 0)
			rc = RC_LOST;
		if (rc == RC_OK)
			rc = fn(ctx, piece);
		from += piece.len;
		arena_done(&a);
	}
	return rc;
}

static enum rc walk_piece(void *ctx, struct slice piece)
{
	return mime_walk_add(ctx, piece);
}

/* RC_MORE ends the reading: there is one. */
static enum rc look_for_8bit(void *ctx, struct slice piece)
{
	(void)ctx;
	for (size_t i = 0; i < piece.len; i++)
		if (piece.at[i] > 127)
			return RC_MORE;
	return RC_OK;
}

/* --- the plan --- */

static enum rc add(struct plan *p, struct downgrade_span span)
{
	if (span.len == 0 && span.text.len == 0)
		return RC_OK;
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct downgrade_span *more = arena_try_array(p->a, cap, sizeof(*more));
		if (!more)
			return RC_LIMIT;
		for (size_t i = 0; i < p->n; i++)
			more[i] = p->spans[i];
		p->spans = more;
		p->cap = cap;
	}
	p->spans[p->n++] = span;
	return RC_OK;
}

/* Everything up to there stays as it is. */
static enum rc keep_until(struct plan *p, uint64_t end)
{
	uint64_t from = p->at;
	p->at = end;
	return add(p, (struct downgrade_span){ DOWNGRADE_AS_IS, from, end - from, S("") });
}

static bool has_field(struct slice header, struct slice name)
{
	struct slice value;
	return mime_field_find(header, name, &value) == RC_OK;
}

/* The header with another encoding; with none for those that have parts. */
static enum rc change_header(struct plan *p, const struct mime_part *part, bool is_leaf)
{
	struct buf b;
	struct mime_field f;
	struct slice rest = part->header;
	if (part->header.len != part->head_len)
		return RC_LIMIT;
	buf_init(&b, 0, p->a);
	while (mime_field_next(&rest, &f) == RC_OK)
		if (!slice_eq_nocase(f.name, S("Content-Transfer-Encoding")))
			buf_add(&b, f.whole);
	bool is_top = !part->parent || part->parent->is_message;
	if (is_top && !has_field(part->header, S("MIME-Version")))
		buf_str(&b, "MIME-Version: 1.0\r\n");
	if (is_leaf && !has_field(part->header, S("Content-Type"))) /* RFC 1428 3 */
		buf_str(&b, "Content-Type: text/plain; charset=unknown-8bit\r\n");
	if (is_leaf)
		buf_str(&b, "Content-Transfer-Encoding: quoted-printable\r\n");
	buf_str(&b, "\r\n");
	if (b.over)
		return RC_LIMIT;
	TRY(keep_until(p, p->m->skip + part->head));
	p->at += part->head_len;
	return add(p, (struct downgrade_span){ DOWNGRADE_TEXT, 0, 0, buf_slice(&b) });
}

/* RC_OK: it has to be changed. RC_NONE: it goes as it is. */
static enum rc must_change(struct plan *p, const struct mime_part *part)
{
	bool says_8bit = part->encoding == MIME_8BIT || part->encoding == MIME_BINARY;
	if (part->is_multipart || part->is_message)
		return says_8bit ? RC_OK : RC_NONE;
	if (part->encoding != MIME_7BIT && !says_8bit)
		return RC_NONE;
	enum rc rc = each_piece(p, p->m->skip + part->body, part->body_len, look_for_8bit, NULL);
	if (rc == RC_MORE || (rc == RC_OK && says_8bit))
		return RC_OK;
	return rc == RC_OK ? RC_NONE : rc;
}

static enum rc plan_part(struct plan *p, const struct mime_part *part)
{
	bool is_leaf = !part->is_multipart && !part->is_message;
	enum rc rc = must_change(p, part);
	if (rc == RC_NONE)
		return RC_OK;
	TRY(rc);
	TRY(change_header(p, part, is_leaf));
	if (!is_leaf)
		return RC_OK;
	uint64_t from = p->at;
	p->at += part->body_len;
	return add(p, (struct downgrade_span){ DOWNGRADE_QP, from, part->body_len, S("") });
}

/* In the order in which they lie in the message. */
static const struct mime_part *next_part(const struct mime_part *part)
{
	if (part->child)
		return part->child;
	while (part && !part->next)
		part = part->parent;
	return part ? part->next : NULL;
}

static enum rc plan_all(struct plan *p)
{
	struct mime_walk *walk;
	struct mime_part *root;
	uint64_t size = p->m->blob.size - p->m->skip;
	TRY(mime_walk_new(p->a, &walk));
	TRY(each_piece(p, p->m->skip, size, walk_piece, walk));
	TRY(mime_walk_end(walk, &root));
	for (const struct mime_part *part = root; part; part = next_part(part))
		TRY(plan_part(p, part));
	return keep_until(p, p->m->blob.size);
}

enum rc downgrade_plan(struct blob *blob, const struct queue_message *m, struct arena *a,
	struct downgrade_span **out, size_t *n, struct fault *why)
{
	struct plan p = { .blob = blob, .m = m, .a = a, .at = m->skip };
	enum rc rc = plan_all(&p);
	if (rc == RC_LIMIT)
		(void)fault_set(why, FAULT_MEMORY, "a header is too large to be changed");
	else if (rc != RC_OK)
		(void)fault_set(why, FAULT_STORE, "the message cannot be read");
	if (rc != RC_OK)
		return rc;
	*out = p.spans;
	*n = p.n;
	return RC_OK;
}
