/* http.h: The HTTP/1.1 server: a route table, answers, event streams (RFC 9110, RFC 9112). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "net/conn.h"
#include "wire/http1.h"

/* [http 1] A connection between two requests holds its struct and nothing else.
 * [http 2] A handler is called with the whole request. It answers once, or begins one stream. */

struct http;

/* One request; it lives, with its arena, until the answer is complete. */
struct http_call {
	struct conn *conn;
	struct http_head_view {
		struct slice method, path, query; /* the path percent-decoded */
	} req;
	const struct http1_head *head;
	struct slice body;
	struct arena *arena;
	void *arg; /* of the routes */
	void *work; /* the handler's, from one call to the next; NULL at first */
	bool answered;
	struct http_session *session; /* the room's own */
};

/* RC_OK: answered, or a stream has begun. RC_WAIT: not yet; call again when the task is woken. Another rc: `why` becomes
 * the answer. */
typedef enum rc http_fn(struct http_call *call, struct fault *why);
/* Appends the next events with http_event; false ends the stream. */
typedef bool http_tick_fn(struct http_call *call);

struct http_route {
	const char *method; /* "GET" (HEAD too), "POST" ... */
	const char *path; /* exact; with a last '*': everything that begins so */
	http_fn *fn;
	void (*drop)(struct http_call *
			call); /* gives `work` (perhaps NULL) up, however the request ended; NULL: nothing to do */
};

struct http_deps {
	const struct http_route *routes; /* the first that fits counts */
	size_t routes_n;
	void *arg;
	const char *name; /* of the door: "http", "metrics" */
	uint64_t idle_ms; /* 0: 60 s */
	uint64_t body_max; /* 0: 1 MiB */
};

struct http *http_new(const struct http_deps *deps);
void http_free(struct http **http);
const struct door *http_door(struct http *http);

/* The whole answer. `type` "" for none. Field lines in `fields` end in CR LF each; may be empty. */
void http_answer(struct http_call *call, unsigned status, const char *type, struct slice body);
void http_answer_with(struct http_call *call, unsigned status, const char *type,
	struct slice fields, struct slice body);
/* {"error": ...} with the fault's status. */
void http_refuse(struct http_call *call, const struct fault *why);

/* text/event-stream: `tick` is called now and then every `every_ms`, as long as the client reads. */
void http_stream(struct http_call *call, uint64_t every_ms, http_tick_fn *tick);
/* One event; `data` without line ends. Only in a tick. */
void http_event(struct http_call *call, const char *name, struct slice data);

/* The value of a query's parameter, decoded. RC_NONE: absent; RC_BAD: bad escape. */
enum rc http_param(const struct http_call *call, struct slice name, struct slice *value);

#endif
