/* world.h: A mail store over the memory engine, with one account open. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_MAIL_WORLD_H
#define TEST_UNIT_MAIL_WORLD_H

#include "mail/change.h"

enum { ACCOUNT = 7 };

struct world {
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct accounts *accounts;
	struct mail *mail;
	struct mail_account *ma;
	uint32_t box; /* INBOX */
	size_t cache_bytes; /* of the room when it is made; 0: no end */
	struct fault why;
};

void world_begin(struct world *w, unsigned seats);
/* The same with an end to what the mail room holds. */
void world_begin_small(struct world *w, unsigned seats, size_t cache_bytes);
/* The mail room is made anew: it knows what is stored only. */
void world_reopen(struct world *w);
void world_end(struct world *w);
/* Until the background jobs that are there now are done. */
void world_jobs(struct world *w);

typedef void world_edit_fn(struct world *w, struct mail_change *ch, void *arg);
/* One change: built, committed, applied. The test is the only visitor, so the turnstile is left out. */
void world_change(struct world *w, world_edit_fn *edit, void *arg, struct mail_view *self);

/* All entries from the UID on, at most `max`; how many. */
size_t world_read(struct world *w, struct mail_view *v, uint32_t from, struct mail_entry *entries,
	uint32_t *seqs, size_t max);

struct world_adding {
	uint32_t box;
	size_t n;
	uint64_t first_id;
	uint32_t flags;
};
/* Adds `n` small messages of the same content. */
void world_add(struct world *w, struct mail_change *ch, void *arg);

#endif
