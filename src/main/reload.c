/* reload.c: A new configuration for a running server: read, tried, put in the old one's place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "cert/cert.h"
#include "main/cli.h"
#include "main/doors.h"
#include "main/held.h"
#include "run/memory.h"
#include <sys/resource.h>
#include <unistd.h>

/* What stores, log, spool and outgoing mail may need beside the connections that come in. */
enum { DESCRIPTORS_OTHER = 700, CONNECTIONS_LEAST = 16 };

static size_t connections(const struct conf *c)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return c->max_connections;
	size_t all = limit.rlim_cur,
	       most = all >= 2 * DESCRIPTORS_OTHER ? all - DESCRIPTORS_OTHER : all / 2;
	most = most < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : most;
	if (most >= c->max_connections)
		return c->max_connections;
	event_log(EVENT_SERVER_FEW_DESCRIPTORS, f_u64("descriptors", all),
		f_u64("connections", most), f_u64("wanted", c->max_connections));
	return most;
}

struct net_limits house_limits(const struct conf *c)
{
	return (struct net_limits){ .connections_max = connections(c),
		.rate_min = c->rate_min,
		.stress_ms = c->stress_ms };
}

enum rc house_listen(struct house *h, const struct doors *doors, size_t n, struct fault *why)
{
	const struct net_listener *l = &doors->listeners[n];
	int fd = held_take(h->held, l->bind);
	if (fd < 0) {
		TRY(net_bind(l->bind, &fd, why));
		held_add(h->held, l->bind, fd);
	}
	TRY(net_listen_on(h->net, l, fd, why));
	atomic_fetch_add(&h->now->users, 1);
	event_log(EVENT_SERVER_STARTED, f_str("listener", l->name), f_str("bind", l->bind));
	return RC_OK;
}

/* Sockets for addresses that are new; what fails here fails before anything has changed. */
static enum rc bind_new(struct house *h, const struct doors *next, int *fds, struct fault *why)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < next->n; i++)
		fds[i] = -1;
	for (size_t i = 0; rc == RC_OK && i < next->n; i++)
		if (!doors_at(h->now, next->listeners[i].bind))
			rc = net_bind(next->listeners[i].bind, &fds[i], why);
	return rc;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static enum rc listen_new(struct house *h, const struct net_listener *l, int fd)
{
	struct fault why = { 0 };
	held_add(h->held, l->bind, fd);
	enum rc rc = net_listen_on(h->net, l, fd, &why);
	if (rc == RC_OK) {
		event_log(EVENT_SERVER_STARTED, f_str("listener", l->name), f_str("bind", l->bind));
		return RC_OK;
	}
	held_remove(h->held, l->bind);
	event_log(EVENT_SERVER_RELOAD_FAILED, f_str("why", fault_text(&why)));
	return rc;
}

/* From here on nothing fails but a listen() of a socket that is bound, and then there is an event. */
static void listen_as(struct house *h, struct doors *next, const int *fds)
{
	for (size_t i = 0; i < next->n; i++) {
		const struct net_listener *l = &next->listeners[i];
		atomic_fetch_add(&next->users, 1);
		if (fds[i] < 0 && net_listen_as(h->net, l) == RC_OK)
			continue;
		if (fds[i] >= 0 && listen_new(h, l, fds[i]) == RC_OK)
			continue;
		atomic_fetch_sub(&next->users, 1);
	}
	for (size_t i = 0; i < h->now->n; i++) {
		const struct net_listener *l = &h->now->listeners[i];
		if (doors_at(next, l->bind))
			continue;
		held_remove(h->held, l->bind);
		net_unlisten(h->net, l->bind);
		event_log(EVENT_SERVER_UNLISTENED, f_str("listener", l->name),
			f_str("bind", l->bind));
	}
}

