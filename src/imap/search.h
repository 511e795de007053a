/* search.h: Evaluating a search program, for the files of SEARCH. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/session.h"
#include "mail/fetch.h"
#include "mail/record.h"
#include "wire/imap_search.h"

/* A program is evaluated with what costs least first: the table's entry of a message, then its record, then its bytes. A
 * key that needs more than may be looked at is unknown, and so is all that depends on it. */
enum search_fit { SEARCH_NO, SEARCH_YES, SEARCH_UNKNOWN };
enum search_depth { SEARCH_ENTRY, SEARCH_RECORD, SEARCH_BYTES };

/* One message as far as it has been looked at; what is read lives in `a`, which is emptied after each message. */
struct search_message {
	struct imap_session *s;
	const struct mail_entry *entry;
	uint32_t seq;
	int64_t now; /* unix seconds */
	enum search_depth depth;
	struct mail_record rec; /* from SEARCH_RECORD on */
	enum rc failed; /* RC_TEMP, RC_LIMIT: neither store nor memory say whether it fits */
	/* SEARCH_BYTES: */
	struct arena *a;
	struct slice header; /* raw; at NULL: not read */
	struct slice whole; /* at NULL: not read */
	struct slice text; /* all text of the body, folded; at NULL: not made */
	unsigned bodies; /* how often the body was searched */
};

/* Folds texts and resolves sets in the tree, once. RC_BAD: CHARSET_UNKNOWN or a number past the end. */
enum rc search_prepare(struct imap_session *s, struct imap_search *program, struct fault *why);
/* SEARCH_UNKNOWN never at SEARCH_BYTES. */
enum search_fit search_fits(struct search_message *m, const struct imap_search_node *node);
/* UTF-8 folded for comparison without case: as far as ASCII, Latin-1, Greek and Cyrillic go. */
enum rc search_fold(struct slice text, struct arena *a, struct slice *out);

/* Does the header of the message have `field` with `text` (folded) in its value; an empty `field`: any field. At
 * SEARCH_RECORD and SEARCH_BYTES; what lies in the record is read only there. */
enum search_fit search_header(struct search_message *m, struct slice field, struct slice text);
/* Is `text` (folded) in a text part. At SEARCH_BYTES. */
bool search_body(struct search_message *m, struct slice text);
/* The first `len` octets of the message; a failure is noted in `failed`. */
enum rc search_get(struct search_message *m, uint64_t len, struct slice *out);
/* All of it into `whole`, once. */
enum rc search_read(struct search_message *m);

#endif
