/* fetch.h: Requests to one HTTP server, by calls that block: connections are kept, each call has a deadline. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_FETCH_H
#define LINK_FETCH_H

#include "base/buf.h"
#include "base/fault.h"

/* Over libcurl: HTTP/1.1, plain or TLS as the URL says; no redirections, no proxy. Any thread; a worker says before that it
 * may block (run_block_begin). Connections, the breaker and who waits are those of link/pool.h. */
struct fetch;

struct fetch_conf {
	const char *name; /* of the server, for faults and events */
	size_t most; /* connections at once */
	uint64_t connect_ms; /* for a new connection, within the deadline; 0: 5 s */
	const char *ca; /* PEM file; NULL or "": the system's */
	bool allow_invalid; /* any certificate is taken */
};
/* All strings are copied. */
struct fetch *fetch_new(const struct fetch_conf *conf);
void fetch_free(struct fetch **fetch);

/* The body that is sent: bytes in memory, or the first `len` bytes of a file. */
struct fetch_body {
	const uint8_t *at; /* NULL: they are in `fd` */
	int fd;
	uint64_t len;
};

struct fetch_call {
	const char *method; /* "GET", "HEAD", "PUT", "POST", "DELETE" */
	const char *url; /* encoded as it is sent */
	const char *const *fields; /* "Name: value"; NULL at the end */
	const struct fetch_body *body; /* NULL: none */
	uint64_t deadline_ms; /* of run_now_ms */
	/* the answer: */
	unsigned status;
	struct buf *head; /* its field lines are appended; over their limit they are cut */
	struct buf *out; /* its body is appended */
};

/* RC_OK: the server has answered, whatever the status. STORE: it did not, or not in time. RC_LIMIT, MEMORY: the body is over
 * the limit of `out`. */
enum rc fetch_do(struct fetch *fetch, struct fetch_call *call, struct fault *why);
/* The value of the first such field, without white space around it; false: there is none. */
bool fetch_field(struct slice head, const char *name, struct slice *value);

#endif
