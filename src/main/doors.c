/* doors.c: Doors and listeners from a configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/doors.h"
#include "admin/web.h"
#include "base/mem.h"
#include "http/http.h"
#include "imap/imap.h"
#include "pop3/pop3.h"
#include "smtp/smtp.h"

static void open_mail(struct house *h, struct doors *d)
{
	const struct conf *c = d->conf;
	d->post = post_new(&(struct post_deps){ .mail = h->mail,
		.dir = h->dir,
		.data = h->data,
		.blob = h->blob,
		.queue = h->queue,
		.run = h->run,
		.hostname = c->hostname,
		.size_max = c->smtp.message_max,
		.rcpt_max = (uint32_t)c->smtp.rcpt_max,
		.hops_max = (uint32_t)c->smtp.hops_max });
	d->smtp = smtp_new(&(struct smtp_deps){ .post = d->post,
		.auth = h->auth,
		.dir = h->dir,
		.run = h->run,
		.hostname = c->hostname,
		.size_max = c->smtp.message_max,
		.rcpt_max = (uint32_t)c->smtp.rcpt_max,
		.errors_max = (uint32_t)c->smtp.errors_max,
		.idle_ms = c->smtp.command_ms,
		.data_ms = c->smtp.data_ms,
		.total_ms = c->smtp.total_ms,
		.login_ms = c->smtp.login_ms,
		.has_tls = true });
	d->imap = imap_new(&(struct imap_deps){ .mail = h->mail,
		.blob = h->blob,
		.auth = h->auth,
		.dir = h->dir,
		.run = h->run,
		.hostname = c->hostname,
		.append_max = c->smtp.message_max,
		.literal_max = c->imap.literal_max,
		.idle_ms = c->imap.idle_ms,
		.login_ms = c->imap.login_ms,
		.errors_max = (uint32_t)c->imap.errors_max,
		.has_tls = true });
	d->pop3 = pop3_new(&(struct pop3_deps){ .mail = h->mail,
		.auth = h->auth,
		.run = h->run,
		.locks = h->pop3_locks,
		.hostname = c->hostname,
		.idle_ms = c->pop3.idle_ms,
		.login_ms = c->pop3.login_ms,
		.login_delay_ms = c->pop3.login_delay_ms,
		.expire_ms = c->pop3.expire_ms,
		.errors_max = (uint32_t)c->pop3.errors_max,
		.is_exclusive = c->pop3.lock == CONF_POP3_EXCLUSIVE,
		.deletes_retrieved = c->pop3.delete_retrieved,
		.has_tls = true });
}

static struct http *make_http(
	struct house *h, const struct conf *c, const struct http_route *routes, size_t n)
{
	return http_new(&(struct http_deps){ .routes = routes,
		.routes_n = n,
		.arg = h->web,
		.name = "http",
		.idle_ms = c->http.idle_ms,
		.body_max = c->http.body_max });
}

static void open_web(struct house *h, struct doors *d)
{
	size_t n;
	const struct http_route *routes = admin_web_routes(&n);
	d->http = make_http(h, d->conf, routes, n);
	routes = admin_web_metrics(&n);
	d->metrics = make_http(h, d->conf, routes, n);
}

static const struct door *door_of(struct doors *d, unsigned protocol)
{
	switch ((enum conf_protocol)protocol) {
	case CONF_SMTP:
		return smtp_door(d->smtp, SMTP_MX);
	case CONF_SUBMISSION:
		return smtp_door(d->smtp, SMTP_SUBMISSION);
	case CONF_LMTP:
		return smtp_door(d->smtp, SMTP_LMTP);
	case CONF_IMAP:
		return imap_door(d->imap);
	case CONF_HTTP:
		return http_door(d->http);
	case CONF_POP3:
		return pop3_door(d->pop3);
	case CONF_MANAGESIEVE:
	case CONF_PROTOCOLS:
		return NULL; /* comes with a later issue */
	}
	return NULL;
}

static void let_go(void *arg)
{
	struct doors *d = arg;
	if (atomic_fetch_sub(&d->users, 1) > 1)
		return;
	smtp_free(&d->smtp);
	imap_free(&d->imap);
	pop3_free(&d->pop3);
	http_free(&d->http);
	http_free(&d->metrics);
	post_free(&d->post);
	for (size_t i = 0; i < d->ntrusted; i++)
		mem_free(MEM_OTHER, d->trusted[i]);
	mem_free(MEM_OTHER, d->trusted);
	mem_free(MEM_OTHER, d->listeners);
	conf_put(&d->conf);
	mem_free(MEM_OTHER, d);
}

struct doors *doors_get(struct doors *doors)
{
	atomic_fetch_add(&doors->users, 1);
	return doors;
}

void doors_put(struct doors **doors)
{
	if (*doors)
		let_go(*doors);
	*doors = NULL;
}

static enum rc add_listener(struct doors *d, const struct conf_listener *l, struct fault *why)
{
	const struct door *door = door_of(d, l->protocol);
	struct net_cidr *trusted = mem_new(MEM_OTHER, (l->trusted.n + 1) * sizeof(*trusted));
	d->trusted[d->ntrusted++] = trusted;
	for (size_t i = 0; i < l->trusted.n; i++)
		if (net_cidr_parse(slice_str(l->trusted.at[i]), &trusted[i]) != RC_OK)
			return fault_set(why, FAULT_CONFIG, "listener \"%s\": \"%s\" is no network",
				l->id, l->trusted.at[i]);
	for (size_t i = 0; door && i < l->bind.n; i++)
		d->listeners[d->n++] = (struct net_listener){ .name = l->id,
			.bind = l->bind.at[i],
			.door = door,
			.hostname = l->hostname,
			.implicit_tls = l->tls_implicit,
			.connections_max = l->max_connections,
			.idle_ms = l->idle_ms,
			.total_ms = l->total_ms,
			.logins_max = l->login_rate.count,
			.logins_ms = l->login_rate.per_ms,
			.trusted = trusted,
			.trusted_n = l->trusted.n,
			.gone = let_go,
			.arg = d };
	return RC_OK;
}

static enum rc add_listeners(struct doors *d, struct fault *why)
{
	const struct conf *c = d->conf;
	size_t n = 1;
	for (size_t i = 0; i < c->nlisteners; i++)
		n += c->listeners[i].bind.n;
	d->listeners = mem_new(MEM_OTHER, n * sizeof(*d->listeners));
	d->trusted = mem_new(MEM_OTHER, (c->nlisteners + 1) * sizeof(struct net_cidr *));
	for (size_t i = 0; i < c->nlisteners; i++)
		TRY(add_listener(d, &c->listeners[i], why));
	if (c->metrics.enable)
		d->listeners[d->n++] = (struct net_listener){ .name = "metrics",
			.bind = c->metrics.bind,
			.door = http_door(d->metrics),
			.gone = let_go,
			.arg = d };
	return RC_OK;
}

enum rc doors_new(struct house *h, struct conf *conf, struct doors **out, struct fault *why)
{
	struct doors *d = mem_new(MEM_OTHER, sizeof(*d));
	d->conf = conf_get(conf);
	atomic_store(&d->users, 1);
	open_mail(h, d);
	open_web(h, d);
	enum rc rc = add_listeners(d, why);
	if (rc != RC_OK) {
		doors_put(&d);
		return rc;
	}
	conf_put(&conf);
	*out = d;
	return RC_OK;
}

const struct net_listener *doors_at(const struct doors *d, const char *bind)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->listeners[i].bind, bind) == 0)
			return &d->listeners[i];
	return NULL;
}
