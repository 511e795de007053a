/* table.h: The compact table of one mailbox: a directory of its UIDs, and those pages of entries that are in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_TABLE_H
#define MAIL_TABLE_H

#include "base/fifo.h"
#include "mail/mail.h"

/* A page holds the entries of UIDs that share uid >> MAIL_PAGE_BITS, as the store keeps them. The directory has a bit for each
 * UID, so that sequence numbers need no entries; it is always whole, and the entries of a page come and go.
 * [table 1] pages rise by `no`; a page in the table may be empty until that is stored.
 * [table 2] a body has an entry for each bit of its page, in their order. */
enum { MAIL_PAGE_BITS = 8, MAIL_PAGE_SIZE = 1 << MAIL_PAGE_BITS, MAIL_PAGE_WORDS = 4 };

/* What a page may hold: when a bit is not set, it has none. */
enum { MAIL_MAY_UNSEEN = 1, MAIL_MAY_DELETED = 2 };

struct mail_body {
	struct fifo_node node; /* listed while the cache may let it go (cache.c) */
	struct mail_account *ma; /* with the two below: where it is */
	uint32_t box, no;
	struct mail_entry *at;
	uint64_t change; /* true for this change id; records up to it are not applied again */
	uint16_t cap;
};

struct mail_page {
	struct mail_body *body; /* NULL: not in memory */
	uint64_t touched; /* the change that touched it last; 0: what is stored is as new */
	uint64_t bits[MAIL_PAGE_WORDS]; /* the UIDs that there are */
	uint32_t no;
	uint16_t n;
	uint8_t may; /* MAIL_MAY_... */
};

struct mail_table {
	struct mail_page *pages;
	uint32_t *before; /* entries in the pages before each */
	size_t before_valid; /* `before` is right for pages below this index */
	size_t n, cap;
	uint32_t count;
	bool partial; /* some pages that are being loaded: no others are made */
	bool watched; /* a new page begins with a body */
};

/* Bodies in it are in no list any more. */
void mail_table_done(struct mail_table *t);
/* Heap held by the directory; by a body. */
size_t mail_table_bytes(const struct mail_table *t);
size_t mail_body_bytes(const struct mail_body *body);
/* A body for `n` entries, which are not set. */
struct mail_body *mail_body_new(uint32_t no, uint16_t n);
/* It is in no list any more. NULL: nothing. */
void mail_body_free(struct mail_body *body);

/* The page for `uid`, made when `make`; NULL: none. RC style is not needed: memory of 10 KiB always comes. */
struct mail_page *mail_table_page(struct mail_table *t, uint32_t uid, bool make);
/* Removes empty pages that are stored as such and have no body. */
void mail_table_tidy(struct mail_table *t);
/* Index of the first page with no >= uid >> MAIL_PAGE_BITS. */
size_t mail_table_seek(const struct mail_table *t, uint32_t uid);
/* `page` holds another number of entries than before. */
void mail_table_spoil(struct mail_table *t, const struct mail_page *page);
/* Those bits of a word of `bits` that stand for the first to the last UID of a page. */
uint64_t mail_page_mask(unsigned word, unsigned first, unsigned last);
/* How many entries of the page have a uid below this one: where its entry is in the body. */
uint16_t mail_page_rank(const struct mail_page *p, uint32_t uid);
/* How many entries of the page have a uid up to this one. */
uint16_t mail_page_rank_end(const struct mail_page *p, uint32_t uid);
/* Puts or replaces; the entry itself when the body is in memory. The page; NULL: nothing was done, since it knew of it or,
 * in a partial table, there is none. */
struct mail_page *mail_table_put(struct mail_table *t, const struct mail_entry *e, uint64_t change);
/* Removes lo..hi from pages older than `change`. */
void mail_table_remove(struct mail_table *t, uint32_t lo, uint32_t hi, uint64_t change);
bool mail_table_has(const struct mail_table *t, uint32_t uid);
/* How many entries have a uid below this one. */
uint32_t mail_table_rank(struct mail_table *t, uint32_t uid);
/* The UID of the entry with `rank` entries before it; 0: rank >= count. */
uint32_t mail_table_select(struct mail_table *t, uint32_t rank);

#endif
