/* pop3.h: The door for fetching mail: POP3 (RFC 1939) with its extensions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POP3_POP3_H
#define POP3_POP3_H

#include "auth/auth.h"
#include "mail/mail.h"
#include "net/net.h"

/* Who has which maildrop open, and who was there when: lives as long as the process, over all reloads. */
struct pop3_locks;
struct pop3_locks *pop3_locks_new(void);
void pop3_locks_free(struct pop3_locks **locks);

struct pop3_deps {
	struct mail *mail;
	struct auth *auth;
	struct run *run;
	struct pop3_locks *locks;
	const char *hostname;
	uint64_t idle_ms; /* 0: 10 minutes (RFC 1939 3) */
	uint64_t login_ms; /* in all, before log-in; 0: 1 minute */
	uint64_t login_delay_ms; /* between two log-ins of an account (RFC 2449 6.5); 0: none */
	uint64_t
		expire_ms; /* how long mail stays at least, as announced; 0: for ever (RFC 2449 6.7) */
	uint32_t errors_max; /* bad commands before the end; 0: 20 */
	bool is_exclusive; /* one session a maildrop; else each has its own picture of it */
	bool deletes_retrieved; /* QUIT deletes what RETR gave */
	bool has_tls; /* STLS is offered */
};

struct pop3;
struct pop3 *pop3_new(const struct pop3_deps *deps);
void pop3_free(struct pop3 **pop3);
/* The door to hand to net_listen; lives as long as `pop3`. */
const struct door *pop3_door(struct pop3 *pop3);

#endif
