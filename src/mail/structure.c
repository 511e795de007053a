/* structure.c: Finished IMAP answers about a message's structure. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/structure.h"
#include "base/utf8.h"
#include "wire/imap_write.h"

/* --- ENVELOPE --- */

/* What is not UTF-8 is made so: an answer must stay parseable. */
static struct slice clean(struct slice s, struct arena *a)
{
	struct slice out;
	if (s.len == 0)
		return S("");
	return mime_to_utf8(S(""), s, a, &out) == RC_OK ? out : S("");
}

static void put_or_nil(struct slice s, struct arena *a, struct buf *out)
{
	if (s.len)
		imap_write_string(clean(s, a), out);
	else
		buf_str(out, "NIL");
}

static void put_field(
	const struct fields *header, struct slice name, struct arena *a, struct buf *out)
{
	struct slice value;
	if (fields_find(header, name, &value) == RC_OK)
		imap_write_string(clean(mime_unfold(value, a), a), out);
	else
		buf_str(out, "NIL");
}

static void put_address(const struct mime_address *m, struct arena *a, struct buf *out)
{
	if (m->group_end) {
		buf_str(out, "(NIL NIL NIL NIL)");
		return;
	}
	if (m->group_start) {
		buf_str(out, "(NIL NIL ");
		imap_write_string(clean(m->name, a), out);
		buf_str(out, " NIL)");
		return;
	}
	buf_byte(out, '(');
	put_or_nil(m->name, a, out);
	buf_str(out, " NIL ");
	imap_write_string(clean(m->local, a), out);
	buf_byte(out, ' ');
	imap_write_string(clean(m->domain, a), out);
	buf_byte(out, ')');
}

/* RC_NONE: the field is not there, or empty of addresses; nothing is written. */
static enum rc put_addresses(
	const struct fields *header, struct slice name, struct arena *a, struct buf *out)
{
	struct slice value;
	struct mime_address *list;
	size_t n = 0;
	TRY(fields_find(header, name, &value));
	TRY(mime_addresses(value, a, &list, &n));
	if (n == 0)
		return RC_NONE;
	buf_byte(out, '(');
	for (size_t i = 0; i < n; i++)
		put_address(&list[i], a, out);
	buf_byte(out, ')');
	return RC_OK;
}

enum rc structure_envelope(const struct fields *header, struct arena *a, struct buf *out)
{
	const struct {
		struct slice name;
		bool is_from; /* RFC 3501 7.4.2: Sender and Reply-To default to From */
	} lists[] = { { S("From"), false }, { S("Sender"), true }, { S("Reply-To"), true },
		{ S("To"), false }, { S("Cc"), false }, { S("Bcc"), false } };
	size_t from = 0, from_len = 0;
	buf_byte(out, '(');
	put_field(header, S("Date"), a, out);
	buf_byte(out, ' ');
	put_field(header, S("Subject"), a, out);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_byte(out, ' ');
		size_t at = out->len;
		enum rc rc = put_addresses(header, lists[i].name, a, out);
		if (rc == RC_NONE && lists[i].is_from && buf_room(out, from_len))
			buf_add(out, slice_of(out->at + from, from_len));
		else if (rc == RC_NONE)
			buf_str(out, "NIL");
		else
			TRY(rc);
		if (i == 0) {
			from = at;
			from_len = out->len - at;
		}
	}
	buf_byte(out, ' ');
	put_field(header, S("In-Reply-To"), a, out);
	buf_byte(out, ' ');
	put_field(header, S("Message-ID"), a, out);
	buf_byte(out, ')');
	return out->over ? RC_LIMIT : RC_OK;
}

/* --- BODY and BODYSTRUCTURE --- */

static void put_params(const struct mime_params *p, struct arena *a, struct buf *out)
{
	if (p->n == 0) {
		buf_str(out, "NIL");
		return;
	}
	for (size_t i = 0; i < p->n; i++) {
		buf_byte(out, i ? ' ' : '(');
		imap_write_string(clean(p->at[i].name, a), out);
		buf_byte(out, ' ');
		imap_write_string(clean(p->at[i].value, a), out);
	}
	buf_byte(out, ')');
}

static void put_disposition(const struct fields *header, struct arena *a, struct buf *out)
{
	struct slice value;
	struct mime_params p;
	if (fields_find(header, S("Content-Disposition"), &value) != RC_OK ||
		mime_params(value, a, &p) != RC_OK) {
		buf_str(out, "NIL");
		return;
	}
	buf_byte(out, '(');
	imap_write_string(clean(p.type, a), out);
	buf_byte(out, ' ');
	put_params(&p, a, out);
	buf_byte(out, ')');
}

/* "de, en" as a list. */
static void put_languages(const struct fields *header, struct arena *a, struct buf *out)
{
	struct slice value;
	size_t n = 0;
	if (fields_find(header, S("Content-Language"), &value) == RC_OK) {
		while (value.len) {
			struct slice tag = slice_trim(slice_split(&value, ','));
			if (tag.len == 0)
				continue;
			buf_byte(out, n++ ? ' ' : '(');
			imap_write_string(clean(tag, a), out);
		}
	}
	buf_str(out, n ? ")" : "NIL");
}

static void put_extension(const struct fields *header, struct arena *a, struct buf *out)
{
	buf_byte(out, ' ');
	put_disposition(header, a, out);
	buf_byte(out, ' ');
	put_languages(header, a, out);
	buf_byte(out, ' ');
	put_field(header, S("Content-Location"), a, out);
}

struct bodies {
	bool extended;
	struct arena *a;
	struct buf *out;
	const struct mime_part *part; /* whose header was read last */
	struct fields header;
};

