/* address.h: Where a server is, as a configuration or another server writes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_ADDRESS_H
#define LINK_ADDRESS_H

#include "base/slice.h"

/* All strings are NUL-terminated, "" when not given. */
struct address {
	char scheme[16];
	char host[256];
	unsigned port;
	char user[128], secret[256];
	unsigned database;
};

/* "redis://user:secret@host:6379/2", "host:6379", "[::1]:6379", "host": user and secret are percent-decoded; `port` when none
 * is given. RC_BAD: not such. */
enum rc address_read(struct slice text, unsigned port, struct address *out);

#endif
