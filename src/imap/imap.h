/* imap.h: The door for reading mail: IMAP4rev1 (RFC 3501) with its common extensions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include "auth/auth.h"
#include "mail/mail.h"
#include "net/net.h"

struct imap_deps {
	struct mail *mail;
	struct blob *blob;
	struct auth *auth;
	struct dir *dir;
	struct run *run;
	const char *hostname;
	uint64_t append_max; /* octets of one message; 0: 50 MiB */
	uint64_t literal_max; /* octets of a command with its literals, APPEND aside; 0: 1 MiB */
	uint64_t idle_ms; /* 0: 30 minutes (RFC 3501 5.4) */
	uint64_t login_ms; /* in all, before log-in; 0: 1 minute */
	uint32_t errors_max; /* bad commands before BYE; 0: 20 */
	bool has_tls; /* STARTTLS is offered */
};

struct imap;
struct imap *imap_new(const struct imap_deps *deps);
void imap_free(struct imap **imap);
/* The door to hand to net_listen; lives as long as `imap`. */
const struct door *imap_door(struct imap *imap);

#endif
