/* text.h: What a person would read: text of parts, HTML as text, previews. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include "mime/mime.h"

/* Appends the text of a text/... part as UTF-8: transfer encoding and charset undone, HTML turned to text when
 * `plain`. Stops at about `max` octets (0: no limit). Other parts give nothing. Lines end in LF. */
void mime_text(const struct mime_part *part, struct slice message, size_t max, bool plain,
	struct buf *out);

/* HTML a piece at a time, as text: tags off, entities decoded, script and style left out, blocks on lines. */
struct mime_html {
	unsigned state;
	unsigned skip; /* within script, style, title ...: which one */
	uint8_t word[32]; /* a tag's name or an entity so far */
	size_t word_n;
	uint8_t quote;
	bool closing; /* "</" */
	bool blank; /* a blank waits for the next word */
	unsigned breaks; /* line ends wait for it */
	bool began; /* something was written */
	unsigned pre; /* depth of <pre> */
};
void mime_html_init(struct mime_html *h);
/* `in` is UTF-8. */
void mime_html_add(struct mime_html *h, struct slice in, struct buf *out);
void mime_html_end(struct mime_html *h, struct buf *out);

/* The first `max_chars` characters of the first text that a reader sees (text/plain before text/html of an
 * alternative), blanks folded, in `a`; quoted lines and signature left out when there is other text. Empty: none. */
struct slice mime_preview(
	const struct mime_part *root, struct slice message, size_t max_chars, struct arena *a);

#endif
