/* web.h: Health, metrics and live figures over HTTP. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_WEB_H
#define ADMIN_WEB_H

#include "auth/auth.h"
#include "data/data.h"
#include "http/http.h"
#include "lookup/lookup.h"

/* The `arg` of the routes below (struct http_deps). */
struct admin_web {
	struct run *run;
	struct data *data;
	struct lookup *lookup; /* NULL: none */
	struct auth *auth;
};

/* /healthz/live, /healthz/ready, /health, /api/telemetry/metrics/live: for the http listeners. */
const struct http_route *admin_web_routes(size_t *n);
/* /metrics and health: for the listener of [metrics] bind. */
const struct http_route *admin_web_metrics(size_t *n);

#endif
