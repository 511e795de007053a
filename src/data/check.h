/* check.h: What the rooms use to prove what they have stored: walks over keys, findings, and a place for what is damaged. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_CHECK_H
#define DATA_CHECK_H

#include "data/data.h"

/* What cannot be read is parked: its key and value move from where the server looks to
 *   'X' space key               the same value
 * so that the rest works, and nothing is thrown away. */

enum check_kind {
	CHECK_MENDED, /* it follows from something else, and was made anew from it */
	CHECK_PARKED, /* it was damaged, and lies aside */
	CHECK_LOST, /* it is missing or wrong, and nothing here can bring it back */
	CHECK_KINDS
};

struct check {
	struct data *data;
	bool look; /* tell only, change nothing */
	/* One finding; `what` names it, for people. */
	void (*tell)(void *ctx, enum check_kind kind, struct slice what);
	/* How far a walk has come: called now and then. NULL: nobody asks. */
	void (*progress)(void *ctx, const char *part, uint64_t looked);
	void *ctx;
	uint64_t looked; /* keys and contents */
	uint64_t found[CHECK_KINDS];
};

void check_tell(struct check *c, enum check_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Visits the keys of DATA_MAIN from `from` on and before `to`, in their order, also when the visitor changes them: those
 * that are put while it walks may be missed. Key and value live until the next call; the arena is given back behind it.
 * A visitor's other answers than RC_OK end the walk. */
typedef enum rc check_visit_fn(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why);
struct check_range {
	const char *part; /* for progress: "accounts" */
	struct slice from, to;
};
enum rc check_walk(struct check *c, const struct check_range *range, check_visit_fn *visit,
	void *ctx, struct fault *why);

/* Where a key lies once it is parked. */
struct slice check_aside(struct arena *a, struct slice key);
/* Is it there, or parked? RC_NONE: neither. */
enum rc check_holds(struct check *c, struct slice key, struct fault *why);
/* Commits the batch; does nothing when the check only looks. */
enum rc check_commit(struct check *c, struct data_batch *b, struct fault *why);
/* Parks what lies there, and tells. `what`: as above. */
enum rc check_park(struct check *c, struct slice key, struct slice value, struct slice what,
	struct fault *why);

#endif
