/* decode.h: Transfer encodings, a piece at a time: base64, quoted-printable, uuencode. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_DECODE_H
#define MIME_DECODE_H

#include "base/buf.h"

/* Stored in message records: never renumber. */
enum mime_encoding {
	MIME_7BIT = 0,
	MIME_8BIT = 1,
	MIME_BINARY = 2,
	MIME_BASE64 = 3,
	MIME_QP = 4,
	MIME_UUENCODE = 5,
	MIME_UNKNOWN = 6, /* a word we do not know: octets as they are */
};

/* The word of Content-Transfer-Encoding (trailing comments allowed); empty is 7bit. */
enum mime_encoding mime_encoding_of(struct slice word);
const char *mime_encoding_name(enum mime_encoding encoding);

struct mime_decoder {
	enum mime_encoding encoding;
	uint32_t bits; /* base64: gathered; uuencode: octets left of the line */
	unsigned nbits;
	uint8_t held[76]; /* QP: blanks, a begun escape; uuencode: begun line */
	size_t held_n;
	unsigned stage;
	bool broken; /* octets that the encoding does not have were skipped or kept as they are */
};

void mime_decode_init(struct mime_decoder *d, enum mime_encoding encoding);
/* Takes all of `in`; what is decoded goes to `out` (never more than in.len + 76 octets). */
void mime_decode_add(struct mime_decoder *d, struct slice in, struct buf *out);
void mime_decode_end(struct mime_decoder *d, struct buf *out);

/* RFC 2045 6.8, lines of 76 with CRLF. For tests and reports. */
void mime_base64_lines(struct slice in, struct buf *out);

#endif
