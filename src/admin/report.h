/* report.h: Answers of commands: rows of named values, as text for people or as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_REPORT_H
#define ADMIN_REPORT_H

#include "base/buf.h"
#include "base/fault.h"

/* A list of rows, or one row. Text: one row a line "name=value ..." for lists, a line a value for one row. */
struct report {
	struct buf *out;
	bool json, list, open;
	size_t rows, values;
};

void report_begin(struct report *r, struct buf *out, bool json, bool list);
void report_row(struct report *r);
void report_text(struct report *r, const char *name, struct slice value);
/* JSON: an array; text: a value a line under the name `one` ("alias"), nothing when there are none. */
void report_texts(
	struct report *r, const char *name, const char *one, const struct slice *values, size_t n);
void report_number(struct report *r, const char *name, uint64_t value);
void report_bool(struct report *r, const char *name, bool value);
void report_end(struct report *r);
/* One line: why it was refused. */
void report_error(struct buf *out, bool json, const struct fault *why);
/* A JSON string with quotes. */
void report_quote(struct buf *out, struct slice s);

#endif
