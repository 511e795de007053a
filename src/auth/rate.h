/* rate.h: How often an address may try to log in at a listener. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_RATE_H
#define AUTH_RATE_H

#include "auth/auth.h"
#include "lookup/lookup.h"
#include "net/net.h"

/* One try more: counted in the lookup store, in a window that runs empty evenly; IPv6 by /64. A store that does not answer
 * holds nobody up. LIMIT: AUTH_RATE. */
enum rc rate_try(struct lookup *lookup, const struct auth_peer *peer, struct fault *why);

#endif
