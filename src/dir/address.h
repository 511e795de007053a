/* address.h: Mail addresses and domains made comparable. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIR_ADDRESS_H
#define DIR_ADDRESS_H

#include "base/arena.h"

enum { DIR_ADDRESS_MOST = 320 }; /* bytes of a whole address */

/* RFC 5321 4.1.2 and RFC 6531: local part and domain, cut at the last '@', made comparable: the domain as lower-case
 * A-labels (address literals as they are), the local part unquoted and case-folded. A name without '@' has no domain.
 * RC_BAD: no address, or longer than DIR_ADDRESS_MOST. RC_LIMIT: no memory. */
struct dir_address {
	struct slice local; /* with its sub-address: "user+tag" */
	struct slice base; /* before the '+' */
	struct slice detail; /* after the '+'; empty when there is none */
	struct slice domain;
};
enum rc dir_address(struct slice in, struct arena *a, struct dir_address *out);
/* A domain alone, made comparable. RC_BAD: not a domain name. RC_LIMIT: no memory. */
enum rc dir_domain_name(struct slice in, struct arena *a, struct slice *out);

#endif
