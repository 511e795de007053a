/* pop3.h: Command lines of POP3 and the octets of its multi-line responses (RFC 1939, RFC 2449, RFC 5034, RFC 6856). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_POP3_H
#define WIRE_POP3_H

#include "base/buf.h"

enum pop3_verb {
	POP3_UNKNOWN,
	POP3_AUTH,
	POP3_CAPA,
	POP3_DELE,
	POP3_LANG,
	POP3_LIST,
	POP3_NOOP,
	POP3_PASS,
	POP3_QUIT,
	POP3_RETR,
	POP3_RSET,
	POP3_STAT,
	POP3_STLS,
	POP3_TOP,
	POP3_UIDL,
	POP3_USER,
	POP3_UTF8,
	POP3_VERBS
};

enum {
	POP3_LINE_MAX =
		2048, /* RFC 2449 4 asks for 255 with CRLF; AUTH with an initial response may need more */
	POP3_AUTH_MAX = 12288, /* of a line of a SASL dialogue (RFC 5034 4) */
	POP3_REPLY_MAX = 512, /* RFC 2449 4, with CRLF */
	POP3_UIDL_MAX = 70 /* RFC 1939 7 */
};

/* The verb of a line without its CRLF. `args` gets what stands behind the one blank after it, blanks and all: a password
 * may begin or end with one. Never fails. */
enum pop3_verb pop3_verb(struct slice line, struct slice *args);
/* "RETR"; "" for POP3_UNKNOWN. Never NULL. */
const char *pop3_verb_name(enum pop3_verb verb);

/* A message number, which stands alone. RC_BAD: not such. 0 is one, which no message has. */
enum rc pop3_number(struct slice args, uint32_t *number);
/* TOP's arguments: a message number and how many lines of the body. RC_BAD: not such. */
enum rc pop3_top(struct slice args, uint32_t *number, uint64_t *lines);
/* AUTH's arguments (RFC 5034 4): the initial response as on the wire. RC_BAD: not such. */
enum rc pop3_auth(struct slice args, struct slice *mech, bool *has_initial, struct slice *initial);

/* Does a language range ask for this tag: it is "*", the tag, or the tag with further subtags (RFC 4647 3.4). */
bool pop3_lang_fits(struct slice range, struct slice tag);

/* Text of a reply's line, cut to at most `max` octets; what is no printable ASCII becomes "?". */
void pop3_text_write(struct slice text, size_t max, struct buf *out);

/* --- a message as the body of a multi-line response (RFC 1939 3) --- */

/* Zeroed before the first octet; the state survives any cut of the message. */
struct pop3_body {
	bool in_line; /* the last octet was not the end of a line */
	bool after_cr;
};

/* What was appended to `out` from `from` on are octets of the message: makes them what goes over the wire, in place. A line
 * that begins with a dot gets another one, and a bare LF becomes CRLF. `out` is over when there is no room. */
void pop3_body_stuff(struct pop3_body *b, struct buf *out, size_t from);
/* The end: the last line's CRLF if it has none, and the dot. */
void pop3_body_end(struct pop3_body *b, struct buf *out);
/* How many octets at the head of `in` are its first `*lines` lines; `*lines` becomes how many are still wanted. */
size_t pop3_body_lines(struct slice in, uint64_t *lines);

#endif
