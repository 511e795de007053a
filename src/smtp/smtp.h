/* smtp.h: The doors for mail that comes in: SMTP, LMTP, submission. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "auth/auth.h"
#include "net/net.h"
#include "post/post.h"

enum smtp_role { SMTP_MX, SMTP_SUBMISSION, SMTP_LMTP };

struct smtp_deps {
	struct post *post;
	struct auth *auth;
	struct dir *dir;
	struct run *run;
	const char *hostname;
	uint64_t size_max;
	uint32_t rcpt_max;
	uint32_t errors_max; /* bad commands before 421 */
	uint64_t idle_ms; /* RFC 5321 4.5.3.2.7: 5 minutes */
	uint64_t data_ms; /* the same within a message (4.5.3.2.5) */
	uint64_t total_ms; /* without a message taken in; 0: none */
	uint64_t login_ms; /* submission: before log-in; 0: none */
	bool has_tls; /* STARTTLS is offered */
};

struct smtp;
struct smtp *smtp_new(const struct smtp_deps *deps);
void smtp_free(struct smtp **smtp);
/* The door to hand to net_listen; lives as long as `smtp`. */
const struct door *smtp_door(struct smtp *smtp, enum smtp_role role);

#endif
