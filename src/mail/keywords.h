/* keywords.h: Keyword names and sets of them, interned per account in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_KEYWORDS_H
#define MAIL_KEYWORDS_H

#include "base/arena.h"

struct mail_kwset {
	uint32_t n;
	uint32_t *ids; /* rising */
	const char **names;
};

/* Set 0 is the empty set. Not thread-safe: under the account's lock. Nothing is ever freed before done, so pointers to
 * names and sets stay. Stored bytes carry names; ids mean nothing outside the memory of one account. */
struct mail_keywords {
	char **names;
	struct mail_kwset **sets;
	uint32_t names_n, names_cap, sets_n, sets_cap;
};

enum { MAIL_KEYWORDS_MAX = 10000, MAIL_KEYWORD_LEN = 255 };

void mail_keywords_init(struct mail_keywords *kw);
void mail_keywords_done(struct mail_keywords *kw);
/* The id of a name; compared without case as IMAP does. RC_LIMIT: too many, or too long a name. */
enum rc mail_keyword_id(struct mail_keywords *kw, struct slice name, uint32_t *id);
/* Names to a set. RC_LIMIT as above. */
enum rc mail_kwset_of(struct mail_keywords *kw, const struct slice *names, size_t n, uint32_t *set);
/* a + b, a - b as sets. */
uint32_t mail_kwset_join(struct mail_keywords *kw, uint32_t a, uint32_t b);
uint32_t mail_kwset_less(struct mail_keywords *kw, uint32_t a, uint32_t b);
const struct mail_kwset *mail_kwset_get(const struct mail_keywords *kw, uint32_t set);

#endif
