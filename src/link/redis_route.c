/* redis_route.c: Which server a command goes to, and learning that anew. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "link/redis_int.h"
#include "run/run.h"
#include <poll.h>
#include <string.h>

enum { WAIT_MS = 5 };

static bool is_idle(const struct redis_node *node)
{
	return node && node->users == 0 && !node->is_listed;
}

int redis_route_node(struct redis *r, const char *host, unsigned port)
{
	int free_at = -1, idle_at = -1;
	for (int i = 0; i < REDIS_NODES_MAX; i++) {
		struct redis_node *n = r->nodes[i];
		if (n && n->at.port == port && strcmp(n->at.host, host) == 0)
			return i;
		if (!n && free_at < 0)
			free_at = i;
		if (is_idle(n) && idle_at < 0)
			idle_at = i;
	}
	if (free_at < 0 && idle_at >= 0) {
		redis_node_free(&r->nodes[idle_at]);
		free_at = idle_at;
	}
	if (free_at < 0)
		return -1;
	struct address at = { .port = port };
	snprintf(at.host, sizeof(at.host), "%s", host);
	snprintf(at.user, sizeof(at.user), "%s", r->conf.user);
	snprintf(at.secret, sizeof(at.secret), "%s", r->conf.secret);
	at.database = r->conf.is_cluster ? 0 : r->urls[0].database;
	r->nodes[free_at] = redis_node_new(r, &at);
	return free_at;
}

/* ---- finding ---- */

/* One of its replicas in turn, or the master itself. */
static struct redis_node *pick_replica(struct redis *r, uint16_t master) NEEDS(r->lock)
{
	unsigned n = 0;
	for (size_t i = 0; i < REDIS_NODES_MAX; i++)
		n += r->nodes[i] && r->nodes[i]->is_listed && r->nodes[i]->master == master;
	unsigned nth = n ? r->next_replica++ % n : 0;
	for (size_t i = 0; n && i < REDIS_NODES_MAX; i++) {
		struct redis_node *node = r->nodes[i];
		if (node && node->is_listed && node->master == master && nth-- == 0)
			return node;
	}
	return r->nodes[master - 1];
}

struct redis_node *redis_route_find(struct redis *r, const struct redis_command *c)
{
	bool from_replica = c->is_read && r->conf.reads_from_replicas && r->conf.is_cluster;
	size_t slot = r->conf.is_cluster ? resp_slot(c->key) : 0;
	struct redis_node *node = NULL;
	lock_enter(&r->lock);
	uint16_t at = r->slots[slot];
	if (at)
		node = from_replica ? pick_replica(r, at) : r->nodes[at - 1];
	if (node)
		node->users++;
	lock_leave(&r->lock);
	return node;
}

bool redis_route_is_broken(struct redis *r, const struct redis_command *c)
{
	struct pool_stats stats = { .is_broken = false };
	struct redis_node *node = redis_route_find(r, c);
	if (node) {
		pool_stats(node->pool, &stats);
		redis_route_put(r, node);
	}
	return stats.is_broken;
}

void redis_route_put(struct redis *r, struct redis_node *node)
{
	lock_enter(&r->lock);
	node->users--;
	lock_leave(&r->lock);
}

struct redis_node *redis_route_redirect(struct redis *r, struct slice text, const char *asked)
{
	struct address to;
	uint64_t slot;
	struct redis_node *node = NULL;
	bool is_moved = slice_eq(slice_split(&text, ' '), S("MOVED"));
	if (slice_u64(slice_split(&text, ' '), REDIS_SLOTS - 1, &slot) != RC_OK)
		return NULL;
	if (text.len && text.at[0] == ':') { /* the same host, another port */
		if (address_read(slice_str(asked), REDIS_PORT, &to) != RC_OK)
			return NULL;
		uint64_t port;
		if (slice_u64(slice_tail(text, 1), 65535, &port) != RC_OK)
			return NULL;
		to.port = (unsigned)port;
	} else if (address_read(text, REDIS_PORT, &to) != RC_OK) {
		return NULL;
	}
	lock_enter(&r->lock);
	int at = redis_route_node(r, to.host, to.port);
	if (at >= 0) {
		node = r->nodes[at];
		node->users++;
	}
	if (node && is_moved) {
		r->slots[slot] = (uint16_t)(at + 1);
		node->is_listed = true;
		node->master = 0;
	}
	lock_leave(&r->lock);
	return node;
}

/* ---- learning ---- */

static void set_single(struct redis *r, const char *host, unsigned port)
{
	lock_enter(&r->lock);
	int at = redis_route_node(r, host, port);
	if (at >= 0 && r->slots[0] != at + 1) {
		if (r->slots[0]) {
			r->nodes[r->slots[0] - 1]->is_listed = false;
			event_log(EVENT_LINK_MOVED, f_str("server", host), f_u64("port", port));
		}
		r->slots[0] = (uint16_t)(at + 1);
		r->nodes[at]->is_listed = true;
	}
	lock_leave(&r->lock);
}

/* The host of an entry of CLUSTER SLOTS; when it is not told, the one that was asked. */
static bool read_place(const struct resp *r, const char *asked, char *host, unsigned *port)
{
	if (r->type != RESP_ARRAY || r->n < 2 || r->items[1].type != RESP_INTEGER ||
		r->items[1].number < 1 || r->items[1].number > 65535)
		return false;
	struct slice name = r->items[0].text;
	bool is_told = r->items[0].type == RESP_STRING && name.len && !slice_eq(name, S("?"));
	if (name.len > 255)
		return false;
	snprintf(host, 256, "%.*s", FMT(is_told ? name : slice_str(asked)));
	*port = (unsigned)r->items[1].number;
	return true;
}

