/* house.c: Wiring the rooms together, and taking them apart in the reverse order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "admin/web.h"
#include "base/event.h"
#include "base/mem.h"
#include "cert/cert.h"
#include "main/archive.h"
#include "main/cleanup.h"
#include "main/doors.h"
#include "main/held.h"
#include "main/serve.h"
#include "pop3/pop3.h"
#include "post/inject.h"
#include "post/local.h"
#include "run/memory.h"
#include <unistd.h>

enum { CERT_EVERY_MS = 60000, CUT_S = 5, CALM_SHARE = 512 };

enum rc house_pairs(
	struct house *h, const struct conf *c, struct tls_pair *pairs, size_t *n, struct fault *why)
{
	*n = 0;
	for (size_t pass = 0; pass < 2; pass++) /* the default one first */
		for (size_t i = 0; i < c->ncertificates && *n < HOUSE_PAIRS_MAX; i++)
			if (c->certificates[i].is_default == (pass == 0))
				pairs[(*n)++] = (struct tls_pair){ c->certificates[i].cert,
					c->certificates[i].key };
	if (*n == 0) {
		const char *names[] = { c->hostname, "localhost", "127.0.0.1" };
		snprintf(h->self_cert, sizeof(h->self_cert), "%s/self-signed.crt",
			h->conf->data_dir);
		snprintf(h->self_key, sizeof(h->self_key), "%s/self-signed.key", h->conf->data_dir);
		pairs[(*n)++] = (struct tls_pair){ h->self_cert, h->self_key };
		TRY(cert_self_signed(&pairs[0], names, 3, NULL, why));
	}
	return RC_OK;
}

/* By the newest doors, which know our newest name. */
static enum rc report(void *arg, struct slice rcpt, struct slice message, struct fault *why)
{
	struct house *h = arg;
	lock_enter(&h->lock);
	struct doors *doors = doors_get(h->now);
	lock_leave(&h->lock);
	enum rc rc = post_inject(doors->post, rcpt, message, why);
	doors_put(&doors);
	return rc;
}

static enum rc local(void *arg, struct queue_local *l, struct task *task, struct fault *why)
{
	struct house *h = arg;
	return post_local(h->first->post, l, task, why);
}

static struct queue_terms queue_terms(const struct conf *c)
{
	return (struct queue_terms){ .hostname = c->hostname,
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
		.per_message_rcpt = (uint32_t)c->queue.per_message_rcpt };
}

static struct auth_terms auth_terms(const struct conf *c)
{
	return (struct auth_terms){ .cache_bytes =
					    c->cache.http_auth ? c->cache.http_auth : 1 << 20,
		.hash_bytes = c->memory_limit / 3,
		.cache_ms = c->auth.cache_ms,
		.delay_ms = c->auth.delay_ms,
		.failures_max = (uint32_t)c->auth.failures_max,
		.allow_plain_text = c->auth.allow_plain_text };
}

static uint64_t directory_bytes(const struct conf *c)
{
	return c->cache.directory ? c->cache.directory : 8 << 20;
}

struct dns_conf house_dns(struct house *h, const struct conf *c)
{
	return (struct dns_conf){ .run = h->run,
		.servers = c->dns.servers.at,
		.servers_n = c->dns.servers.n,
		.no_dnssec = !c->dns.dnssec,
		.cache_max = { [DNS_A] = c->cache.dns_ipv4,
			[DNS_AAAA] = c->cache.dns_ipv6,
			[DNS_MX] = c->cache.dns_mx,
			[DNS_TXT] = c->cache.dns_txt,
			[DNS_PTR] = c->cache.dns_ptr,
			[DNS_TLSA] = c->cache.dns_tlsa },
		.timeout_ms = c->dns.timeout_ms };
}

void house_change(struct house *h, const struct conf *c)
{
	const struct queue_terms queue = queue_terms(c);
	const struct auth_terms auth = auth_terms(c);
	queue_change(h->queue, &queue);
	auth_change(h->auth, &auth);
	dir_cache_limit(h->dir, directory_bytes(c));
	mail_cache_limit(h->mail, c->cache.message);
	const struct dns_conf dns = house_dns(h, c);
	for (enum dns_type t = 0; t < DNS_TYPES; t++)
		dns_cache_limit(h->dns, t, dns.cache_max[t]);
}

static enum rc open_queue(struct house *h, struct fault *why)
{
	const struct conf *c = h->conf;
	const struct dns_conf dns = house_dns(h, c);
	TRY(dns_new(&dns, &h->dns, why));
	struct queue_deps q = { .data = h->data,
		.blob = h->blob,
		.run = h->run,
		.net = h->net,
		.dns = h->dns,
		.terms = queue_terms(c),
		.report = report,
		.local = local,
		.arg = h };
	h->queue = queue_new(&q);
	return RC_OK;
}

