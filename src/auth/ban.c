/* ban.c: Bans in a sorted table, their records in the data store, and failures counted towards one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/ban.h"
#include "base/event.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "data/data.h"
#include "run/run.h"
#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>

/* Keys: 'N' 'b', length of the prefix in bits, address. Values: since, until, reason, by. */
enum { BANS_MAX = 100000, KEY_LEN = 2 + 1 + 16, SPARED_MAX = 4096, TEXT_MAX = 200 };

struct entry {
	struct net_cidr net;
	int64_t since, until;
	char *reason, *by;
};

struct bans {
	struct data *data;
	struct lookup *lookup;
	_Atomic size_t n; /* written under the lock */
	struct lock lock; /* of all below */
	struct entry *all; /* by length, then address */
	size_t cap;
	size_t by_bits[129]; /* how many have that length */
	struct net_cidr *spared;
	size_t spared_n;
	struct lookup_window window;
	uint64_t ban_ms;
};

/* ---- networks ---- */

static void mask(struct net_cidr *net)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = net->bits > 8 * i ? net->bits - 8 * i : 0;
		if (kept < 8)
			net->at[i] &= (uint8_t)(0xff00 >> kept);
	}
}

static bool holds(const struct net_cidr *net, const uint8_t at[16])
{
	struct net_cidr other = { .bits = net->bits };
	memcpy(other.at, at, 16);
	mask(&other);
	return memcmp(other.at, net->at, 16) == 0;
}

static bool meets(const struct net_cidr *a, const struct net_cidr *b)
{
	return a->bits < b->bits ? holds(a, b->at) : holds(b, a->at);
}

static int compare(const struct net_cidr *a, const struct net_cidr *b)
{
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->at, b->at, 16);
}

static bool is_v4(const struct net_cidr *net)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	return net->bits >= 96 && memcmp(net->at, mapped, 12) == 0;
}

void bans_write(const struct net_cidr *net, struct buf *out)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v4 = is_v4(net);
	unsigned bits = v4 ? net->bits - 96 : net->bits;
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? net->at + 12 : net->at, text, sizeof(text));
	buf_str(out, text);
	if (net->bits < 128)
		buf_fmt(out, "/%u", bits);
}

static const char *text_of(const struct net_cidr *net, char out[64])
{
	struct arena a;
	struct buf b;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	bans_write(net, &b);
	snprintf(out, 64, "%.*s", FMT(buf_slice(&b)));
	arena_done(&a);
	return out;
}

/* ---- the table ---- */

