/* actor.c: libunbound as a task: asks, takes answers, gives up in time; another one may take its place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "dns/dns_int.h"
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unbound.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20000, RESOLVER_BYTES = 4 << 20, CLASS_IN = 1, NOW_MAX = 256, SOON_MS = 5 };

/* The keys of the root, for machines without a file of them. */
static const char *const root_keys[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};
static const char debian_keys[] = "/usr/share/dns/root.key";

struct dns_actor {
	struct task task; /* first */
	struct dns *dns;
	struct ub_ctx *ctx;
};

/* --- setting up --- */

static enum rc option(struct ub_ctx *ctx, const char *name, const char *value, struct fault *why)
{
	int rc = ub_ctx_set_option(ctx, name, value);
	return rc == 0 ? RC_OK
		       : fault_set(
				 why, FAULT_CONFIG, "dns: %s %s: %s", name, value, ub_strerror(rc));
}

static enum rc size_option(struct ub_ctx *ctx, const char *name, size_t bytes, struct fault *why)
{
	char text[24];
	snprintf(text, sizeof(text), "%zu", bytes);
	return option(ctx, name, text, why);
}

/* "192.0.2.1:53" or "[::1]:53" as the library writes them: ADDRESS@PORT. */
static enum rc forward(struct ub_ctx *ctx, const char *server, struct fault *why)
{
	char text[96];
	struct slice s = slice_str(server), port = S("53"), host = s;
	size_t colon = slice_rfind(s, ':');
	if (s.len && s.at[0] == '[') {
		size_t end = slice_find(s, ']');
		host = slice_tail(slice_head(s, end), 1);
		if (end + 1 < s.len && s.at[end + 1] == ':')
			port = slice_tail(s, end + 2);
	} else if (colon < s.len && slice_find(s, ':') == colon) {
		host = slice_head(s, colon);
		port = slice_tail(s, colon + 1);
	}
	snprintf(text, sizeof(text), "%.*s@%.*s", FMT(host), FMT(port));
	int rc = ub_ctx_set_fwd(ctx, text);
	return rc == 0 ? RC_OK
		       : fault_set(why, FAULT_CONFIG, "dns: server \"%s\": %s", server,
				 ub_strerror(rc));
}

/* Anchors come before what ends the library's configuring (zones, questions): it refuses them later. */
static enum rc anchors(struct ub_ctx *ctx, const struct dns_conf *conf, struct fault *why)
{
	int rc = 0;
	if (conf->no_dnssec)
		return RC_OK;
	if (conf->anchor_file)
		rc = ub_ctx_add_ta_file(ctx, conf->anchor_file);
	else if (!conf->anchor && access(debian_keys, R_OK) == 0)
		rc = ub_ctx_add_ta_file(ctx, debian_keys);
	else if (!conf->anchor)
		for (size_t i = 0; i < sizeof(root_keys) / sizeof(root_keys[0]) && rc == 0; i++)
			rc = ub_ctx_add_ta(ctx, root_keys[i]);
	if (conf->anchor && rc == 0)
		rc = ub_ctx_add_ta(ctx, conf->anchor);
	return rc == 0 ? RC_OK
		       : fault_set(why, FAULT_CONFIG, "dns: trust anchor: %s", ub_strerror(rc));
}

static enum rc set_up(struct ub_ctx *ctx, const struct dns_conf *conf, struct fault *why)
{
	static const char *const plain[][2] = { { "do-not-query-localhost:", "no" },
		{ "unblock-lan-zones:", "yes" }, { "insecure-lan-zones:", "yes" },
		{ "edns-buffer-size:", "1232" }, { "infra-cache-numhosts:", "2000" },
		{ "msg-cache-slabs:", "1" }, { "rrset-cache-slabs:", "1" },
		{ "key-cache-slabs:", "1" }, { "infra-cache-slabs:", "1" },
		{ "outgoing-range:", "512" }, { "num-queries-per-thread:", "512" } };
	size_t most = conf->resolver_max ? conf->resolver_max : RESOLVER_BYTES;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		TRY(option(ctx, plain[i][0], plain[i][1], why));
	TRY(size_option(ctx, "msg-cache-size:", most / 4, why));
	TRY(size_option(ctx, "rrset-cache-size:", most / 2, why));
	TRY(size_option(ctx, "key-cache-size:", most / 8, why));
	TRY(size_option(ctx, "neg-cache-size:", most / 8, why));
	for (size_t i = 0; i < conf->servers_n; i++)
		TRY(forward(ctx, conf->servers[i], why));
	if (conf->servers_n == 0)
		ub_ctx_resolvconf(ctx, NULL); /* without one it asks the root servers */
	ub_ctx_hosts(ctx, NULL);
	TRY(anchors(ctx, conf, why));
	ub_ctx_async(ctx, 1); /* a thread of the library, not a process */
	if (conf->servers_n) {
		/* the library answers these itself with NXDOMAIN; who names servers may serve them */
		ub_ctx_zone_remove(ctx, "test.");
		ub_ctx_zone_remove(ctx, "home.arpa.");
	}
	return RC_OK;
}

