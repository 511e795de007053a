/* smtp.h: Command lines of SMTP and LMTP, read and written (RFC 5321 4.1). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SMTP_H
#define WIRE_SMTP_H

#include "base/buf.h"
#include "base/fault.h"

enum smtp_verb {
	SMTP_UNKNOWN,
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_LHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_QUIT,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_ETRN,
	SMTP_VERBS
};

/* The verb of a line without its CRLF, and what stands behind it, without blanks at both ends. "MAIL FROM:" and
 * "RCPT TO:" leave the path and parameters in `args`; with another word there the verb stays and `args` begins at that
 * word, which the parsers below refuse. Never fails. */
enum smtp_verb smtp_verb(struct slice line, struct slice *args);
/* "MAIL"; "" for SMTP_UNKNOWN. Never NULL. */
const char *smtp_verb_name(enum smtp_verb verb);

/* A mailbox or the null path. Slices are views into the parsed text where it allows, else in the arena. */
struct smtp_path {
	struct slice local; /* without quotes and backslashes */
	struct slice
		domain; /* as written, or an address literal with its brackets; empty for <postmaster> */
	struct slice
		address; /* local@domain, quoted only where it must be; empty for the null path */
	bool is_null; /* "<>" */
	bool is_utf8; /* has octets over 127 */
};

enum {
	SMTP_LOCAL_MAX = 64,
	SMTP_DOMAIN_MAX = 255,
	SMTP_PATH_MAX = 256,
	SMTP_LINE_MAX = 512, /* RFC 5321 4.5.3.1.4, with CRLF; parameters allow more: */
	SMTP_COMMAND_MAX = 2048,
	SMTP_AUTH_MAX = 12288 /* RFC 4954 4 */
};

/* Takes a path in angle brackets from the head of `*in`; a source route is read and dropped. Spaces within the
 * brackets' ends are forgiven. RC_BAD: none here, `*in` untouched. RC_LIMIT: longer than RFC 5321 4.5.3.1 allows, or the
 * arena is full. Octets over 127 must be UTF-8. */
enum rc smtp_path_parse(struct slice *in, struct arena *a, struct smtp_path *out);
/* The whole of `text` is a mailbox without brackets (RFC 5321 4.1.2 Mailbox). Same results. */
enum rc smtp_mailbox_parse(struct slice text, struct arena *a, struct smtp_path *out);
/* local@domain into `out`, the local part quoted only where it must be. `local` is as in smtp_path.local. */
void smtp_mailbox_write(struct slice local, struct slice domain, struct buf *out);

/* Letters, digits, hyphens, underscores, UTF-8; labels of 1..63, 255 in all. No address literal. */
bool smtp_is_domain(struct slice s);
/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). `addr` gets 4 or 16 octets in network order, `*len` how many. */
bool smtp_is_literal(struct slice s, uint8_t addr[16], size_t *len);
/* What HELO, EHLO and LHLO may say: a domain or an address literal. */
bool smtp_is_helo(struct slice s);

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8
};

/* MAIL FROM's arguments. xtext is decoded. */
struct smtp_mail {
	struct smtp_path from;
	uint64_t size; /* RFC 1870; 0 when not said */
	enum smtp_body body;
	bool is_utf8; /* SMTPUTF8 said (RFC 6531 3.4) */
	bool has_auth; /* AUTH= said (RFC 4954 5); `auth` is empty for <> */
	bool require_tls; /* RFC 8689 */
	enum smtp_ret ret; /* RFC 3461 4.3 */
	struct slice envid; /* RFC 3461 4.4 */
	struct slice auth;
	int8_t priority; /* MT-PRIORITY, RFC 6710: -9..9 */
	uint32_t hold_s; /* HOLDFOR, RFC 4865; 0: not said */
	int64_t hold_until; /* HOLDUNTIL, unix seconds; 0: not said */
	int64_t by_s; /* BY, RFC 2852, in seconds; 0: not said */
	uint8_t by_mode; /* 'N' or 'R'; 0: not said */
	bool by_trace;
};

/* RCPT TO's arguments. */
struct smtp_rcpt {
	struct smtp_path to;
	unsigned notify; /* enum smtp_notify; 0: not said (RFC 3461 4.1) */
	struct slice orcpt_type, orcpt; /* RFC 3461 4.2: "rfc822", the address (decoded) */
};

/* `args` as smtp_verb left it. RC_BAD: SYNTAX, PARAM_UNKNOWN; RC_LIMIT: SYNTAX for lengths, MEMORY. */
enum rc smtp_mail_parse(
	struct slice args, struct arena *a, struct smtp_mail *out, struct fault *why);
enum rc smtp_rcpt_parse(
	struct slice args, struct arena *a, struct smtp_rcpt *out, struct fault *why);

/* BDAT's arguments (RFC 3030 2). RC_BAD: not such. */
enum rc smtp_bdat_parse(struct slice args, uint64_t *size, bool *is_last);
/* AUTH's arguments (RFC 4954 4): the initial response as on the wire. RC_BAD: not such. */
enum rc smtp_auth_parse(
	struct slice args, struct slice *mech, bool *has_initial, struct slice *initial);

/* The reverse, for the client: a whole line with CRLF. Only what is set is written; give only what the peer offered.
 * xtext is encoded. */
void smtp_mail_write(const struct smtp_mail *m, struct buf *out);
void smtp_rcpt_write(const struct smtp_rcpt *r, struct buf *out);

/* RFC 3461 4. xtext_parse: RC_BAD: not xtext; RC_LIMIT: arena. */
enum rc smtp_xtext_parse(struct slice in, struct arena *a, struct slice *out);
void smtp_xtext_write(struct slice in, struct buf *out);

#endif
