/* fold.h: What a group does, as one row a key: for stores that take it as sets instead of one by one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_FOLD_H
#define DATA_FOLD_H

#include "data/engine.h"

enum fold_change { FOLD_NOTHING, FOLD_PUT, FOLD_DELETE, FOLD_ADD };

/* A key of the group, and all that happens to it put together: PUT, ADD is PUT of the sum; DELETE, ADD is PUT; ADD, ADD is
 * the ADD of both. */
struct fold_row {
	enum data_space space;
	struct slice key;
	enum fold_change change;
	struct slice value; /* PUT */
	bool counted; /* PUT: the value is `counter` instead */
	uint8_t counter[8]; /* ADD, and PUT when counted: little-endian */
	bool fresh; /* asserted to be absent */
	size_t fresh_at; /* where that assert stands in the group */
};

struct fold {
	struct fold_row *rows; /* in the order of space and key */
	size_t n, cap;
	void *items; /* what is sorted: fold.c's own */
	size_t items_cap;
};

/* Rows of the last group go. RC_TEMP: no memory. Keys and values are views into the group. */
enum rc fold_group(struct fold *f, const struct engine_group *g, struct fault *why);
struct slice fold_value(const struct fold_row *row);
void fold_done(struct fold *f);

#endif