/* --- answers --- */

static struct dns_box *box_of(
	const struct dns_entry *e, int error, const struct ub_result *r, uint64_t now)
{
	struct box_source src = { .type = e->type, .rc = RC_TEMP, .why = "no answer", .ttl = 5 };
	if (error || !r)
		return box_new(&src, now);
	if (r->bogus) {
		src.why = "its DNSSEC signatures are wrong";
		return box_new(&src, now);
	}
	if (r->rcode != 0 && r->rcode != 3) {
		src.why = r->rcode == 2 ? "its name servers fail (SERVFAIL)"
					: "its name servers refuse";
		return box_new(&src, now);
	}
	size_t n = 0;
	while (r->data && r->data[n])
		n++;
	struct slice name = slice_of(e->name, e->name_len);
	char canon[NAME_MAX_TEXT + 1];
	if (r->canonname && name_plain(slice_str(r->canonname), canon, &name.len) == RC_OK)
		name.at = (const uint8_t *)canon;
	else
		name.len = e->name_len;
	src = (struct box_source){ .type = e->type,
		.rdata = (const uint8_t *const *)r->data,
		.len = r->len,
		.n = n,
		.name = name,
		.secure = r->secure,
		.is_nxdomain = r->nxdomain,
		.ttl = r->ttl > 0 ? (uint32_t)r->ttl
		       : n        ? 1
				  : 60 };
	return box_new(&src, now);
}

static void finish(struct dns_entry *e, struct dns_box *box)
{
	struct dns *dns = e->dns;
	if (box->rc == RC_TEMP)
		event_log(EVENT_DNS_FAILED, f_slice("name", slice_of(e->name, e->name_len)),
			f_str("type", dns_type_name(e->type)), f_str("why", box->why));
	lock_enter(&dns->lock);
	dns->stats.answered++;
	dns->stats.failed += box->rc == RC_TEMP;
	cache_finish(e, box);
	lock_leave(&dns->lock);
}

/* Called by ub_process in our step; cancelled questions never come here. */
static void answered(void *arg, int error, struct ub_result *result)
{
	struct dns_entry *e = arg;
	struct dns_box *box = box_of(e, error, result, run_now_ms(e->dns->run));
	bool bogus = !error && result && result->bogus;
	ub_resolve_free(result);
	if (!box)
		box = box_of(e, UB_NOMEM, NULL, run_now_ms(e->dns->run));
	if (bogus) {
		lock_enter(&e->dns->lock);
		e->dns->stats.bogus++;
		lock_leave(&e->dns->lock);
	}
	e->asked = false;
	finish(e, box);
}

/* --- the task --- */

static void give_up(struct dns_actor *a, struct dns_entry *e, const char *why)
{
	struct box_source src = { .type = e->type, .rc = RC_TEMP, .why = why };
	struct dns_box *box = box_new(&src, run_now_ms(a->task.run));
	if (e->asked)
		ub_cancel(a->ctx, e->async_id);
	e->asked = false;
	finish(e, box);
}

static void ask_all(struct dns_actor *a)
{
	struct dns *dns = a->dns;
	for (int n = 0; n < NOW_MAX; n++) {
		lock_enter(&dns->lock);
		struct dns_entry *e = dns->ask_head;
		if (e) {
			e->actor = a;
			dns->ask_head = e->ask_next;
			if (!dns->ask_head)
				dns->ask_tail = NULL;
			dns->stats.asked++;
		}
		lock_leave(&dns->lock);
		if (!e)
			return;
		int rc = ub_resolve_async(a->ctx, e->name, box_type_number(e->type), CLASS_IN, e,
			answered, &e->async_id);
		e->asked = rc == 0;
		if (rc != 0)
			give_up(a, e, "the resolver refuses the question");
	}
	task_wake(&a->task, WAKE_EVENT); /* the others get their turn first */
}

/* The oldest question is at the tail: all have the same time, but for a while after a change of it. Those that nobody has
 * asked yet, or another actor still has, come soon. */
static void expire(struct dns_actor *a)
{
	struct dns *dns = a->dns;
	uint64_t now = run_now_ms(a->task.run);
	while (true) {
		lock_enter(&dns->lock);
		struct dns_entry *e = dns->pending.tail;
		uint64_t at = e ? e->deadline_ms : 0;
		bool is_late = e && at <= now && e->actor == a;
		dns->stats.timed_out += is_late;
		lock_leave(&dns->lock);
		if (is_late) {
			give_up(a, e, "no answer in time");
			continue;
		}
		if (at)
			task_timer(&a->task, at > now ? at : now + SOON_MS);
		else
			task_timer_off(&a->task);
		return;
	}
}

