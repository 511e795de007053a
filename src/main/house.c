/* house.c: Wiring the rooms together, and taking them apart in the reverse order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "base/event.h"
#include "base/mem.h"
#include "cert/cert.h"
#include "http/http.h"
#include "imap/imap.h"
#include "main/house.h"
#include "main/serve.h"
#include "post/inject.h"
#include "run/memory.h"
#include "smtp/smtp.h"
#include <unistd.h>

enum { CERT_EVERY_MS = 60000 };

static enum rc load_certificates(struct house *h, struct fault *why)
{
	const struct conf *c = h->conf;
	h->pairs_n = 0;
	for (size_t pass = 0; pass < 2; pass++) /* the default one first */
		for (size_t i = 0; i < c->ncertificates && h->pairs_n < 255; i++)
			if (c->certificates[i].is_default == (pass == 0))
				h->pairs[h->pairs_n++] = (struct tls_pair){ c->certificates[i].cert,
					c->certificates[i].key };
	if (h->pairs_n == 0) {
		const char *names[] = { c->hostname, "localhost", "127.0.0.1" };
		snprintf(h->self_cert, sizeof(h->self_cert), "%s/self-signed.crt", c->data_dir);
		snprintf(h->self_key, sizeof(h->self_key), "%s/self-signed.key", c->data_dir);
		h->pairs[h->pairs_n++] = (struct tls_pair){ h->self_cert, h->self_key };
		TRY(cert_self_signed(&h->pairs[0], names, 3, NULL, why));
	}
	return RC_OK;
}

static enum rc report(void *arg, struct slice rcpt, struct slice message, struct fault *why)
{
	struct house *h = arg;
	return post_inject(h->post, rcpt, message, why);
}

static enum rc open_queue(struct house *h, struct fault *why)
{
	const struct conf *c = h->conf;
	struct dns_conf dns = { .run = h->run,
		.servers = c->dns.servers.at,
		.servers_n = c->dns.servers.n,
		.no_dnssec = !c->dns.dnssec,
		.timeout_ms = c->dns.timeout_ms };
	TRY(dns_new(&dns, &h->dns, why));
	struct queue_deps q = { .data = h->data,
		.blob = h->blob,
		.run = h->run,
		.net = h->net,
		.dns = h->dns,
		.hostname = c->hostname,
		.relay_host = c->queue.relay_host,
		.port = (unsigned)c->queue.smtp_port,
		.tls = (enum queue_tls)c->queue.tls,
		.retry_first_ms = c->queue.retry_first_ms,
		.retry_max_ms = c->queue.retry_max_ms,
		.expire_ms = c->queue.expire_ms,
		.notify_ms = c->queue.notify_ms ? c->queue.notify_ms : UINT64_MAX, /* 0: never */
		.connect_ms = c->queue.connect_ms,
		.command_ms = c->queue.command_ms,
		.at_once = (uint32_t)c->queue.total,
		.per_destination = (uint32_t)c->queue.per_destination,
		.per_connection = (uint32_t)c->queue.per_connection,
		.rest_ms = c->queue.rest_ms,
		.per_message_rcpt = (uint32_t)c->queue.per_message_rcpt,
		.report = report,
		.arg = h };
	h->queue = queue_new(&q);
	return RC_OK;
}

static void open_rooms(struct house *h)
{
	const struct conf *c = h->conf;
	uint64_t directory = c->cache.directory ? c->cache.directory : 8 << 20;
	h->dir = dir_new(h->data, directory);
	h->accounts = accounts_new(&(struct accounts_deps){ .data = h->data, .run = h->run });
	h->mail = mail_new(&(struct mail_deps){ .accounts = h->accounts,
		.data = h->data,
		.blob = h->blob,
		.run = h->run,
		.cache_bytes = c->cache.message });
	h->auth = auth_new(&(struct auth_deps){ .dir = h->dir,
		.run = h->run,
		.cache_bytes = c->cache.http_auth ? c->cache.http_auth : 1 << 20,
		.cache_ms = c->auth.cache_ms,
		.delay_ms = c->auth.delay_ms });
}

