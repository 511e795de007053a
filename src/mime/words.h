/* words.h: Text in header fields: encoded words (RFC 2047) both ways. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_WORDS_H
#define MIME_WORDS_H

#include "base/buf.h"

/* A raw value (may be folded) as valid UTF-8 in one line: encoded words decoded, also when a character is cut between
 * two of them; other 8-bit octets are UTF-8 if they can be, else Windows-1252. Controls become blanks. A view into
 * `raw` when there is nothing to do. Broken words stay as they are. RC_LIMIT: memory. */
enum rc mime_words_decode(struct slice raw, struct arena *a, struct slice *out);

/* The reverse for unstructured text and phrases: plain when it is ASCII, else UTF-8 encoded words, folded (CRLF SP) so
 * that no line passes 76 octets. `column`: octets already in the line. Returns the column it ends at. */
size_t mime_words_encode(struct slice utf8, size_t column, struct buf *out);

#endif