static enum rc header_of(struct bodies *b, const struct mime_part *p)
{
	if (b->part != p)
		TRY(fields_of(p->header, b->a, &b->header));
	b->part = p;
	return RC_OK;
}

/* What stands before a part's children: "(" of a multipart, or all of a leaf up to the message in it. */
static enum rc put_begin(struct bodies *b, const struct mime_part *p)
{
	const struct fields *header = &b->header;
	TRY(header_of(b, p));
	buf_byte(b->out, '(');
	if (p->is_multipart) {
		if (!p->child) /* a multipart without parts: one empty text stands in */
			buf_str(b->out, "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
		return RC_OK;
	}
	imap_write_string(clean(p->type.type, b->a), b->out);
	buf_byte(b->out, ' ');
	imap_write_string(clean(p->type.subtype, b->a), b->out);
	buf_byte(b->out, ' ');
	put_params(&p->type, b->a, b->out);
	buf_byte(b->out, ' ');
	put_field(header, S("Content-ID"), b->a, b->out);
	buf_byte(b->out, ' ');
	put_field(header, S("Content-Description"), b->a, b->out);
	buf_byte(b->out, ' ');
	imap_write_string(clean(p->encoding_text, b->a), b->out);
	buf_byte(b->out, ' ');
	buf_u64(b->out, p->body_len);
	if (!p->is_message)
		return RC_OK;
	buf_byte(b->out, ' ');
	TRY(header_of(b, p->child));
	TRY(structure_envelope(header, b->a, b->out));
	buf_byte(b->out, ' ');
	return RC_OK;
}

static enum rc put_end(struct bodies *b, const struct mime_part *p)
{
	const struct fields *header = &b->header;
	TRY(header_of(b, p));
	if (p->is_multipart) {
		buf_byte(b->out, ' ');
		imap_write_string(clean(p->type.subtype, b->a), b->out);
		if (b->extended) {
			buf_byte(b->out, ' ');
			put_params(&p->type, b->a, b->out);
			put_extension(header, b->a, b->out);
		}
	} else {
		if (p->is_message || slice_eq_nocase(p->type.type, S("text"))) {
			buf_byte(b->out, ' ');
			buf_u64(b->out, p->body_lines);
		}
		if (b->extended) {
			buf_byte(b->out, ' ');
			put_field(header, S("Content-MD5"), b->a, b->out);
			put_extension(header, b->a, b->out);
		}
	}
	buf_byte(b->out, ')');
	return RC_OK;
}

enum rc structure_body(const struct mime_part *root, const struct fields *header, bool extended,
	struct arena *a, struct buf *out)
{
	struct bodies b = { extended, a, out, root, *header };
	const struct mime_part *p = root;
	while (true) {
		TRY(put_begin(&b, p));
		if (p->child) {
			p = p->child;
			continue;
		}
		TRY(put_end(&b, p));
		while (p != root && !p->next) {
			p = p->parent;
			TRY(put_end(&b, p));
		}
		if (p == root)
			break;
		p = p->next;
	}
	return out->over ? RC_LIMIT : RC_OK;
}

/* --- the table of parts --- */

struct numbering {
	struct buf *out;
	struct buf number; /* "1.2" of the part at hand */
};

static void put_part(struct numbering *n, const struct mime_part *p, const struct mime_part *inner,
	struct slice number)
{
	bool text = slice_eq_nocase(p->type.type, S("text"));
	buf_vslice(n->out, number);
	buf_varint(n->out, p->head);
	buf_varint(n->out, p->head_len);
	buf_varint(n->out, p->body);
	buf_varint(n->out, p->body_len);
	buf_varint(n->out, inner ? inner->head_len : 0);
	buf_byte(n->out, (uint8_t)p->encoding);
	buf_byte(n->out, (uint8_t)(p->is_message | p->is_multipart << 1 | text << 2));
}

/* RFC 3501 6.4.5: parts of a multipart are counted; a message that is no multipart has one part, "1"; the parts of a
 * message/rfc822 are those of the message in it, below its own number. */
static void number_children(struct numbering *n, const struct mime_part *p, size_t depth)
{
	const struct mime_part *holder = p->is_message ? p->child : p;
	if (depth > 2 * MIME_DEPTH_MAX)
		return;
	if (p->is_message && holder && !holder->is_multipart) {
		size_t len = n->number.len;
		buf_str(&n->number, len ? ".1" : "1");
		put_part(n, holder, holder->is_message ? holder->child : NULL,
			buf_slice(&n->number));
		if (holder->is_message)
			number_children(n, holder, depth + 1);
		n->number.len = len;
		return;
	}
	unsigned i = 0;
	for (const struct mime_part *c = holder ? holder->child : NULL; c; c = c->next) {
		size_t len = n->number.len;
		buf_fmt(&n->number, len ? ".%u" : "%u", ++i);
		put_part(n, c, c->is_message ? c->child : NULL, buf_slice(&n->number));
		if (c->is_message || c->is_multipart)
			number_children(n, c, depth + 1);
		n->number.len = len;
	}
}

enum rc structure_parts(const struct mime_part *root, struct buf *out)
{
	struct numbering n = { .out = out };
	buf_init(&n.number, 0, NULL);
	put_part(&n, root, NULL, S(""));
	if (root->is_multipart) {
		number_children(&n, root, 0);
	} else { /* "1" is the body of the message itself */
		buf_str(&n.number, "1");
		put_part(&n, root, root->is_message ? root->child : NULL, S("1"));
		if (root->is_message)
			number_children(&n, root, 0);
	}
	buf_done(&n.number);
	return out->over ? RC_LIMIT : RC_OK;
}
