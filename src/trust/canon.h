/* canon.h: Canonical forms of header fields and bodies (RFC 6376 3.4). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_CANON_H
#define TRUST_CANON_H

#include "base/buf.h"
#include "crypto/hash.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* One field: `name` as it stands, `value` is what follows the colon, without the final line end. Appended with CRLF. */
void canon_field(enum canon form, struct slice name, struct slice value, struct buf *out);

/* The hash of a body that comes in pieces; lines end in CRLF, other CR and LF are octets like any. */
struct canon_body {
	struct crypto_sha256 sum;
	enum canon form;
	uint64_t limit; /* octets of the canonical form that count; UINT64_MAX: all */
	uint64_t length; /* of the canonical form so far */
	uint64_t line_ends; /* seen and not passed on: they may be the last ones */
	bool blank, cr, any;
	uint8_t room[512];
	size_t n;
};
void canon_body_init(struct canon_body *b, enum canon form, uint64_t limit);
void canon_body_add(struct canon_body *b, struct slice bytes);
/* Ends it. */
void canon_body_final(struct canon_body *b, uint8_t hash[CRYPTO_SHA256_LEN]);
/* Gives it up; nothing happens when it is ended. */
void canon_body_done(struct canon_body *b);

#endif
