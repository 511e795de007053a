/* counts.h: Counters of the data store's engine: kept in memory, written a little later, many at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_COUNTS_H
#define LOOKUP_COUNTS_H

#include "lookup/engine.h"

/* [counts 1] An addition that finds its counter here costs no store call; a counter that is not here is read once.
 * [counts 2] What was added is written within COUNTS_LATER_MS or so, without a flush of its own. Another node's additions to the
 *            same counter are seen then, and nothing of either is lost.
 * [counts 3] At most COUNTS_MAX counters are kept; one that is not written yet leaves only when all are such.
 * Any thread. */
struct counts;
enum { COUNTS_LATER_MS = 1000, COUNTS_MAX = 65536 };

struct data;
struct run;

/* `run` NULL: nothing is written but by counts_write. */
struct counts *counts_new(struct data *data, struct run *run);
/* Writes what is left. */
void counts_free(struct counts **counts);

enum rc counts_add(struct counts *c, struct slice key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why);
/* Writes all that has changed. */
enum rc counts_write(struct counts *c, struct fault *why);
/* Forgets counters whose keys begin so; what is stored of them is the caller's. */
void counts_forget(struct counts *c, struct slice begins);

/* The key under which the engine stores what has this encoded key. */
struct counts_key {
	uint8_t at[1 + LOOKUP_KEY_MAX];
};
struct slice counts_stored_key(struct counts_key *k, struct slice key);

#endif