static void open_doors(struct house *h)
{
	const struct conf *c = h->conf;
	h->post = post_new(&(struct post_deps){ .mail = h->mail,
		.dir = h->dir,
		.data = h->data,
		.blob = h->blob,
		.queue = h->queue,
		.run = h->run,
		.hostname = c->hostname,
		.spool = h->spool,
		.size_max = c->smtp.message_max,
		.rcpt_max = (uint32_t)c->smtp.rcpt_max,
		.hops_max = (uint32_t)c->smtp.hops_max });
	h->smtp = smtp_new(&(struct smtp_deps){ .post = h->post,
		.auth = h->auth,
		.dir = h->dir,
		.run = h->run,
		.hostname = c->hostname,
		.size_max = c->smtp.message_max,
		.rcpt_max = (uint32_t)c->smtp.rcpt_max,
		.errors_max = (uint32_t)c->smtp.errors_max,
		.idle_ms = c->smtp.command_ms,
		.has_tls = true });
	h->imap = imap_new(&(struct imap_deps){ .mail = h->mail,
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
}

static const struct door *door_of(struct house *h, unsigned protocol)
{
	switch ((enum conf_protocol)protocol) {
	case CONF_SMTP:
		return smtp_door(h->smtp, SMTP_MX);
	case CONF_SUBMISSION:
		return smtp_door(h->smtp, SMTP_SUBMISSION);
	case CONF_LMTP:
		return smtp_door(h->smtp, SMTP_LMTP);
	case CONF_IMAP:
		return imap_door(h->imap);
	case CONF_HTTP:
		return http_door(h->http);
	case CONF_POP3:
	case CONF_MANAGESIEVE:
	case CONF_PROTOCOLS:
		return NULL; /* comes with a later issue */
	}
	return NULL;
}

static enum rc listen_one(struct house *h, const struct conf_listener *l, struct fault *why)
{
	const struct door *door = door_of(h, l->protocol);
	struct net_cidr *trusted = mem_new(
		MEM_OTHER, (l->trusted.n + 1) * sizeof(*trusted)); /* as long as the process */
	if (!door)
		return RC_OK;
	for (size_t i = 0; i < l->trusted.n; i++)
		if (net_cidr_parse(slice_str(l->trusted.at[i]), &trusted[i]) != RC_OK)
			return fault_set(why, FAULT_CONFIG, "listener \"%s\": \"%s\" is no network",
				l->id, l->trusted.at[i]);
	for (size_t i = 0; i < l->bind.n; i++) {
		struct net_listener n = { .name = l->id,
			.bind = l->bind.at[i],
			.door = door,
			.implicit_tls = l->tls_implicit,
			.connections_max = l->max_connections,
			.idle_ms = l->idle_ms,
			.total_ms = l->total_ms,
			.trusted = trusted,
			.trusted_n = l->trusted.n };
		TRY(net_listen(h->net, &n, why));
		event_log(EVENT_SERVER_STARTED, f_str("listener", l->id),
			f_str("bind", l->bind.at[i]));
	}
	return RC_OK;
}

static void render_config(void *arg, bool json, struct buf *out)
{
	struct house *h = arg;
	conf_render(h->conf, json, out);
}

static enum rc open_control(struct house *h, struct fault *why)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/veredus.sock", h->conf->data_dir);
	struct admin_deps deps = { .run = h->run,
		.net = h->net,
		.data = h->data,
		.dir = h->dir,
		.mail = h->mail,
		.queue = h->queue,
		.version = VEREDUS_VERSION,
		.started = run_unix(h->run),
		.config = render_config,
		.arg = h };
	return admin_start(&deps, path, &h->admin, why);
}

static void evict_mail(void *mail, size_t bytes)
{
	mail_evict(mail, bytes);
}

enum rc house_open(struct house *h, struct conf *conf, struct fault *why)
{
	h->conf = conf;
	TRY(house_stores(h, why));
	h->run = run_new(&(struct run_conf){ .seats = (unsigned)conf->workers });
	TRY(load_certificates(h, why));
	TRY(tls_new(h->pairs, h->pairs_n, &h->tls, why));
	h->net = net_new(&(struct net_conf){ .run = h->run,
		.tls = h->tls,
		.connections_max = conf->max_connections,
		.refuse = run_memory_refuse });
	open_rooms(h);
	TRY(open_queue(h, why));
	open_doors(h);
	TRY(house_web(h, why));
	TRY(house_first(h, why));
	TRY(open_control(h, why));
	for (size_t i = 0; i < conf->nlisteners; i++)
		TRY(listen_one(h, &conf->listeners[i], why));
	run_start(h->run);
	run_memory_start(h->run, conf->memory_limit);
	h->watch = cert_watch_start(h->run, h->tls, h->pairs, h->pairs_n, CERT_EVERY_MS);
	if (run_memory_hook("mail", evict_mail, h->mail) != RC_OK ||
		run_memory_hook("dns", dns_evict, h->dns) != RC_OK)
		return fault_set(why, FAULT_INTERNAL, "too many caches");
	return queue_start(h->queue, why);
}

void house_reload(struct house *h)
{
	struct fault why = { 0 };
	if (cert_reload(h->watch, &why) == RC_OK)
		event_log(EVENT_SERVER_RELOADED, f_u64("certificates", h->pairs_n));
	else
		event_log(EVENT_SERVER_RELOAD_FAILED, f_str("why", fault_text(&why)));
}

void house_close(struct house *h)
{
	uint64_t patience = h->conf->drain_ms ? h->conf->drain_ms : 10000;
	event_log(EVENT_SERVER_STOPPING, f_u64("connections", net_connections(h->net)));
	net_close_listeners(h->net);
	run_drain(h->run);
	size_t left = run_wait_empty(h->run, patience);
	admin_stop(&h->admin);
	data_close(&h->data); /* what was submitted is written; nothing is promised after that */
	event_log(EVENT_SERVER_STOPPED, f_u64("left", left));
}
