/* http1.h: Heads of HTTP/1 requests and responses, strict, and chunked framing (RFC 9112). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/buf.h"

enum { HTTP1_FIELDS_MAX = 128, HTTP1_HEAD_MAX = 65536 };

struct http1_field {
	struct slice name; /* as written; compare without case */
	struct slice value; /* without blanks at both ends */
};

enum http1_framing {
	HTTP1_NO_BODY,
	HTTP1_LENGTH, /* `length` octets */
	HTTP1_CHUNKED,
	HTTP1_TO_CLOSE /* responses only: until the connection ends */
};

/* Slices are views into the input; the fields' array lives in the arena. */
struct http1_head {
	struct slice method, target; /* requests */
	unsigned status; /* responses; 0 in a request */
	struct slice reason;
	uint8_t minor; /* HTTP/1.minor: 0 or 1 */
	bool keep; /* the connection may be used again (RFC 9112 9.3) */
	bool expects_continue; /* RFC 9110 10.1.1 */
	enum http1_framing framing;
	uint64_t length;
	struct slice upgrade; /* Upgrade, when Connection names it */
	struct slice host;
	struct http1_field *fields;
	size_t n;
};

/* Takes one request head with its blank line from the head of `*in`; blank lines before it are skipped.
 * RC_MORE: not whole yet, `*in` untouched (not parsed again from its start: `*seen`, 0 at first, remembers how far it was
 * looked at; NULL is allowed). RC_LIMIT: over `max` octets or HTTP1_FIELDS_MAX fields. RC_TEMP: the arena is full.
 * RC_BAD: anything else: bare LF or CR, folded lines, blanks before a colon, two Content-Length, Content-Length with
 * Transfer-Encoding, a coding that is not chunked, no or two Host in HTTP/1.1, control characters. RC_DENIED: a major version
 * that is not 1. */
enum rc http1_request_parse(
	struct slice *in, size_t max, size_t *seen, struct arena *a, struct http1_head *out);
/* The same for a response. `to_head`: it answers a HEAD request, so it has no body. */
enum rc http1_response_parse(
	struct slice *in, size_t max, bool to_head, struct arena *a, struct http1_head *out);

/* First value of a field. RC_NONE: absent. */
enum rc http1_field(const struct http1_head *head, struct slice name, struct slice *value);
/* Whether a comma-separated list has a word, without case ("keep-alive, Upgrade"). */
bool http1_list_has(struct slice list, struct slice word);
/* Walks such a list. RC_NONE: the end. */
enum rc http1_list_next(struct slice *list, struct slice *word);

/* --- Chunked bodies, piece by piece (RFC 9112 7.1) --- */

struct http1_chunked {
	uint64_t left; /* octets of the current chunk still to come */
	uint32_t trailer; /* octets of trailer and extensions seen */
	uint8_t state;
};
/* Takes from the head of `*in` what it can; `data` gets the next octets of the body (may be empty).
 * RC_OK: `data` has some, call again; RC_MORE: `*in` is used up, more must come; RC_NONE: the body ended, `*in` begins at what
 * follows it; RC_BAD: not chunked framing; RC_LIMIT: trailer or extensions over 16 KiB. Start with a zeroed struct. */
enum rc http1_chunked_next(struct http1_chunked *c, struct slice *in, struct slice *data);

/* --- Writing --- */

/* "HTTP/1.1 200 OK" CRLF; the reason is the table's. */
void http1_status_write(unsigned status, struct buf *out);
/* "Name: value" CRLF. CR, LF and NUL in the value become blanks. */
void http1_field_write(struct slice name, struct slice value, struct buf *out);
/* "OK"; "" when not known. */
const char *http1_reason(unsigned status);
/* Percent-decoding. RC_BAD: bad escape or %00; RC_LIMIT: arena. `plus`: '+' is a blank (form data). */
enum rc http1_unescape(struct slice in, bool plus, struct arena *a, struct slice *out);
/* token of RFC 9110 5.6.2, whole and not empty. */
bool http1_is_token(struct slice s);

#endif
