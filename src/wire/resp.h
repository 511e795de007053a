/* resp.h: The Redis serialization protocol, versions 2 and 3: commands written, replies read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_RESP_H
#define WIRE_RESP_H

#include "base/buf.h"

/* What a reply is, the same for both versions. */
enum resp_type {
	RESP_NULL,
	RESP_STRING, /* simple, bulk and verbatim strings; doubles and big numbers as their text */
	RESP_ERROR,
	RESP_INTEGER, /* booleans too: 0 or 1 */
	RESP_ARRAY, /* arrays and sets; maps as key, value, key, value */
	RESP_PUSH /* what was not asked for (version 3) */
};

struct resp {
	enum resp_type type;
	int64_t number; /* RESP_INTEGER */
	struct slice text; /* RESP_STRING, RESP_ERROR ("MOVED 3999 127.0.0.1:6381") */
	struct resp *items; /* RESP_ARRAY, RESP_PUSH */
	size_t n;
};

/* Takes one whole reply from the head of `*in`; attributes are skipped. Items live in `a`, text is a view of `*in`.
 * RC_MORE: it is not all there, and nothing is taken; RC_BAD: not RESP; RC_LIMIT: longer than `limit` octets, nested too
 * deeply, or no memory. */
enum rc resp_parse(struct slice *in, size_t limit, struct arena *a, struct resp *out);

/* A command: an array of bulk strings, which both versions take. */
void resp_command(struct buf *out, const struct slice *words, size_t n);

/* Is it an error that begins with this word ("NOSCRIPT")? */
bool resp_is_error(const struct resp *r, struct slice word);

/* The hash slot of a key, 0..16383: CRC16 of the key, or of what stands between its first '{' and the next '}' when that is
 * not empty (Redis Cluster specification, hash tags). */
uint16_t resp_slot(struct slice key);

#endif
