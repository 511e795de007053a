/* json_read.h: JSON read whole into an arena, with limits (RFC 8259, RFC 7493). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_JSON_READ_H
#define TEXT_JSON_READ_H

#include "base/arena.h"
#include "base/fault.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_item {
	struct json_item *next;
	enum json_type type;
	bool boolean;
	struct slice key; /* in an object */
	struct slice text; /* string, unescaped; number, as written */
	struct json_item *first;
	size_t n;
};

/* Lives as long as `a` and `text`. Strings are UTF-8 without lone surrogates; an object names a key once.
 * RC_BAD: SYNTAX; RC_LIMIT: MEMORY, or nested deeper than `depth`. */
enum rc json_read(struct slice text, unsigned depth, struct arena *a, const struct json_item **out,
	struct fault *why);
/* NULL: `object` is NULL or none, or has no such key. */
const struct json_item *json_read_get(const struct json_item *object, struct slice key);
/* The string of a key; empty when absent or no string. */
struct slice json_read_str(const struct json_item *object, struct slice key);
bool json_read_bool(const struct json_item *object, struct slice key);
/* A number without sign, point or exponent. RC_NONE: absent; RC_BAD: another kind. */
enum rc json_read_u64(const struct json_item *object, struct slice key, uint64_t *out);

#endif
