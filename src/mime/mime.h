/* mime.h: A message as a tree of parts, with offsets: one pass, no copies, nothing refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_MIME_H
#define MIME_MIME_H

#include "base/buf.h"
#include "mime/decode.h"
#include "mime/params.h"

/* [mime 1] is_multipart: at least one child. A multipart without boundary, or whose boundary never comes, is a
 *          text/plain leaf; one deeper than the cap is an application/octet-stream leaf.
 * [mime 2] is_message (message/rfc822, message/global): exactly one child, the inner message: its head starts at this
 *          part's `body`, and its head_len + body_len are this part's body_len.
 * [mime 3] head + head_len == body; children lie within their parent's body, in order, without overlap.
 * [mime 4] Any message gives a root; past the cap of parts the rest of the message belongs to the last one. */
struct mime_part {
	struct mime_part *parent, *next, *child, *last;
	unsigned number; /* among its siblings, from 1 */
	unsigned depth; /* root: 0 */
	size_t head, head_len; /* octets from the message's start; with the blank line */
	size_t body, body_len; /* without the line end before the next boundary (RFC 2046 5.1.1) */
	size_t lines; /* line ends in the body */
	struct mime_value
		type; /* Content-Type, with its default (text/plain; message/rfc822 in a digest) */
	struct mime_value disposition; /* type empty: none */
	enum mime_encoding encoding;
	struct slice encoding_word; /* as written; empty: none */
	/* Values in one line (RFC 2045 7, 8; 1864, 3282, 2557); empty: none. */
	struct slice id, description, md5, language, location;
	bool is_multipart, is_message, is_text;
	bool has_type; /* a Content-Type field was there and could be read */
};

struct mime_caps {
	unsigned depth; /* of multiparts and messages within each other */
	unsigned parts;
};

/* `caps` NULL: 100 deep, 10,000 parts. Views into `message` and memory of `a`, which both must outlive the tree. LF and
 * CRLF lines, also mixed. Linear in message.len. RC_LIMIT: memory. */
enum rc mime_parse(struct slice message, const struct mime_caps *caps, struct arena *a,
	struct mime_part **root);

/* The next part in the order of the message; NULL: that was the last. Start with the root. */
struct mime_part *mime_part_next(const struct mime_part *part);
struct slice mime_part_head(const struct mime_part *part, struct slice message);
struct slice mime_part_body(const struct mime_part *part, struct slice message);

/* A part's number as IMAP writes it ("1.2.3"; "" is a message's root that is a multipart). RFC 9051 6.4.5.1: the single
 * part of a message is its "1"; a multipart directly within a message/rfc822 has the number of that. */
void mime_part_number(const struct mime_part *part, struct buf *out);

/* File name (disposition's filename, else type's name) as UTF-8; empty: none. */
struct slice mime_part_filename(const struct mime_part *part);
/* Whether it is shown by itself rather than kept with the text (JMAP's hasAttachment, spam rules). */
bool mime_part_is_attachment(const struct mime_part *part);

#endif
