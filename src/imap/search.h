/* search.h: Evaluating a search program, for the files of SEARCH. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/session.h"
#include "mail/record.h"
#include "wire/imap_search.h"

/* One message as far as the program has asked for it; everything lives in `a`, which is emptied after each message. */
struct search_message {
	struct imap_session *s;
	const struct mail_entry *entry;
	uint32_t seq;
	int64_t now; /* unix seconds */
	struct arena *a;
	bool has_record, is_gone, has_text;
	bool failed; /* the store did not say */
	struct mail_record rec;
	struct slice header; /* raw; at NULL: not read */
	struct slice text; /* all text of the body, folded */
};

/* Folds texts and resolves sets in the tree, once. RC_BAD: CHARSET_UNKNOWN or a number past the end. */
enum rc search_prepare(struct imap_session *s, struct imap_search *program, struct fault *why);
bool search_fits(struct search_message *m, const struct imap_search_node *node);
/* UTF-8 folded for comparison without case: as far as ASCII, Latin-1, Greek and Cyrillic go. */
enum rc search_fold(struct slice text, struct arena *a, struct slice *out);
/* Does the header of the message have `field` with `text` in its value; an empty `field`: any field. */
bool search_header(struct search_message *m, struct slice field, struct slice text);
bool search_body(struct search_message *m, struct slice text);
/* RC_NONE: expunged meanwhile. */
enum rc search_record(struct search_message *m);

#endif
