/* charset.h: Any character set to valid UTF-8, a piece at a time: fast paths, then iconv. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "base/buf.h"

enum mime_charset_kind {
	MIME_CHARSET_UTF8, /* also US-ASCII: 8-bit octets that are no UTF-8 are read as Windows-1252 */
	MIME_CHARSET_TABLE, /* one octet a character: Latin-1, Windows-125x, ISO-8859-x */
	MIME_CHARSET_UTF7,
	MIME_CHARSET_ICONV,
};

struct mime_charset {
	enum mime_charset_kind kind;
	const uint16_t *table; /* of 0x80 to 0xff */
	void *iconv;
	uint8_t held[16]; /* a character cut by the end of a piece */
	size_t held_n;
	uint32_t bits, nbits, high; /* UTF-7 */
	bool shifted;
	bool broken; /* something could not be read and became U+FFFD, or was guessed */
};

/* Empty or unknown names fall back to UTF8 (which guesses); then RC_NONE, and `c` can be used all the same. Call
 * mime_charset_done in any case. */
enum rc mime_charset_init(struct mime_charset *c, struct slice name);
void mime_charset_add(struct mime_charset *c, struct slice in, struct buf *out);
void mime_charset_end(struct mime_charset *c, struct buf *out);
void mime_charset_done(struct mime_charset *c);

/* All at once. RC_NONE: unknown charset, guessed (the output is there). */
enum rc mime_charset_utf8(struct slice name, struct slice in, struct buf *out);
/* For SEARCH CHARSET. */
bool mime_charset_known(struct slice name);

#endif
