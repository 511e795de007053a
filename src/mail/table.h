/* table.h: The compact table of one mailbox: pages of entries in UID order, ranks by halving. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_TABLE_H
#define MAIL_TABLE_H

#include "mail/mail.h"

/* A page holds the entries of UIDs that share uid >> MAIL_PAGE_BITS, as the store keeps them.
 * [table 1] entries of a page rise by uid; pages rise by `no`; a page in the table may be empty until it is stored. */
enum { MAIL_PAGE_BITS = 8, MAIL_PAGE_SIZE = 1 << MAIL_PAGE_BITS };

struct mail_page {
	struct mail_entry *at;
	uint64_t change; /* true for this change id; records up to it are not applied again */
	uint32_t no;
	uint16_t n, cap;
	bool dirty;
};

struct mail_table {
	struct mail_page *pages;
	uint32_t *before; /* entries in the pages before each */
	size_t before_valid; /* `before` is right for pages below this index */
	size_t n, cap;
	uint32_t count;
	size_t bytes; /* heap held */
};

void mail_table_done(struct mail_table *t);
/* The page for `uid`, made when `make`; NULL: none. RC style is not needed: memory of 10 KiB always comes. */
struct mail_page *mail_table_page(struct mail_table *t, uint32_t uid, bool make);
/* Index of the first page with no >= uid >> MAIL_PAGE_BITS. */
size_t mail_table_seek(const struct mail_table *t, uint32_t uid);
struct mail_entry *mail_table_find(struct mail_table *t, uint32_t uid);
/* Puts or replaces. */
void mail_table_put(struct mail_table *t, const struct mail_entry *e, uint64_t change);
/* Removes lo..hi from pages older than `change`. Returns how many. */
uint32_t mail_table_remove(struct mail_table *t, uint32_t lo, uint32_t hi, uint64_t change);
/* How many entries have a uid below this one. */
uint32_t mail_table_rank(struct mail_table *t, uint32_t uid);
/* The entry with `rank` entries before it; NULL: rank >= count. */
const struct mail_entry *mail_table_select(struct mail_table *t, uint32_t rank);
/* Copies entries with uid >= from and uid < below, at most max. */
size_t mail_table_read(
	struct mail_table *t, uint32_t from, uint32_t below, struct mail_entry *out, size_t max);

#endif
