/* memcached.h: The meta commands of Memcached: requests written, replies read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_MEMCACHED_H
#define WIRE_MEMCACHED_H

#include "base/buf.h"

/* Keys may hold any octets: they go over the wire in base64 (flag "b"), at most MEMCACHED_KEY_MAX octets before. */
enum { MEMCACHED_KEY_MAX = 180 };

enum memcached_code {
	MEMCACHED_HD, /* done */
	MEMCACHED_VA, /* a value follows */
	MEMCACHED_EN, /* not there (mg) */
	MEMCACHED_NF, /* not there (ms, md, ma) */
	MEMCACHED_NS, /* not stored: it is there already */
	MEMCACHED_EX, /* not stored: changed since it was read */
	MEMCACHED_MN, /* answer to mn */
	MEMCACHED_ERROR /* text has the line */
};

struct memcached_reply {
	enum memcached_code code;
	struct slice value; /* MEMCACHED_VA */
	struct slice text; /* flags behind the code, or the whole line of an error */
	uint64_t cas; /* flag "c"; 0: none */
};

/* Takes one reply from the head of `*in`; what it holds are views of `*in`. RC_MORE: not all there, nothing taken; RC_BAD: no
 * reply; RC_LIMIT: a value over `limit` octets. */
enum rc memcached_parse(struct slice *in, size_t limit, struct memcached_reply *out);

/* "mg": value and cas. */
void memcached_get(struct buf *out, struct slice key);

struct memcached_put {
	struct slice key, value;
	uint64_t ttl_s; /* 0: as long as there is room */
	uint64_t cas; /* only when it is this one still; 0: whatever is there */
	bool is_add; /* only when nothing is there */
};
/* "ms". */
void memcached_set(struct buf *out, const struct memcached_put *put);
/* "md"; `cas` 0: whatever is there. */
void memcached_delete(struct buf *out, struct slice key, uint64_t cas);

#endif
