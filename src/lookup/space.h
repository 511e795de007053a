/* space.h: Look-up keys that an administrator keeps: namespaces of keys, with or without a value. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_SPACE_H
#define LOOKUP_SPACE_H

#include "base/arena.h"
#include "base/fault.h"

/* They are asked by rules, listed and loaded in bulk; so they stand in the data store, durable and in order, whatever the lookup
 * store is. Any thread; calls may block. */
struct data;

enum { SPACE_NAME_MAX = 64, SPACE_KEY_MAX = 512, SPACE_VALUE_MAX = 4096, SPACE_PUT_MAX = 500 };

struct space_pair {
	struct slice key, value; /* value may be empty: a member and no more */
};

/* A name is 1 to SPACE_NAME_MAX letters, digits, '.', '-', '_'. SYNTAX, as of all calls: a name, key or value is not such. */
enum rc space_check(struct slice name, struct fault *why);
/* RC_NONE: there is no such key. The value is a copy in `a`. */
enum rc space_get(struct data *data, struct slice name, struct slice key, struct arena *a,
	struct slice *value, struct fault *why);
/* All or nothing, durable when it returns; what is there already is replaced. n <= SPACE_PUT_MAX. */
enum rc space_put(struct data *data, struct slice name, const struct space_pair *pairs, size_t n,
	struct fault *why);
/* NOT_FOUND: there is no such key. */
enum rc space_remove(struct data *data, struct slice name, struct slice key, struct fault *why);
/* All keys of it; how many. Not at once: who asks meanwhile may find some. */
enum rc space_clear(struct data *data, struct slice name, size_t *n, struct fault *why);

/* Visits keys behind `after` (empty: from the first), in order; false ends it. It must not call the store. */
typedef bool space_visit_fn(void *ctx, const struct space_pair *pair);
enum rc space_list(struct data *data, struct slice name, struct slice after, space_visit_fn *visit,
	void *ctx, struct fault *why);
/* Visits each namespace that has a key, with how many there are. */
typedef void space_name_fn(void *ctx, struct slice name, uint64_t keys);
enum rc space_names(struct data *data, space_name_fn *visit, void *ctx, struct fault *why);

#endif
