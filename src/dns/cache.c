/* cache.c: Finished answers on a shelf a type, capped in bytes; questions under way, asked once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "base/random.h"
#include "dns/dns_int.h"
#include <xxhash.h>

enum { TABLE_FIRST = 256, PENDING_MAX = 20000 };

static void list_push(struct dns_list *l, struct dns_entry *e)
{
	e->prev = NULL;
	e->next = l->head;
	if (l->head)
		l->head->prev = e;
	else
		l->tail = e;
	l->head = e;
}

static void list_drop(struct dns_list *l, struct dns_entry *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		l->head = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		l->tail = e->prev;
	e->prev = e->next = NULL;
}

void cache_init(struct dns *dns)
{
	lock_init(&dns->lock, LOCK_DNS);
	random_bytes(&dns->seed, sizeof(dns->seed));
	dns->size = TABLE_FIRST;
	dns->table = mem_new(MEM_CACHE, dns->size * sizeof(struct dns_entry *));
}

/* --- the table --- */

static uint64_t hash_of(const struct dns *dns, enum dns_type type, struct slice name)
{
	return XXH3_64bits_withSeed(name.at, name.len, dns->seed + type);
}

static struct dns_entry *find(struct dns *dns, uint64_t hash, enum dns_type type, struct slice name)
{
	struct dns_entry *e = dns->table[hash & (dns->size - 1)];
	while (e && !(e->hash == hash && e->type == type &&
			    slice_eq(slice_of(e->name, e->name_len), name)))
		e = e->hash_next;
	return e;
}

/* Without memory the chains just grow longer. */
static void grow(struct dns *dns)
{
	size_t size = dns->size * 2;
	struct dns_entry **table = mem_try(MEM_CACHE, size * sizeof(struct dns_entry *));
	if (!table)
		return;
	memset(table, 0, size * sizeof(struct dns_entry *));
	for (size_t i = 0; i < dns->size; i++) {
		for (struct dns_entry *e = dns->table[i], *next; e; e = next) {
			next = e->hash_next;
			e->hash_next = table[e->hash & (size - 1)];
			table[e->hash & (size - 1)] = e;
		}
	}
	mem_free(MEM_CACHE, dns->table);
	dns->table = table;
	dns->size = size;
}

static struct dns_entry *entry_new(
	struct dns *dns, uint64_t hash, enum dns_type type, struct slice name)
{
	if (dns->used >= dns->size)
		grow(dns);
	struct dns_entry *e = mem_new(MEM_CACHE, sizeof(*e) + name.len + 1);
	e->dns = dns;
	e->hash = hash;
	e->type = type;
	e->name_len = (uint8_t)name.len;
	memcpy(e->name, name.at, name.len);
	e->hash_next = dns->table[hash & (dns->size - 1)];
	dns->table[hash & (dns->size - 1)] = e;
	dns->used++;
	return e;
}

static void entry_free(struct dns_entry *e)
{
	struct dns *dns = e->dns;
	struct dns_entry **at = &dns->table[e->hash & (dns->size - 1)];
	must(!e->pending && !e->waiters);
	while (*at != e)
		at = &(*at)->hash_next;
	*at = e->hash_next;
	dns->used--;
	box_put(e->box);
	mem_free(MEM_CACHE, e);
}

/* --- the shelves --- */

static void shelve(struct dns_entry *e)
{
	struct fifo *shelf = &e->dns->shelves[e->type];
	size_t bytes = sizeof(*e) + e->name_len + 1 + e->box->bytes + 2 * sizeof(void *);
	fifo_add(shelf, &e->node, e->hash, bytes);
	cache_shrink(e->dns, e->type, shelf->max);
}

void cache_shrink(struct dns *dns, enum dns_type type, size_t bytes)
{
	struct fifo *shelf = &dns->shelves[type];
	while (fifo_bytes(shelf) > bytes && fifo_count(shelf)) {
		entry_free((struct dns_entry *)fifo_evict(shelf));
		dns->stats.evicted++;
		metric_add(METRIC_CACHE_DNS_EVICTIONS, 1);
	}
	size_t sum = 0;
	for (int t = 0; t < DNS_TYPES; t++)
		sum += fifo_bytes(&dns->shelves[t]);
	metric_set(METRIC_CACHE_DNS_BYTES, sum);
}

/* --- asking --- */

static void wait_at(struct dns_entry *e, struct dns_item *item)
{
	item->entry = e;
	item->waiter_prev = NULL;
	item->waiter_next = e->waiters;
	if (e->waiters)
		e->waiters->waiter_prev = item;
	e->waiters = item;
}