/* Another one has our place: it asks again what we have not heard of. */
static enum step hand_over(struct dns_actor *a)
{
	struct dns *dns = a->dns;
	lock_enter(&dns->lock);
	for (struct dns_entry *e = dns->pending.head; e; e = e->next) {
		if (e->actor != a)
			continue;
		if (e->asked)
			ub_cancel(a->ctx, e->async_id);
		e->asked = false;
		cache_ask(dns, e);
	}
	lock_leave(&dns->lock);
	actor_wake(dns);
	return STEP_CLOSE;
}

static bool is_replaced(struct dns_actor *a)
{
	lock_enter(&a->dns->lock);
	bool is = a->dns->actor != a;
	lock_leave(&a->dns->lock);
	return is;
}

static enum step step_serve(struct task *t)
{
	struct dns_actor *a = (struct dns_actor *)t;
	if (is_replaced(a))
		return hand_over(a);
	ask_all(a);
	ub_process(a->ctx);
	expire(a);
	lock_enter(&a->dns->lock);
	bool over = run_draining(t->run) && a->dns->stats.in_flight == 0;
	a->dns->closed |= over;
	lock_leave(&a->dns->lock);
	return over ? STEP_CLOSE : STEP_PARK;
}

static void drop(struct task *t)
{
	struct dns_actor *a = (struct dns_actor *)t;
	lock_enter(&a->dns->lock);
	bool replaced = a->dns->actor != a;
	a->dns->closed |= !replaced;
	lock_leave(&a->dns->lock);
	if (replaced)
		actor_free(&a);
}

static const struct step_row steps[] = { { step_serve, "serve" } };
static const struct task_kind kind = { "dns", steps, 1, drop };

enum rc actor_new(
	struct dns *dns, const struct dns_conf *conf, struct dns_actor **out, struct fault *why)
{
	struct dns_actor *a = mem_new(MEM_OTHER, sizeof(*a));
	a->dns = dns;
	a->ctx = ub_ctx_create();
	enum rc rc = a->ctx ? set_up(a->ctx, conf, why)
			    : fault_set(why, FAULT_CONFIG, "%s", "dns: the library does not start");
	if (rc != RC_OK) {
		actor_free(&a);
		return rc;
	}
	task_init(&a->task, dns->run, &kind, step_serve);
	a->task.fd = ub_fd(a->ctx);
	a->task.watch = EPOLLIN;
	*out = a;
	return RC_OK;
}

void actor_wake(struct dns *dns)
{
	lock_enter(&dns->lock);
	if (!dns->closed)
		task_wake(&dns->actor->task, WAKE_EVENT);
	lock_leave(&dns->lock);
}

void actor_free(struct dns_actor **actor)
{
	if (!*actor)
		return;
	if ((*actor)->ctx)
		ub_ctx_delete((*actor)->ctx);
	mem_free(MEM_OTHER, *actor);
	*actor = NULL;
}

static uint64_t timeout(const struct dns_conf *conf)
{
	return conf->timeout_ms ? conf->timeout_ms : TIMEOUT_MS;
}

enum rc dns_prepare(
	struct dns *dns, const struct dns_conf *conf, struct dns_actor **next, struct fault *why)
{
	return actor_new(dns, conf, next, why);
}

void dns_unprepare(struct dns_actor **next)
{
	actor_free(next);
}

void dns_change(struct dns *dns, const struct dns_conf *conf, struct dns_actor **next)
{
	struct dns_actor *a = *next;
	*next = NULL;
	lock_enter(&dns->lock);
	struct dns_actor *old = dns->actor;
	bool closed = dns->closed; /* the old one may be gone */
	dns->timeout_ms = timeout(conf);
	if (!closed) {
		dns->actor = a;
		task_start(&a->task);
		task_wake(&old->task, WAKE_EVENT);
	}
	lock_leave(&dns->lock);
	if (closed)
		actor_free(&a);
	dns_flush(dns);
}

enum rc dns_new(const struct dns_conf *conf, struct dns **out, struct fault *why)
{
	struct dns *dns = mem_new(MEM_OTHER, sizeof(*dns));
	dns->run = conf->run;
	dns->timeout_ms = timeout(conf);
	cache_init(dns);
	for (enum dns_type t = 0; t < DNS_TYPES; t++)
		fifo_init(&dns->shelves[t], conf->cache_max[t] ? conf->cache_max[t] : 1 << 20);
	enum rc rc = actor_new(dns, conf, &dns->actor, why);
	if (rc != RC_OK) {
		dns_free(&dns);
		return rc;
	}
	task_start(&dns->actor->task);
	*out = dns;
	return RC_OK;
}

void dns_free(struct dns **ref)
{
	struct dns *dns = *ref;
	if (!dns)
		return;
	actor_free(&dns->actor);
	cache_done(dns);
	mem_free(MEM_OTHER, dns->rows_own);
	mem_free(MEM_OTHER, dns->text_own);
	mem_free(MEM_OTHER, dns);
	*ref = NULL;
}
