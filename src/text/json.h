/* json.h: JSON written piece by piece into a buffer: commas and escapes are done here (RFC 8259). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 64 };

/* Every function of a value takes its key: NULL inside an array and at the top. Bytes that are no UTF-8 become U+FFFD.
 * [json 1] Deeper than JSON_DEPTH_MAX is our mistake (must); the buffer's `over` says that it was full. */
struct json {
	struct buf *out;
	uint64_t is_array, has_one; /* a bit a level */
	unsigned depth;
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
/* Closes the innermost object or array. */
void json_end(struct json *j);
void json_str(struct json *j, const char *key, const char *text);
void json_slice(struct json *j, const char *key, struct slice text);
void json_u64(struct json *j, const char *key, uint64_t n);
void json_i64(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool is_true);
void json_null(struct json *j, const char *key);
/* What is JSON already. */
void json_raw(struct json *j, const char *key, struct slice json);
/* A key that is not a literal: give it before the value, whose key is then NULL. */
void json_key(struct json *j, struct slice key);
/* The string with its quotes, alone. */
void json_quote(struct slice text, struct buf *out);

#endif
