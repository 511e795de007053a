/* imap_search.h: Search programs (RFC 3501 6.4.4, RFC 4731, RFC 7162 3.1.5, RFC 5182, RFC 5032, RFC 8474, RFC 8514). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_SEARCH_H
#define WIRE_IMAP_SEARCH_H

#include "wire/imap_lex.h"

enum imap_key {
	IMAP_KEY_ALL,
	IMAP_KEY_AND, /* children */
	IMAP_KEY_OR, /* two children */
	IMAP_KEY_NOT, /* one child */
	IMAP_KEY_FLAGS, /* number: bits of enum imap_flag that must be set */
	IMAP_KEY_KEYWORD, /* text */
	IMAP_KEY_SEQ, /* set: sequence numbers */
	IMAP_KEY_UID, /* set */
	IMAP_KEY_LARGER, /* number */
	IMAP_KEY_SMALLER,
	IMAP_KEY_BEFORE, /* date: days since 1970, of INTERNALDATE */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_SENTBEFORE, /* of the Date field */
	IMAP_KEY_SENTON,
	IMAP_KEY_SENTSINCE,
	IMAP_KEY_OLDER, /* number: seconds (RFC 5032) */
	IMAP_KEY_YOUNGER,
	IMAP_KEY_MODSEQ, /* number: at least that */
	IMAP_KEY_HEADER, /* field, text; also FROM TO CC BCC SUBJECT */
	IMAP_KEY_BODY, /* text */
	IMAP_KEY_TEXT,
	IMAP_KEY_EMAILID,
	IMAP_KEY_THREADID,
	IMAP_KEY_SAVEDBEFORE,
	IMAP_KEY_SAVEDON,
	IMAP_KEY_SAVEDSINCE,
};

enum { IMAP_SEARCH_DEPTH = 64, IMAP_SEARCH_NODES = 4096 };

/* NEW, OLD, UNSEEN and the like are made of FLAGS, NOT and AND. */
struct imap_search_node {
	enum imap_key key;
	struct slice field, text; /* `text` in the command's charset */
	uint64_t number;
	int64_t date;
	struct imap_set set;
	struct imap_search_node *child; /* first child */
	struct imap_search_node *next; /* sibling */
};

enum imap_return {
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
};

struct imap_search {
	struct imap_search_node *root; /* IMAP_KEY_AND */
	struct slice charset; /* empty: not said */
	unsigned ret; /* enum imap_return; "RETURN ()" is IMAP_RETURN_ALL */
	bool has_return;
	bool uses_modseq; /* a MODSEQ key: the answer has the highest (RFC 7162 3.1.5) */
	unsigned keys; /* 1 << enum imap_key of all nodes */
};

/* SEARCH's arguments up to the end of the command. RC_LIMIT: deeper or more than the limits. */
enum rc imap_search_parse(struct imap_lex *x, struct imap_search *out);
/* Only the program, as for SORT and THREAD. */
enum rc imap_search_program(struct imap_lex *x, struct imap_search *out);

#endif
