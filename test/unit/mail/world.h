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
	struct fault why;
};

void world_begin(struct world *w, unsigned seats);
/* The mail room is made anew: it knows what is stored only. */
void world_reopen(struct world *w);
void world_end(struct world *w);

#endif