static void open_rooms(struct house *h)
{
	const struct conf *c = h->conf;
	h->dir = dir_new(h->data, directory_bytes(c));
	h->accounts = accounts_new(&(struct accounts_deps){ .data = h->data, .run = h->run });
	h->mail = mail_new(&(struct mail_deps){ .accounts = h->accounts,
		.data = h->data,
		.blob = h->blob,
		.run = h->run,
		.cache_bytes = c->cache.message,
		.calm_bytes = c->memory_limit / CALM_SHARE });
	h->auth = auth_new(&(struct auth_deps){ .dir = h->dir,
		.run = h->run,
		.lookup = h->lookup,
		.bans = h->bans,
		.terms = auth_terms(c) });
	h->pop3_locks = pop3_locks_new();
}

static void render_config(void *arg, bool json, struct buf *out)
{
	struct house *h = arg;
	lock_enter(&h->lock);
	conf_render(h->now->conf, json, out);
	lock_leave(&h->lock);
}

static enum rc reload(void *arg, struct buf *report, struct fault *why)
{
	return house_reload(arg, report, why);
}

static enum rc open_control(struct house *h, struct fault *why)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/veredus.sock", h->conf->data_dir);
	struct admin_deps deps = { .run = h->run,
		.net = h->net,
		.data = h->data,
		.lookup = h->lookup,
		.bans = h->bans,
		.dir = h->dir,
		.mail = h->mail,
		.queue = h->queue,
		.version = VEREDUS_VERSION,
		.started = run_unix(h->run),
		.config = render_config,
		.reload = reload,
		.arg = h };
	return admin_start(&deps, path, &h->admin, why);
}

static enum rc open_doors(struct house *h, struct fault *why)
{
	struct admin_web *web = mem_new(MEM_OTHER, sizeof(*web)); /* as long as the process */
	*web = (struct admin_web){
		.run = h->run, .data = h->data, .lookup = h->lookup, .auth = h->auth
	};
	h->web = web;
	TRY(doors_new(h, conf_get(h->conf), &h->first, why));
	atomic_fetch_add(&h->first->users, 1); /* the queue's reports go through its post */
	h->now = h->first;
	return RC_OK;
}

static enum rc listen_all(struct house *h, struct fault *why)
{
	for (size_t i = 0; i < h->now->n; i++)
		TRY(house_listen(h, h->now, i, why));
	held_remove_rest(h->held);
	return RC_OK;
}

enum rc house_open(struct house *h, struct conf *conf, struct fault *why)
{
	struct tls_pair pairs[HOUSE_PAIRS_MAX];
	size_t n;
	h->conf = conf;
	lock_init(&h->lock, LOCK_STARTUP);
	TRY(house_stores(h, why));
	h->run = run_new(&(struct run_conf){ .seats = (unsigned)conf->workers });
	TRY(house_lookup(h, why));
	TRY(house_bans(h, conf, why));
	TRY(house_pairs(h, conf, pairs, &n, why));
	TRY(tls_new(pairs, n, &h->tls, why));
	h->net = net_new(&(struct net_conf){ .run = h->run,
		.tls = h->tls,
		.limits = house_limits(conf),
		.banned = house_is_banned,
		.banned_arg = h,
		.refuse = run_memory_refuse });
	open_rooms(h);
	TRY(open_queue(h, why));
	TRY(open_doors(h, why));
	TRY(house_first(h, why));
	TRY(open_control(h, why));
	TRY(listen_all(h, why));
	run_start(h->run);
	TRY(house_memory(h, why));
	h->watch = cert_watch_start(h->run, h->tls, pairs, n, CERT_EVERY_MS);
	cleanup_start(h);
	archive_start(h);
	return queue_start(h->queue, why);
}

void house_close(struct house *h, bool (*hurry)(void))
{
	enum { LOOK_MS = 50 };
	uint64_t patience = h->now->conf->drain_ms ? h->now->conf->drain_ms : 10000;
	event_log(EVENT_SERVER_STOPPING, f_u64("connections", net_connections(h->net)));
	net_close_listeners(h->net);
	run_drain(h->run);
	uint64_t until = run_now_ms(h->run) + patience;
	size_t left = run_wait_empty(h->run, 0);
	while (left && run_now_ms(h->run) < until && !hurry())
		left = run_wait_empty(h->run, LOOK_MS);
	if (left)
		event_log(EVENT_SERVER_CUT_OFF, f_u64("left", left));
	alarm(CUT_S);
	admin_stop(&h->admin);
	run_stop(h->run); /* a session that is left would use the store */
	if (left == 0) /* else somebody may speak to it still */
		lookup_close(&h->lookup);
	data_close(&h->lookup_data);
	data_close(&h->data); /* what was submitted is written; nothing is promised after that */
	event_log(EVENT_SERVER_STOPPED, f_u64("left", left));
}
