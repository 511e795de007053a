/* imap_lex.h: The words of IMAP: a lexer over one whole command with its literals (RFC 3501 9, RFC 9051 9). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_LEX_H
#define WIRE_IMAP_LEX_H

#include "base/ranges.h"

/* A command as collected: the lines without the last CRLF, each literal as "{n}" CRLF and its octets. Every imap_lex_*
 * function takes its word from the head of `rest` on RC_OK and leaves `rest` untouched otherwise: RC_BAD: no such word
 * here; RC_LIMIT: over a limit or the arena is full. Slices are views into the command, or in the arena where escapes had
 * to be undone. */
struct imap_lex {
	struct slice rest;
	struct arena *a;
	bool is_utf8; /* mailbox names are UTF-8, not modified UTF-7 (RFC 9051 5.1, RFC 6855 3) */
};

enum {
	IMAP_TAG_MAX = 128,
	IMAP_SET_MAX = 65536, /* ranges in a sequence set */
	IMAP_LIST_MAX = 4096, /* words in a list */
};

/* Does a line (without CRLF) announce a literal at its end? RC_NONE: no. RC_BAD: the number is not one.
 * `sync`: the client waits for "+ ". `is_8`: "~{n}" (RFC 3516). */
struct imap_literal {
	uint64_t size;
	bool is_sync, is_8;
};
enum rc imap_literal_at_end(struct slice line, struct imap_literal *out);

/* The next octet, or 0 at the end. */
uint8_t imap_lex_peek(const struct imap_lex *x);
bool imap_lex_at_end(const struct imap_lex *x);
/* Exactly this octet; RC_BAD and nothing taken otherwise. */
enum rc imap_lex_char(struct imap_lex *x, uint8_t c);
enum rc imap_lex_space(struct imap_lex *x);
/* An atom equal to `word` without case, ended by a delimiter. */
enum rc imap_lex_word(struct imap_lex *x, struct slice word);

enum rc imap_lex_tag(struct imap_lex *x, struct slice *out);
enum rc imap_lex_atom(struct imap_lex *x, struct slice *out);
enum rc imap_lex_string(struct imap_lex *x, struct slice *out);
enum rc imap_lex_astring(struct imap_lex *x, struct slice *out);
enum rc imap_lex_nstring(struct imap_lex *x, struct slice *out, bool *is_nil);
/* literal8 or any string; `is_8` may be NULL. */
enum rc imap_lex_literal8(struct imap_lex *x, struct slice *out, bool *is_8);
/* list-mailbox: with the wildcards % and *; decoded to UTF-8. */
enum rc imap_lex_list_mailbox(struct imap_lex *x, struct slice *out);
/* mailbox: decoded to UTF-8 from modified UTF-7 (as it is when not that); "inbox" in any case becomes "INBOX". */
enum rc imap_lex_mailbox(struct imap_lex *x, struct slice *out);

enum rc imap_lex_number(struct imap_lex *x, uint32_t *out);
enum rc imap_lex_nz_number(struct imap_lex *x, uint32_t *out);
/* RFC 7162 mod-sequence-valzer: 0..2^63-1. */
enum rc imap_lex_number64(struct imap_lex *x, uint64_t *out);
/* "1-Feb-2024", quoted or not: days since 1970. */
enum rc imap_lex_date(struct imap_lex *x, int64_t *days);
/* "\" 1-Feb-2024 13:05:00 +0100\"": unix seconds. */
enum rc imap_lex_date_time(struct imap_lex *x, int64_t *unix_s);

/* Flags: bits as in enum mail_flag's order; keywords in the arena. */
enum imap_flag {
	IMAP_SEEN = 1,
	IMAP_ANSWERED = 2,
	IMAP_FLAGGED = 4,
	IMAP_DELETED = 8,
	IMAP_DRAFT = 16,
	IMAP_RECENT = 32 /* never settable; read and ignored by callers */
};
struct imap_flags {
	unsigned system; /* enum imap_flag */
	struct slice *keywords;
	size_t n;
};
/* "(" flags ")"; `bare`: also flags without parentheses up to the end (STORE). RC_BAD: also an unknown "\Word". */
enum rc imap_lex_flags(struct imap_lex *x, bool bare, struct imap_flags *out);
/* One flag or keyword of 1..255 octets. */
enum rc imap_lex_flag(struct imap_lex *x, unsigned *system, struct slice *keyword);

/* A sequence set: ranges as written, 0 stands for "*". */
struct imap_set {
	struct range *at; /* lo and hi in the order written */
	size_t n;
	bool is_saved; /* "$" (RFC 5182) */
};
enum rc imap_set_parse(struct imap_lex *x, struct imap_set *out);
/* Adds the set's numbers to `out`; `max` is what "*" stands for, 0 for an empty mailbox (then "*" stands for nothing).
 * With `cut`, numbers over `max` are left out (a range n:* always holds max). RC_LIMIT: no memory. */
enum rc imap_set_resolve(const struct imap_set *set, uint32_t max, bool cut, struct ranges *out);
/* The highest number named, "*" as `max`: for refusing sequence numbers past the end. */
uint32_t imap_set_highest(const struct imap_set *set, uint32_t max);

#endif
