/* lookup.c: Keys encoded, limits checked, faults given names; then the engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup/lookup.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "lookup/engine.h"
#include <string.h>

enum { OWNER_MAX = 64 };
static const uint64_t window_most = UINT64_C(1) << 32, period_most_ms = UINT64_C(400) * 86400000;

struct lookup *lookup_new(const struct lookup_engine *engine, void *e)
{
	struct lookup *l = mem_new(MEM_STORE, sizeof(*l));
	*l = (struct lookup){ engine, e };
	return l;
}

void lookup_close(struct lookup **l)
{
	if (!*l)
		return;
	(*l)->engine->close((*l)->e);
	mem_free(MEM_STORE, *l);
	*l = NULL;
}

const char *lookup_type(const struct lookup *l)
{
	return l->engine->type;
}

struct encoded {
	uint8_t at[LOOKUP_KEY_MAX];
};

static struct slice encode_group(struct encoded *k, enum lookup_prefix prefix, struct slice group)
{
	k->at[0] = (uint8_t)prefix;
	k->at[1] = (uint8_t)group.len;
	if (group.len)
		memcpy(k->at + 2, group.at, group.len);
	return slice_of(k->at, 2 + group.len);
}

static enum rc encode(
	struct encoded *k, const struct lookup_key *key, struct slice *out, struct fault *why)
{
	metric_add(METRIC_LOOKUPS, 1);
	if (key->group.len > LOOKUP_GROUP_MAX || key->name.len > LOOKUP_NAME_MAX)
		return fault_set(why, FAULT_MEMORY, "a key of the lookup store is too long");
	*out = encode_group(k, key->prefix, key->group);
	if (key->name.len)
		memcpy(k->at + out->len, key->name.at, key->name.len);
	out->len += key->name.len;
	return RC_OK;
}

/* Counts those that failed. */
static enum rc ended(enum rc rc)
{
	if (rc == RC_TEMP)
		metric_add(METRIC_LOOKUPS_FAILED, 1);
	return rc;
}

enum rc lookup_get(struct lookup *l, const struct lookup_key *key, struct arena *a,
	struct slice *value, struct fault *why)
{
	struct encoded k;
	struct slice at;
	TRY(encode(&k, key, &at, why));
	return ended(l->engine->get(l->e, at, a, value, why));
}

enum rc lookup_set(struct lookup *l, const struct lookup_key *key, struct slice value,
	uint64_t ttl_ms, struct fault *why)
{
	struct encoded k;
	struct slice at;
	TRY(encode(&k, key, &at, why));
	if (value.len > LOOKUP_VALUE_MAX)
		return fault_set(why, FAULT_MEMORY, "a value of the lookup store is too long");
	return ended(l->engine->set(l->e, at, value, ttl_ms, why));
}

enum rc lookup_delete(struct lookup *l, const struct lookup_key *key, struct fault *why)
{
	struct encoded k;
	struct slice at;
	TRY(encode(&k, key, &at, why));
	return ended(l->engine->delete (l->e, at, why));
}

enum rc lookup_delete_prefix(
	struct lookup *l, enum lookup_prefix prefix, struct slice group, struct fault *why)
{
	struct encoded k;
	if (group.len > LOOKUP_GROUP_MAX)
		return fault_set(why, FAULT_MEMORY, "a key of the lookup store is too long");
	struct slice begins = encode_group(&k, prefix, group);
	begins.len = group.len ? begins.len : 1;
	metric_add(METRIC_LOOKUPS, 1);
	return ended(l->engine->delete_prefix(l->e, begins, why));
}

enum rc lookup_add(struct lookup *l, const struct lookup_key *key, const struct lookup_add *add,
	struct lookup_count *out, struct fault *why)
{
	struct encoded k;
	struct slice at;
	const struct lookup_window *w = &add->window;
	must(w->most > 0 && w->most <= window_most && add->n <= window_most);
	must(w->period_ms > 0 && w->period_ms <= period_most_ms);
	TRY(encode(&k, key, &at, why));
	return ended(l->engine->add(l->e, at, add, out, why));
}

enum rc lookup_lock(struct lookup *l, const struct lookup_key *key, const struct lookup_lock *lock,
	uint64_t *fence, struct fault *why)
{
	struct encoded k;
	struct slice at;
	must(lock->owner.len > 0 && lock->owner.len <= OWNER_MAX && lock->ttl_ms > 0);
	TRY(encode(&k, key, &at, why));
	enum rc rc = l->engine->lock(l->e, at, lock, fence, why);
	return rc == RC_TAKEN ? fault_set(why, FAULT_EXISTS, "somebody else has the lock")
			      : ended(rc);
}

enum rc lookup_unlock(
	struct lookup *l, const struct lookup_key *key, struct slice owner, struct fault *why)
{
	struct encoded k;
	struct slice at;
	TRY(encode(&k, key, &at, why));
	enum rc rc = l->engine->unlock(l->e, at, owner, why);
	return rc == RC_NONE ? fault_set(why, FAULT_NOT_FOUND, "the lock is not held by this owner")
			     : ended(rc);
}

enum rc lookup_cleanup(struct lookup *l, size_t *removed, struct fault *why)
{
	size_t n = 0;
	if (!l->engine->cleanup)
		return RC_OK;
	enum rc rc = l->engine->cleanup(l->e, &n, why);
	metric_add(METRIC_LOOKUPS_EXPIRED, n);
	*removed += n;
	return rc;
}

enum rc lookup_ready(struct lookup *l, struct fault *why)
{
	return l->engine->ready(l->e, why);
}
