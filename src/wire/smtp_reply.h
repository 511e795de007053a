/* smtp_reply.h: Replies of SMTP and LMTP, written by the server and read by the client (RFC 5321 4.2). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SMTP_REPLY_H
#define WIRE_SMTP_REPLY_H

#include "base/buf.h"

/* Server: "250 2.0.0" (with or without enhanced code) and a text; each LF in the text starts another line, which repeats
 * the codes; lines are cut at 500 octets. CR and NUL are dropped. */
void smtp_reply(struct buf *out, const char *codes, struct slice text);
/* One line of a multi-line reply as EHLO's: "250-text" or "250 text" when it is the last. No enhanced code. */
void smtp_reply_line(struct buf *out, unsigned code, bool is_last, struct slice text);

/* Client: a reply as it comes in, line by line. */
struct smtp_answer {
	unsigned code; /* 200..599 */
	unsigned lines;
	uint8_t enhanced[3]; /* class, subject, detail (0..255); class 0: none */
	struct buf
		text; /* the lines' texts without codes, each with LF but the last; in the arena given */
};

enum { SMTP_ANSWER_LINES = 128, SMTP_ANSWER_BYTES = 16384 };

void smtp_answer_init(struct smtp_answer *r, struct arena *a);
/* Takes one line without its CRLF. RC_MORE: another line follows; RC_OK: that was the last; RC_BAD: not a reply, or its
 * code differs from the lines before; RC_LIMIT: too many lines or octets. */
enum rc smtp_answer_line(struct smtp_answer *r, struct slice line);
/* The text so far: a view. */
struct slice smtp_answer_text(const struct smtp_answer *r);

enum smtp_ext {
	SMTP_EXT_PIPELINING = 1 << 0,
	SMTP_EXT_8BITMIME = 1 << 1,
	SMTP_EXT_SMTPUTF8 = 1 << 2,
	SMTP_EXT_CHUNKING = 1 << 3,
	SMTP_EXT_BINARYMIME = 1 << 4,
	SMTP_EXT_DSN = 1 << 5,
	SMTP_EXT_ENHANCED = 1 << 6,
	SMTP_EXT_STARTTLS = 1 << 7,
	SMTP_EXT_SIZE = 1 << 8,
	SMTP_EXT_AUTH = 1 << 9,
	SMTP_EXT_REQUIRETLS = 1 << 10,
	SMTP_EXT_DELIVERBY = 1 << 11,
	SMTP_EXT_MT_PRIORITY = 1 << 12,
	SMTP_EXT_LIMITS = 1 << 13
};

/* What an EHLO or LHLO answer says. Slices are views into the answer's text. */
struct smtp_ehlo {
	struct slice name; /* the server's own name: first word of the first line */
	unsigned ext; /* enum smtp_ext */
	uint64_t size; /* 0: none said */
	struct slice auth; /* mechanisms, with blanks between */
	uint32_t rcpt_max, mail_max; /* LIMITS (RFC 9422): RCPTMAX, MAILMAX; 0: none said */
};
void smtp_ehlo_read(struct slice text, struct smtp_ehlo *out);

#endif
