/* house_web.c: The HTTP door, and the listener of [metrics]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/web.h"
#include "base/event.h"
#include "base/mem.h"
#include "main/house.h"

static struct http *make(
	struct admin_web *web, const struct http_route *routes, size_t n, const struct conf *c)
{
	return http_new(&(struct http_deps){ .routes = routes,
		.routes_n = n,
		.arg = web,
		.name = "http",
		.idle_ms = c->http.idle_ms,
		.body_max = c->http.body_max });
}

enum rc house_web(struct house *h, struct fault *why)
{
	const struct conf *c = h->conf;
	size_t n;
	struct admin_web *web = mem_new(MEM_OTHER, sizeof(*web)); /* as long as the process */
	*web = (struct admin_web){ .run = h->run, .data = h->data, .auth = h->auth };
	const struct http_route *routes = admin_web_routes(&n);
	h->http = make(web, routes, n, c);
	if (!c->metrics.enable)
		return RC_OK;
	routes = admin_web_metrics(&n);
	h->metrics = make(web, routes, n, c);
	struct net_listener l = {
		.name = "metrics", .bind = c->metrics.bind, .door = http_door(h->metrics)
	};
	TRY(net_listen(h->net, &l, why));
	event_log(
		EVENT_SERVER_STARTED, f_str("listener", "metrics"), f_str("bind", c->metrics.bind));
	return RC_OK;
}
