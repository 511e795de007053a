/* doors.h: What new connections meet: the doors and listeners that one configuration asks for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_DOORS_H
#define MAIN_DOORS_H

#include "main/house.h"
#include "net/net.h"

/* Never changed: a reload makes new ones. Counted: by the house, by each listener, and (in net) by each connection that
 * came in under them; the last one frees them with their snapshot of the configuration. */
struct doors {
	struct conf *conf;
	struct post *post;
	struct smtp *smtp;
	struct imap *imap;
	struct pop3 *pop3;
	struct http *http, *metrics;
	struct net_listener *listeners; /* one for each address */
	struct net_cidr **trusted;
	size_t n, ntrusted;
	_Atomic size_t users;
};

/* Takes over the caller's count of `conf` when it succeeds. Listens nowhere yet. Faults: CONFIG. */
enum rc doors_new(struct house *h, struct conf *conf, struct doors **out, struct fault *why);
struct doors *doors_get(struct doors *doors);
void doors_put(struct doors **doors);
/* The listener for this address, or NULL. */
const struct net_listener *doors_at(const struct doors *doors, const char *bind);

#endif