/* Where it stands, or would. */
static size_t place_of(const struct bans *b, const struct net_cidr *net, bool *is_there)
	NEEDS(b->lock)
{
	size_t low = 0, high = b->n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (compare(&b->all[mid].net, net) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*is_there = low < b->n && compare(&b->all[low].net, net) == 0;
	return low;
}

static void drop_texts(struct entry *e)
{
	mem_free(MEM_OTHER, e->reason);
	mem_free(MEM_OTHER, e->by);
}

static char *copy_text(struct slice s)
{
	char text[TEXT_MAX + 1];
	snprintf(text, sizeof(text), "%.*s", FMT(slice_head(s, TEXT_MAX)));
	return mem_str(MEM_OTHER, text);
}

static void table_put(struct bans *b, const struct ban *ban) NEEDS(b->lock)
{
	bool is_there;
	size_t at = place_of(b, &ban->net, &is_there);
	if (is_there) {
		drop_texts(&b->all[at]);
	} else {
		if (b->n == b->cap) {
			b->cap = b->cap ? b->cap * 2 : 16;
			b->all = mem_more(MEM_OTHER, b->all, b->cap * sizeof(*b->all));
		}
		memmove(&b->all[at + 1], &b->all[at], (b->n - at) * sizeof(*b->all));
		b->n++;
		b->by_bits[ban->net.bits]++;
	}
	b->all[at] = (struct entry){ ban->net, ban->since, ban->until, copy_text(ban->reason),
		copy_text(ban->by) };
	metric_set(METRIC_BANS, b->n);
}

static void table_drop(struct bans *b, size_t at) NEEDS(b->lock)
{
	b->by_bits[b->all[at].net.bits]--;
	drop_texts(&b->all[at]);
	b->n--;
	memmove(&b->all[at], &b->all[at + 1], (b->n - at) * sizeof(*b->all));
	metric_set(METRIC_BANS, b->n);
}

static bool is_spared(const struct bans *b, const struct net_cidr *net) NEEDS(b->lock)
{
	static const struct net_cidr loopback[] = {
		{ .at = { [10] = 0xff, [11] = 0xff, [12] = 127 }, .bits = 104 },
		{ .at = { [15] = 1 }, .bits = 128 }
	};
	for (size_t i = 0; i < 2; i++)
		if (meets(&loopback[i], net))
			return true;
	for (size_t i = 0; i < b->spared_n; i++)
		if (meets(&b->spared[i], net))
			return true;
	return false;
}

bool bans_has(struct bans *b, const uint8_t at[16])
{
	struct net_cidr net = { .bits = 128 };
	bool has = false;
	if (atomic_load_explicit(&b->n, memory_order_relaxed) == 0)
		return false;
	memcpy(net.at, at, 16);
	int64_t now = run_unix(NULL);
	lock_enter(&b->lock);
	for (unsigned bits = 0; !has && bits <= 128; bits++) {
		struct net_cidr of = { .bits = bits };
		if (b->by_bits[bits] == 0)
			continue;
		memcpy(of.at, at, 16);
		mask(&of);
		size_t i = place_of(b, &of, &has);
		has = has && (b->all[i].until == 0 || b->all[i].until >= now);
	}
	has = has && !is_spared(b, &net);
	lock_leave(&b->lock);
	return has;
}

void bans_change(struct bans *b, const struct ban_terms *terms)
{
	size_t n = terms->spared_n > SPARED_MAX ? SPARED_MAX : terms->spared_n;
	struct net_cidr *copy = mem_new(MEM_OTHER, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		copy[i] = terms->spared[i];
		mask(&copy[i]);
	}
	lock_enter(&b->lock);
	mem_free(MEM_OTHER, b->spared);
	b->spared = copy;
	b->spared_n = n;
	b->window = terms->window;
	b->ban_ms = terms->ban_ms;
	lock_leave(&b->lock);
}

/* ---- the store ---- */

struct key {
	uint8_t at[KEY_LEN];
};

static struct slice key_of(struct key *k, const struct net_cidr *net)
{
	k->at[0] = 'N';
	k->at[1] = 'b';
	k->at[2] = (uint8_t)net->bits;
	memcpy(k->at + 3, net->at, 16);
	return slice_of(k->at, KEY_LEN);
}

static enum rc read_record(struct slice key, struct slice value, struct ban *out)
{
	uint64_t since, until;
	if (key.len != KEY_LEN || key.at[2] > 128)
		return RC_LOST;
	out->net.bits = key.at[2];
	memcpy(out->net.at, key.at + 3, 16);
	TRY(take_be64(&value, &since));
	TRY(take_be64(&value, &until));
	TRY(take_vslice(&value, &out->reason));
	TRY(take_vslice(&value, &out->by));
	out->since = (int64_t)since;
	out->until = (int64_t)until;
	mask(&out->net);
	return RC_OK;
}

/* One change, made durable. `ban` NULL: the record goes. */
static enum rc store(
	struct bans *b, const struct net_cidr *net, const struct ban *ban, struct fault *why)
{
	struct arena a;
	struct data_batch batch;
	struct key k;
	struct buf value;
	arena_init(&a, 0);
	data_batch_init(&batch, &a);
	buf_init(&value, 0, &a);
	if (ban) {
		buf_be64(&value, (uint64_t)ban->since);
		buf_be64(&value, (uint64_t)ban->until);
		buf_vslice(&value, slice_head(ban->reason, TEXT_MAX));
		buf_vslice(&value, slice_head(ban->by, TEXT_MAX));
		data_put(&batch, DATA_MAIN, key_of(&k, net), buf_slice(&value));
	} else {
		data_delete(&batch, DATA_MAIN, key_of(&k, net));
	}
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = data_commit_now(b->data, &batch, why);
	run_block_end();
	arena_done(&a);
	return rc;
}

static bool load_one(void *ctx, struct slice key, struct slice value)
{
	struct bans *b = ctx;
	struct ban ban;
	if (read_record(key, value, &ban) != RC_OK || b->n >= BANS_MAX)
		return true;
	lock_enter(&b->lock);
	table_put(b, &ban);
	lock_leave(&b->lock);
	return true;
}

/* One that has expired leaves; false: there is none. */
static bool take_expired(struct bans *b, int64_t now, struct net_cidr *out)
{
	bool found = false;
	lock_enter(&b->lock);
	for (size_t i = 0; !found && i < b->n; i++) {
		found = b->all[i].until && b->all[i].until < now;
		if (found) {
			*out = b->all[i].net;
			table_drop(b, i);
		}
	}
	lock_leave(&b->lock);
	return found;
}

static enum rc drop_expired(struct bans *b, struct fault *why)
{
	struct net_cidr net;
	while (take_expired(b, run_unix(NULL), &net))
		TRY(store(b, &net, NULL, why));
	return RC_OK;
}

enum rc bans_open(const struct ban_deps *deps, struct bans **out, struct fault *why)
{
	struct bans *b = mem_new(MEM_OTHER, sizeof(*b));
	const struct data_range all = { .space = DATA_MAIN, .from = S("Nb"), .to = S("Nc") };
	b->data = deps->data;
	b->lookup = deps->lookup;
	lock_init(&b->lock, LOCK_AUTH_CACHE);
	bans_change(b, &deps->terms);
	enum rc rc = data_scan(deps->data, &all, load_one, b, why);
	if (rc == RC_OK)
		rc = drop_expired(b, why);
	if (rc != RC_OK)
		bans_close(&b);
	*out = b;
	return rc;
}

void bans_close(struct bans **ref)
{
	struct bans *b = *ref;
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		drop_texts(&b->all[i]);
	mem_free(MEM_OTHER, b->all);
	mem_free(MEM_OTHER, b->spared);
	lock_done(&b->lock);
	mem_free(MEM_OTHER, b);
	*ref = NULL;
}

/* ---- changing ---- */

/* Its key in the lookup store: the address, or of IPv6 the first half. */
static struct lookup_key counter_of(const struct net_cidr *net)
{
	return (struct lookup_key){ .prefix = LOOKUP_AUTH,
		.name = slice_of(net->at, is_v4(net) ? 16 : 8) };
}

enum rc bans_add(struct bans *b, const struct ban *ban, struct fault *why)
{
	char text[64];
	struct ban own = *ban;
	mask(&own.net);
	lock_enter(&b->lock);
	bool spared = is_spared(b, &own.net), full = b->n >= BANS_MAX;
	lock_leave(&b->lock);
	if (spared)
		return fault_set(why, FAULT_FORBIDDEN,
			"%s: loopback, trusted proxies and what auth.ban.allow names are never "
			"banned",
			text_of(&own.net, text));
	if (full)
		return fault_set(why, FAULT_MEMORY, "%d bans at most", BANS_MAX);
	TRY(store(b, &own.net, &own, why));
	lock_enter(&b->lock);
	table_put(b, &own);
	lock_leave(&b->lock);
	metric_add(METRIC_BANS_MADE, 1);
	event_log(EVENT_BAN_ADDED, f_str("address", text_of(&own.net, text)),
		f_slice("reason", own.reason), f_slice("by", own.by),
		f_u64("seconds", own.until ? (uint64_t)(own.until - own.since) : 0));
	return RC_OK;
}

enum rc bans_remove(struct bans *b, const struct net_cidr *net, struct fault *why)
{
	char text[64];
	struct net_cidr own = *net;
	bool is_there;
	mask(&own);
	lock_enter(&b->lock);
	place_of(b, &own, &is_there);
	lock_leave(&b->lock);
	if (!is_there)
		return fault_set(why, FAULT_NOT_FOUND, "%s is not banned", text_of(&own, text));
	TRY(store(b, &own, NULL, why));
	lock_enter(&b->lock);
	size_t at = place_of(b, &own, &is_there);
	if (is_there)
		table_drop(b, at);
	lock_leave(&b->lock);
	if (b->lookup) {
		struct lookup_key key = counter_of(&own);
		(void)!lookup_delete(b->lookup, &key, NULL); /* it ends by itself otherwise */
	}
	event_log(EVENT_BAN_REMOVED, f_str("address", text_of(&own, text)));
	return RC_OK;
}

enum rc bans_list(struct bans *b, struct arena *a, struct ban **out, size_t *n, struct fault *why)
{
	enum rc rc = drop_expired(b, why);
	TRY(rc);
	lock_enter(&b->lock);
	*n = b->n;
	*out = arena_try_array(a, *n + 1, sizeof(**out));
	for (size_t i = 0; *out && rc == RC_OK && i < *n; i++) {
		const struct entry *e = &b->all[i];
		struct ban *ban = &(*out)[i];
		*ban = (struct ban){ .net = e->net, .since = e->since, .until = e->until };
		rc = arena_copy(a, slice_str(e->reason), &ban->reason);
		if (rc == RC_OK)
			rc = arena_copy(a, slice_str(e->by), &ban->by);
	}
	lock_leave(&b->lock);
	return !*out || rc != RC_OK ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

/* ---- failures ---- */

static bool ban_now(struct bans *b, const struct net_cidr *net, const struct ban_terms *terms,
	uint64_t failures)
{
	char reason[96];
	struct fault why = { 0 };
	struct ban ban = { .net = *net, .since = run_unix(NULL), .by = S("auto") };
	snprintf(reason, sizeof(reason), "%llu failed log-ins in %llu s",
		(unsigned long long)failures, (unsigned long long)(terms->window.period_ms / 1000));
	ban.reason = slice_str(reason);
	if (!is_v4(net))
		ban.net.bits = 64;
	if (terms->ban_ms)
		ban.until = ban.since + (int64_t)((terms->ban_ms + 999) / 1000);
	enum rc rc = bans_add(b, &ban, &why);
	if (rc == RC_OK) {
		struct lookup_key key = counter_of(net);
		(void)!lookup_delete(b->lookup, &key, NULL);
	} else if (rc != RC_DENIED) {
		event_log(EVENT_BAN_FAILED, f_str("why", fault_text(&why)));
	}
	return rc == RC_OK;
}

bool bans_failed(struct bans *b, struct slice address)
{
	struct net_cidr net;
	struct lookup_count count;
	if (!b->lookup || net_cidr_parse(address, &net) != RC_OK)
		return false;
	lock_enter(&b->lock);
	const struct ban_terms terms = { .window = b->window, .ban_ms = b->ban_ms };
	bool counts = terms.window.most > 0 && !is_spared(b, &net);
	lock_leave(&b->lock);
	struct lookup_key key = counter_of(&net);
	const struct lookup_add one = { terms.window, 1 };
	if (!counts || lookup_add(b->lookup, &key, &one, &count, NULL) != RC_OK)
		return false;
	return count.is_over && ban_now(b, &net, &terms, count.count);
}
