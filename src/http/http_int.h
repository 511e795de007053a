/* http_int.h: A connection that speaks HTTP. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HTTP_INT_H
#define HTTP_HTTP_INT_H

#include "http/http.h"

struct http {
	struct http_deps deps;
	struct door door;
};

struct http_session {
	struct http *http;
	struct conn *conn;
	struct buf in; /* what came in and is not used yet */
	struct buf body;
	size_t seen; /* of `in`, by the head's parser */
	struct arena arena; /* of the request */
	struct http1_head head;
	struct http1_chunked chunked;
	uint64_t left; /* octets of the body still to come */
	struct http_call call;
	const struct http_route *route;
	http_tick_fn *tick;
	uint64_t every_ms, next_ms;
	bool keep;
};

step_fn http_step_head, http_step_body, http_step_call, http_step_stream;

/* What the connection gives, into `in`. RC_MORE: nothing now; RC_NONE: the end. */
enum rc http_fill(struct http_session *s);
/* Begins the answer: status line and the fields that every answer has; the caller goes on with its own. */
void http_begin(struct http_session *s, unsigned status);
/* Looks for the route. RC_NONE: no such path. RC_BAD: the path has other methods: `allow` lists them. */
enum rc http_find(struct http_session *s, struct buf *allow);

#endif