static void tell_restart(void *ctx, struct slice key)
{
	size_t *n = ctx;
	if (conf_is_live(key) || conf_is_later(key)) /* a restart would not help these */
		return;
	(*n)++;
	event_log(EVENT_SERVER_RESTART_DUE, f_slice("setting", key));
}

static void take_over(struct house *h, struct doors *next)
{
	const struct conf *c = next->conf;
	size_t waiting = 0;
	struct doors *old = h->now;
	h->now = next;
	const struct net_limits limits = house_limits(c);
	net_limit(h->net, &limits);
	run_memory_limit(c->memory_limit);
	house_change(h, c);
	event_setup((enum event_level)c->log.level, c->log.format ? EVENT_JSON : EVENT_TEXT);
	conf_compare(h->conf, c, tell_restart, &waiting);
	event_log(
		EVENT_SERVER_RELOADED, f_u64("listeners", next->n), f_u64("restart_due", waiting));
	doors_put(&old);
}

static void see_dns(void *ctx, struct slice key)
{
	bool *changed = ctx;
	*changed = *changed || slice_starts(key, S("dns."));
}

/* A resolver as the new configuration wants it; NULL: as it is. */
static enum rc new_resolver(
	struct house *h, const struct conf *c, struct dns_actor **out, struct fault *why)
{
	bool changed = false;
	const struct dns_conf dns = house_dns(h, c);
	*out = NULL;
	conf_compare(h->now->conf, c, see_dns, &changed);
	return changed ? dns_prepare(h->dns, &dns, out, why) : RC_OK;
}

static void change_resolver(struct house *h, const struct conf *c, struct dns_actor **next)
{
	const struct dns_conf dns = house_dns(h, c);
	if (*next)
		dns_change(h->dns, &dns, next);
}

/* `next` is new and whole: certificates, sockets and the resolver are what may still fail. */
static enum rc put_in_place(struct house *h, struct doors *next, struct fault *why)
{
	struct dns_actor *resolver = NULL;
	struct tls_pair pairs[HOUSE_PAIRS_MAX];
	size_t n;
	int *fds = mem_new(MEM_OTHER, (next->n + 1) * sizeof(*fds));
	enum rc rc = bind_new(h, next, fds, why);
	if (rc == RC_OK)
		rc = house_pairs(h, next->conf, pairs, &n, why);
	if (rc == RC_OK)
		rc = new_resolver(h, next->conf, &resolver, why);
	if (rc == RC_OK)
		rc = cert_set(h->watch, pairs, n, why);
	if (rc == RC_OK)
		rc = house_bans(h, next->conf, why);
	if (rc == RC_OK) {
		listen_as(h, next, fds);
		change_resolver(h, next->conf, &resolver);
		take_over(h, next);
	} else {
		close_all(fds, next->n);
		dns_unprepare(&resolver);
	}
	mem_free(MEM_OTHER, fds);
	return rc;
}

static enum rc read_and_place(struct house *h, struct buf *report, struct fault *why)
{
	struct conf *conf = NULL;
	struct doors *next = NULL;
	if (cli_conf(h->ask, &conf, report) != RC_OK) {
		struct slice rest = buf_slice(report), first = slice_split(&rest, '\n');
		return fault_set(why, FAULT_CONFIG, "%.*s", FMT(first));
	}
	enum rc rc = doors_new(h, conf, &next, why);
	if (rc != RC_OK)
		conf_put(&conf);
	else
		rc = put_in_place(h, next, why);
	if (rc != RC_OK) {
		doors_put(&next);
		buf_fmt(report, "%s\n", fault_text(why));
	}
	return rc;
}

enum rc house_reload(struct house *h, struct buf *report, struct fault *why)
{
	lock_enter(&h->lock);
	enum rc rc = read_and_place(h, report, why);
	lock_leave(&h->lock);
	if (rc != RC_OK)
		event_log(EVENT_SERVER_RELOAD_FAILED, f_str("why", fault_text(why)));
	return rc;
}
