/* imap_args.h: Arguments of other IMAP commands: STATUS, LIST, STORE, APPEND, SELECT, ID, ENABLE, CREATE. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_ARGS_H
#define WIRE_IMAP_ARGS_H

#include "wire/imap_lex.h"

enum imap_status {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_RECENT = 2,
	IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8,
	IMAP_STATUS_UNSEEN = 16,
	IMAP_STATUS_SIZE = 32,
	IMAP_STATUS_HIGHESTMODSEQ = 64,
	IMAP_STATUS_DELETED = 128,
	IMAP_STATUS_APPENDLIMIT = 256,
	IMAP_STATUS_MAILBOXID = 512,
};
/* "(MESSAGES UNSEEN)". */
enum rc imap_args_status(struct imap_lex *x, unsigned *items);

/* LIST with RFC 5258's selection and return options, RFC 6154 SPECIAL-USE, RFC 5819 STATUS. */
struct imap_list {
	struct slice reference;
	struct slice *patterns; /* UTF-8, with % and * */
	size_t n;
	unsigned status; /* enum imap_status; 0: no STATUS return option */
	bool is_extended; /* any option, or patterns in parentheses */
	bool only_subscribed, only_remote, recursive_match, only_special;
	bool return_subscribed, return_children, return_special;
};
enum rc imap_list_parse(struct imap_lex *x, struct imap_list *out);
/* Does a name match a pattern? `%` stops at '/', `*` does not. "INBOX" is matched in any case. */
bool imap_list_match(struct slice pattern, struct slice name);

enum imap_store_op { IMAP_STORE_SET, IMAP_STORE_ADD, IMAP_STORE_REMOVE };
struct imap_store {
	enum imap_store_op op;
	bool is_silent;
	bool has_unchanged_since;
	uint64_t unchanged_since;
	struct imap_flags flags;
};
/* What follows STORE's set and a space. */
enum rc imap_args_store(struct imap_lex *x, struct imap_store *out);

/* One message of APPEND (or the next of MULTIAPPEND) up to the literal's announcement; `x->rest` is the line, without
 * CRLF, that ends in it. Mailbox (for the first message) and literal are read by the caller. */
struct imap_append {
	struct imap_flags flags;
	bool has_date;
	int64_t date; /* unix seconds */
	bool is_utf8; /* "UTF8 (" (RFC 6855 4) */
	struct imap_literal literal;
};
enum rc imap_args_append(struct imap_lex *x, struct imap_append *out);

/* SELECT and EXAMINE parameters: "(CONDSTORE)", "(QRESYNC (...))". Nothing there is fine. */
struct imap_select {
	bool condstore;
	bool qresync;
	uint32_t uid_validity;
	uint64_t modseq;
	bool has_known;
	struct imap_set known_uids, known_seqs, match_uids;
};
enum rc imap_args_select(struct imap_lex *x, struct imap_select *out);

/* ID's list (RFC 2971): names and values alternate; an at of NULL is NIL. `n` counts pairs, at most 30. */
enum rc imap_args_id(struct imap_lex *x, struct slice **pairs, size_t *n);
/* Words up to the end: ENABLE. */
enum rc imap_args_words(struct imap_lex *x, struct slice **words, size_t *n);
/* CREATE's "(USE (\\Sent))" (RFC 6154 3): the attribute, empty when not said. */
enum rc imap_args_create(struct imap_lex *x, struct slice *use);

#endif
