/* mime.h: Messages as they are found in the wild: header fields, parts, decoding (RFC 5322, RFC 2045-2047, RFC 2231). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_MIME_H
#define MIME_MIME_H

#include "base/buf.h"

/* Nothing here refuses what a person could read. Lines may end in CRLF or LF. All results are views into the message or
 * live in the arena given. */

/* --- header fields --- */

struct mime_field {
	struct slice name;
	struct slice value; /* raw and folded, without the final line end */
	struct slice whole; /* with name and line end */
};
/* Takes the next field from `*rest`; lines that are no field are skipped. RC_NONE: the header ends; `*rest` then begins
 * behind the blank line, if there is one. */
enum rc mime_field_next(struct slice *rest, struct mime_field *out);
/* Whether a line begins a field: a name and a colon. */
bool mime_is_field(struct slice line);
/* The first field of that name. RC_NONE: none. */
enum rc mime_field_find(struct slice header, struct slice name, struct slice *value);
/* Unfolded: line ends dropped, blanks trimmed at both ends. A view when there is nothing to unfold. */
struct slice mime_unfold(struct slice value, struct arena *a);

/* --- addresses --- */

struct mime_address {
	struct slice
		name; /* display name, raw: may hold encoded words; quotes and backslashes removed */
	struct slice local; /* unquoted */
	struct slice domain; /* empty when there is none */
	bool group_start; /* `name` is the group's; local and domain are empty */
	bool group_end;
};
enum { MIME_ADDRESSES_MAX = 10000 };
/* RC_LIMIT: no memory. Broken lists give what can be read of them; what passes MIME_ADDRESSES_MAX is left out. */
enum rc mime_addresses(struct slice value, struct arena *a, struct mime_address **out, size_t *n);

/* --- dates, ids, words --- */

/* RFC 5322 3.3 and its usual misspellings. RC_BAD: no date. */
enum rc mime_date(struct slice value, int64_t *unix_s, int *zone_minutes);
/* Takes the next <id> from `*rest`, without the angle brackets. RC_NONE: no more. */
enum rc mime_id_next(struct slice *rest, struct slice *id);
/* RFC 2047: decodes encoded words; other 8-bit text is taken as UTF-8, else as Windows-1252. UTF-8 in the arena. */
struct slice mime_words(struct slice raw, struct arena *a);
/* RFC 5256 2.1, of decoded UTF-8 text; a view. */
struct slice mime_base_subject(struct slice subject);

/* --- Content-Type and its like --- */

struct mime_param {
	struct slice name,
		value; /* value decoded by RFC 2231 to UTF-8 when it was extended, else raw and unquoted */
};
struct mime_params {
	struct slice type, subtype; /* Content-Disposition: type alone */
	struct mime_param *at;
	size_t n;
};
enum { MIME_PARAMS_MAX = 64 };
/* "text/plain; charset=utf-8". RC_BAD: no type. */
enum rc mime_params(struct slice value, struct arena *a, struct mime_params *out);
struct slice mime_param(const struct mime_params *p, struct slice name);

/* --- the tree of parts --- */

enum mime_encoding { MIME_7BIT, MIME_8BIT, MIME_BINARY, MIME_QP, MIME_BASE64, MIME_OTHER };

struct mime_part {
	struct mime_part *parent, *child,
		*next; /* child: first of a multipart, or the message in a message/rfc822 */
	size_t head, head_len; /* the header with its blank line */
	struct slice header; /* these octets, at most MIME_HEADER_MAX; less when headers are many */
	struct slice peek; /* the first leaf: its body's first MIME_PEEK octets */
	size_t body, body_len;
	size_t body_lines;
	struct mime_params type; /* text/plain when absent or broken */
	enum mime_encoding encoding;
	struct slice encoding_text; /* "quoted-printable"; "7bit" when absent */
	unsigned depth; /* root: 0 */
	bool is_multipart, is_message;
};
/* [mime 1] is_multipart: type is multipart/..., and there is at least one child. One without boundary, or whose boundary
 *          never comes, is a text/plain leaf.
 * [mime 2] is_message: type is message/rfc822 or message/global, not encoded, with one child: the message in its body.
 * [mime 3] Past MIME_DEPTH_MAX such parts are application/octet-stream leaves; past MIME_PARTS_MAX the rest of the message
 *          belongs to the last part.
 * [mime 4] head + head_len == body; children lie in order within their parent's body. */
enum { MIME_DEPTH_MAX = 100, MIME_PARTS_MAX = 10000 };
enum { MIME_HEADER_MAX = 256 * 1024, MIME_PEEK = 16 * 1024 };
/* Never refuses: past the caps the rest is one leaf. RC_LIMIT: no memory. */
enum rc mime_parse(struct slice message, struct arena *a, struct mime_part **root);
/* The same for a message that comes in pieces of any size; it is never whole in memory: headers and peek are copies in
 * `a`. After RC_LIMIT (no memory) the walk is of no use any more. */
struct mime_walk;
enum rc mime_walk_new(struct arena *a, struct mime_walk **out);
enum rc mime_walk_add(struct mime_walk *w, struct slice bytes);
enum rc mime_walk_end(struct mime_walk *w, struct mime_part **root);

/* --- bodies --- */

/* Undoes a transfer encoding; what is not in the alphabet is skipped. RC_LIMIT: no memory. */
enum rc mime_decode(
	enum mime_encoding encoding, struct slice body, struct arena *a, struct slice *out);
/* To UTF-8; unknown charsets and broken bytes give what can be had. RC_LIMIT: no memory. */
enum rc mime_to_utf8(struct slice charset, struct slice text, struct arena *a, struct slice *out);
/* Is there such a charset? */
bool mime_charset_known(struct slice charset);
/* The visible text of HTML (UTF-8). RC_LIMIT: no memory. */
enum rc mime_html_text(struct slice html, struct arena *a, struct slice *out);
/* A text part as UTF-8: decoded, converted, and for HTML its visible text. RC_NONE: no text part. At most `max` octets of
 * its body are looked at. */
enum rc mime_part_text(struct slice message, const struct mime_part *part, size_t max,
	struct arena *a, struct slice *out);

#endif
