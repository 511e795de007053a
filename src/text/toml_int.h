/* toml_int.h: What the parts of the TOML reader share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_TOML_INT_H
#define TEXT_TOML_INT_H

#include "base/buf.h"
#include "text/toml.h"

struct toml_read {
	struct slice in; /* what is still to be read */
	unsigned line;
	struct arena *a;
	struct fault *why;
};

/* CONFIG with the line in front. */
enum rc toml_fail(struct toml_read *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A string of any of the four forms, or (one_line) of the two that may be keys. `in` begins with its quote. */
enum rc toml_string(struct toml_read *r, bool one_line, struct slice *out);
/* Integer, float, boolean, date or time from the head of `in`. */
enum rc toml_scalar(struct toml_read *r, struct toml_item *out);
/* Octets of a line end at the head: 0, 1 or 2. */
size_t toml_newline(struct slice in);

#endif
