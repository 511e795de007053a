/* sessions.h: How many sessions there are, by service and by the step in which they rest. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_SESSIONS_H
#define ADMIN_SESSIONS_H

#include "base/buf.h"
#include "run/run.h"

enum { SESSIONS_MAX = 96 };

/* Names are the run time's own and stay. */
struct sessions {
	struct sessions_row {
		const char *service, *step;
		uint64_t n;
	} rows[SESSIONS_MAX];
	size_t n;
};

/* Those beyond SESSIONS_MAX kinds of rest are left out. */
void sessions_count(struct run *run, struct sessions *out);
/* veredus_sessions{service="imap",step="idle"} 3, as Prometheus wants it. */
void sessions_expose(struct run *run, struct buf *out);

#endif
