/* params.h: Content-Type and Content-Disposition: a value and its parameters (RFC 2045 5.1, 2183, 2231). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_PARAMS_H
#define MIME_PARAMS_H

#include "base/arena.h"

struct mime_param {
	struct slice name; /* as written, without RFC 2231's "*0*" */
	struct slice
		wire; /* for BODYSTRUCTURE: unquoted, sections joined, percent-encoding and charset as they came */
	struct slice
		value; /* for people: UTF-8, encoded words decoded too (not allowed there, and common) */
	bool extended; /* `wire` is charset'language'percent-encoded: its name on the wire is name and "*" */
};

/* "text/plain; charset=x" or "attachment; filename=x". `sub` is empty without a slash. Names as written. */
struct mime_value {
	struct slice type;
	struct slice sub;
	struct mime_param *params;
	size_t n;
};

/* Reads any bytes, at most 128 parameters. Slices are views or live in `a`. RC_BAD: no type at its head (`out` then
 * holds the parameters alone). RC_LIMIT: memory. */
enum rc mime_value_parse(struct slice value, struct arena *a, struct mime_value *out);

/* NULL: no such parameter. */
const struct mime_param *mime_param_find(const struct mime_value *v, struct slice name);

#endif
