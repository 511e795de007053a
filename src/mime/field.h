/* field.h: Header fields: where they begin and end, unfolded, as found in the wild. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_FIELD_H
#define MIME_FIELD_H

#include "base/arena.h"

/* Views into the header. `name` is empty for a line that is no field (no colon, or blanks in the name). */
struct mime_field {
	struct slice all; /* the complete field with its folded lines and line ends */
	struct slice name; /* without blanks before the colon */
	struct slice value; /* behind the colon, trimmed, still folded */
};

/* Octets of the header at the head of `message`, with the blank line that ends it; all of it when there is none. 0 when
 * the first line is no field (and no mbox "From " line): then everything is body. */
size_t mime_header_len(struct slice message);

/* Takes the next field from a header. LF and CRLF both end lines. RC_NONE: the blank line or the end. */
enum rc mime_field_next(struct slice *rest, struct mime_field *out);
/* The first field of that name (any case). RC_NONE: there is none. */
enum rc mime_field_find(struct slice header, struct slice name, struct mime_field *out);

/* The value in one line: line ends go, the blanks behind them stay (RFC 5322 2.2.3). A view into `value` when there is
 * nothing to do; the head of it without memory. NULs become blanks. */
struct slice mime_unfold(struct slice value, struct arena *a);

/* For BODY[HEADER.FIELDS (...)] and its .NOT: the complete fields whose name is (or, `except`, is not) among `names`,
 * then a blank line. RFC 9051 6.4.5. */
struct buf;
void mime_fields_pick(
	struct slice header, const struct slice *names, size_t n, bool except, struct buf *out);

#endif