/* [first, last, [host, port, ...] of the master, [host, port, ...] of each replica ...] */
static void take_range(struct redis *r, const struct resp *range, const char *asked) NEEDS(r->lock)
{
	char host[256];
	unsigned port;
	uint16_t master = 0;
	if (range->type != RESP_ARRAY || range->n < 3 || range->items[0].number < 0 ||
		range->items[1].number >= REDIS_SLOTS)
		return;
	for (size_t i = 2; i < range->n; i++) {
		int at = read_place(&range->items[i], asked, host, &port)
				 ? redis_route_node(r, host, port)
				 : -1;
		if (at < 0 && i == 2)
			return;
		if (at < 0)
			continue;
		r->nodes[at]->is_listed = true;
		r->nodes[at]->master = master;
		if (i == 2)
			master = (uint16_t)(at + 1);
	}
	for (int64_t s = range->items[0].number; s <= range->items[1].number; s++)
		r->slots[s] = master;
}

static void take_slots(struct redis *r, const struct resp *reply, const char *asked)
{
	lock_enter(&r->lock);
	for (size_t i = 0; i < REDIS_NODES_MAX; i++) {
		if (r->nodes[i])
			r->nodes[i]->is_listed = false;
	}
	memset(r->slots, 0, sizeof(r->slots));
	for (size_t i = 0; i < reply->n; i++)
		take_range(r, &reply->items[i], asked);
	lock_leave(&r->lock);
}

static enum rc ask_slots(
	struct redis *r, const struct address *at, uint64_t deadline_ms, struct fault *why)
{
	struct arena a;
	const struct slice words[] = { S("CLUSTER"), S("SLOTS") };
	const struct redis_command question = { .words = words, .n = 2 };
	arena_init(&a, 0);
	struct redis_try t = { .command = &question, .deadline_ms = deadline_ms, .a = &a };
	enum rc rc = redis_ask(r, at, &t, why);
	if (rc == RC_OK && (t.reply.type != RESP_ARRAY || t.reply.n == 0))
		rc = fault_set(why, FAULT_STORE, "%s:%u has no cluster's slots: %.*s", at->host,
			at->port, FMT(t.reply.text));
	if (rc == RC_OK)
		take_slots(r, &t.reply, at->host);
	arena_done(&a);
	return rc;
}

/* Of those who can tell: the nodes that are known, then the URLs. NULL: past the last. */
static const struct address *seed(struct redis *r, size_t nth, struct address *keep)
{
	const struct address *found = NULL;
	lock_enter(&r->lock);
	for (size_t i = 0; r->conf.is_cluster && !found && i < REDIS_NODES_MAX; i++) {
		if (r->nodes[i] && r->nodes[i]->is_listed && nth-- == 0)
			found = &r->nodes[i]->at;
	}
	if (!found && nth < r->urls_n)
		found = &r->urls[(nth + r->next_url) % r->urls_n];
	if (found)
		*keep = *found;
	lock_leave(&r->lock);
	return found ? keep : NULL;
}

static enum rc learn_from(
	struct redis *r, const struct address *at, uint64_t deadline_ms, struct fault *why)
{
	struct address master;
	if (r->conf.is_cluster)
		return ask_slots(r, at, deadline_ms, why);
	if (r->conf.master[0]) {
		TRY(redis_sentinel_master(r, at, &master, why));
		set_single(r, master.host, master.port);
		return RC_OK;
	}
	set_single(r, at->host, at->port);
	return RC_OK;
}

/* False: somebody else did it meanwhile, or the deadline is over. */
static bool begin(struct redis *r, uint64_t deadline_ms)
{
	bool is_ours = false, has_waited = false;
	while (true) {
		lock_enter(&r->lock);
		is_ours = !r->is_asking && !has_waited;
		bool is_over = !r->is_asking;
		if (is_ours)
			r->is_asking = true;
		lock_leave(&r->lock);
		if (is_ours || is_over || run_now_ms(NULL) >= deadline_ms)
			return is_ours;
		has_waited = true;
		poll(NULL, 0, WAIT_MS);
	}
}

static void end(struct redis *r)
{
	lock_enter(&r->lock);
	r->is_asking = false;
	r->next_url++; /* another one is first the next time */
	lock_leave(&r->lock);
}

enum rc redis_route_learn(struct redis *r, uint64_t deadline_ms, struct fault *why)
{
	struct address at;
	enum rc rc = fault_set(why, FAULT_STORE, "no server is known");
	if (!begin(r, deadline_ms))
		return RC_OK;
	if (breaker_lets(&r->breaker, run_now_ms(NULL))) {
		for (size_t i = 0; rc != RC_OK && seed(r, i, &at); i++) {
			if (run_now_ms(NULL) >= deadline_ms)
				break;
			rc = learn_from(r, &at, deadline_ms, why);
		}
		if (rc == RC_OK)
			breaker_good(&r->breaker);
		else
			breaker_bad(&r->breaker, run_now_ms(NULL));
	}
	end(r);
	return rc;
}
