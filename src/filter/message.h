/* message.h: A whole message in memory, as a running Sieve script asks of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_MESSAGE_H
#define FILTER_MESSAGE_H

#include "mime/mime.h"
#include "sieve/host.h"

/* What lies behind `host.of`; the caller may put another `ask` into `host` that knows more. */
struct filter_message {
	struct sieve_host host;
	struct slice message;
	struct mime_part **parts; /* in order of their beginnings */
	size_t *ends; /* the first part that does not lie in it */
	size_t n;
	struct slice from, to, auth; /* the envelope; `has_` false: RC_NONE */
	bool has_from, has_to, has_auth;
};

/* Fills `host` and the parts; the rest is the caller's to fill, before or after. RC_LIMIT: no memory. The message outlives
 * it; everything else lives as long as `a`. */
enum rc filter_message_init(struct filter_message *m, struct slice message, struct arena *a);

#endif
