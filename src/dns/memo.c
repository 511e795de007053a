/* memo.c: The answers of one transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"
#include "base/mem.h"
#include "base/metric.h"
#include "dns/dns_int.h"

void dns_memo_init(struct dns_memo *m, struct dns *dns, struct task *task)
{
	*m = (struct dns_memo){ .dns = dns, .task = task };
}

void dns_memo_done(struct dns_memo *m)
{
	if (!m->items)
		return;
	lock_enter(&m->dns->lock);
	for (struct dns_item *i = m->items; i; i = i->next)
		cache_unwait(i);
	lock_leave(&m->dns->lock);
	for (struct dns_item *i = m->items, *next; i; i = next) {
		next = i->next;
		box_put(i->box);
		mem_free(MEM_OTHER, i);
	}
	m->items = NULL;
	m->n = 0;
	m->rounds = 0;
}

static struct dns_item *find(const struct dns_memo *m, enum dns_type type, struct slice name)
{
	struct dns_item *i = m->items;
	while (i && !(i->type == type && slice_eq(i->name, name)))
		i = i->next;
	return i;
}

/* A question begins a round when no other one of this memo is under way. */
static bool new_round(const struct dns_memo *m)
{
	for (const struct dns_item *i = m->items; i; i = i->next)
		if (!i->box)
			return false;
	return true;
}

/* NULL: too many questions or rounds. */
static struct dns_item *ask(struct dns_memo *m, enum dns_type type, struct slice name)
{
	struct dns *dns = m->dns;
	uint64_t now = run_now_ms(dns->run);
	bool wake = false;
	if (m->n >= QUESTIONS_MAX)
		return NULL;
	struct dns_item *item = mem_new(MEM_OTHER, sizeof(*item) + name.len + 1);
	item->type = type;
	item->task = m->task;
	memcpy(item->text, name.at, name.len);
	item->name = slice_of(item->text, name.len);
	lock_enter(&dns->lock);
	bool round = new_round(m);
	if (round && m->rounds >= ROUNDS_MAX) {
		lock_leave(&dns->lock);
		mem_free(MEM_OTHER, item);
		return NULL;
	}
	m->rounds += round;
	if (dns->actor)
		wake = cache_file(dns, item, now);
	else
		item->box = script_answer(dns, type, name);
	item->next = m->items;
	m->items = item;
	m->n++;
	lock_leave(&dns->lock);
	if (wake)
		actor_wake(dns);
	item->held = item->box && (!dns->actor || chaos_waits());
	if (item->held && m->task)
		task_wake(m->task, WAKE_EVENT);
	return item;
}

static enum rc open_box(
	const struct dns_box *box, uint64_t now, struct dns_answer *out, struct fault *why)
{
	if (box->rc == RC_TEMP) {
		metric_fault(FAULT_DNS_TEMP);
		return fault_set(why, FAULT_DNS_TEMP, "%s", box->why ? box->why : "");
	}
	*out = box->answer;
	out->ttl = box->expires_ms > now ? (uint32_t)((box->expires_ms - now) / 1000) : 0;
	return box->rc;
}

enum rc dns_memo_get(struct dns_memo *m, struct slice name, enum dns_type type,
	struct dns_answer *out, struct fault *why)
{
	char text[NAME_MAX_TEXT + 1];
	size_t len = 0;
	if (name_plain(name, text, &len) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "\"%.*s\" is not a domain name",
			slice_int(name.len < 100 ? name.len : 100), (const char *)name.at);
	struct dns_item *item = find(m, type, slice_of(text, len));
	bool fresh = !item;
	if (!item)
		item = ask(m, type, slice_of(text, len));
	if (!item)
		return fault_set(why, FAULT_DNS_TEMP, "%s",
			"this needs more DNS questions than are allowed");
	lock_enter(&m->dns->lock);
	const struct dns_box *box = item->box;
	bool lost = !box && !item->entry;
	lock_leave(&m->dns->lock);
	if (lost)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (!box || (item->held && fresh))
		return RC_WAIT;
	item->held = false;
	return open_box(box, run_now_ms(m->dns->run), out, why);
}

void dns_memo_ask(struct dns_memo *m, struct slice name, enum dns_type type)
{
	char text[NAME_MAX_TEXT + 1];
	size_t len = 0;
	if (name_plain(name, text, &len) == RC_OK && !find(m, type, slice_of(text, len)))
		ask(m, type, slice_of(text, len));
}
