/* address.h: Address lists: RFC 5322 with groups, the obsolete forms, RFC 6532, and what breaks them in the wild. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "base/buf.h"

enum mime_addr_kind { MIME_ADDR_MAILBOX, MIME_ADDR_GROUP, MIME_ADDR_GROUP_END };

/* Quotes and comments are off. A group is GROUP (its name), its mailboxes, GROUP_END: as IMAP's ENVELOPE wants it. */
struct mime_addr {
	enum mime_addr_kind kind;
	struct slice
		name; /* display name, or the comment behind a bare address; encoded words as they came */
	struct slice route; /* "@a,@b", obsolete */
	struct slice local; /* of a broken address all that was there, with an empty domain */
	struct slice domain;
};

struct mime_addrs {
	struct mime_addr *at;
	size_t n;
	bool cut; /* there were more than `max` */
};

/* Reads any bytes; a value without an address gives none. Slices are views or live in `a`. RC_LIMIT: memory. */
enum rc mime_addrs_parse(struct slice value, size_t max, struct arena *a, struct mime_addrs *out);

/* "local@domain" with the local part quoted where it must be; UTF-8 stays. */
void mime_addr_write(const struct mime_addr *addr, struct buf *out);

#endif