void cache_unwait(struct dns_item *item)
{
	struct dns_entry *e = item->entry;
	if (!e)
		return;
	if (item->waiter_prev)
		item->waiter_prev->waiter_next = item->waiter_next;
	else
		e->waiters = item->waiter_next;
	if (item->waiter_next)
		item->waiter_next->waiter_prev = item->waiter_prev;
	item->entry = NULL; /* the question goes on: its answer is for the cache */
}

void cache_ask(struct dns *dns, struct dns_entry *e)
{
	e->actor = NULL;
	e->ask_next = NULL;
	if (dns->ask_tail)
		dns->ask_tail->ask_next = e;
	else
		dns->ask_head = e;
	dns->ask_tail = e;
}

bool cache_file(struct dns *dns, struct dns_item *item, uint64_t now_ms)
{
	uint64_t hash = hash_of(dns, item->type, item->name);
	struct dns_entry *e = find(dns, hash, item->type, item->name);
	if (e && e->box && e->box->expires_ms > now_ms) {
		fifo_hit(&e->node);
		item->box = box_get(e->box);
		dns->stats.hits++;
		metric_add(METRIC_CACHE_DNS_HITS, 1);
		return false;
	}
	dns->stats.misses++;
	metric_add(METRIC_CACHE_DNS_MISSES, 1);
	if (dns->closed || dns->stats.in_flight >= PENDING_MAX) {
		struct box_source none = {
			.type = item->type, .rc = RC_TEMP, .why = "the resolver is busy or ends"
		};
		item->box = box_new(&none, now_ms);
		return false;
	}
	if (!e)
		e = entry_new(dns, hash, item->type, item->name);
	wait_at(e, item);
	if (e->pending)
		return false;
	if (e->box) { /* too old */
		fifo_remove(&dns->shelves[e->type], &e->node);
		box_put(e->box);
		e->box = NULL;
	}
	e->pending = true;
	e->asked = false;
	e->deadline_ms = now_ms + dns->timeout_ms;
	e->ask_next = NULL;
	list_push(&dns->pending, e);
	dns->stats.in_flight++;
	cache_ask(dns, e);
	return true;
}

void cache_finish(struct dns_entry *e, struct dns_box *box)
{
	struct dns *dns = e->dns;
	must(e->pending);
	e->pending = false;
	list_drop(&dns->pending, e);
	dns->stats.in_flight--;
	while (e->waiters) {
		struct dns_item *item = e->waiters;
		e->waiters = item->waiter_next;
		if (e->waiters)
			e->waiters->waiter_prev = NULL;
		item->entry = NULL;
		item->box = box_get(box);
		if (item->task)
			task_wake(item->task, WAKE_EVENT);
	}
	e->box = box;
	shelve(e); /* may free it */
}

void cache_done(struct dns *dns)
{
	for (size_t i = 0; i < dns->size; i++) {
		while (dns->table[i]) {
			struct dns_entry *e = dns->table[i];
			e->pending = false;
			e->waiters = NULL;
			entry_free(e);
		}
	}
	mem_free(MEM_CACHE, dns->table);
	lock_done(&dns->lock);
}

/* --- from outside --- */

void dns_cache_limit(struct dns *dns, enum dns_type type, size_t bytes)
{
	lock_enter(&dns->lock);
	dns->shelves[type].max = bytes;
	cache_shrink(dns, type, bytes);
	lock_leave(&dns->lock);
}

void dns_evict(void *arg, size_t bytes)
{
	struct dns *dns = arg;
	lock_enter(&dns->lock);
	for (enum dns_type t = 0; t < DNS_TYPES; t++) {
		size_t part = bytes / DNS_TYPES + 1, has = fifo_bytes(&dns->shelves[t]);
		cache_shrink(dns, t, has > part ? has - part : 0);
	}
	lock_leave(&dns->lock);
}

void dns_flush(struct dns *dns)
{
	lock_enter(&dns->lock);
	for (enum dns_type t = 0; t < DNS_TYPES; t++)
		cache_shrink(dns, t, 0);
	lock_leave(&dns->lock);
}

void dns_stats(struct dns *dns, struct dns_stats *out)
{
	lock_enter(&dns->lock);
	*out = dns->stats;
	for (enum dns_type t = 0; t < DNS_TYPES; t++) {
		out->bytes[t] = fifo_bytes(&dns->shelves[t]);
		out->entries[t] = fifo_count(&dns->shelves[t]);
		out->limit[t] = dns->shelves[t].max;
	}
	lock_leave(&dns->lock);
}
