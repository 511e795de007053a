/* overlay.c: An open-addressing table of the group's writes, forgotten in O(1). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/overlay.h"
#include "base/mem.h"
#include "base/must.h"
#include <xxhash.h>

struct slot {
	uint64_t hash;
	uint64_t round; /* the slot is of this round, or free */
	const struct data_op *op;
};

struct overlay {
	struct slot *slots;
	size_t cap, used;
	uint64_t round;
};

struct overlay *overlay_new(void)
{
	struct overlay *o = mem_new(MEM_STORE, sizeof(*o));
	o->cap = 1024;
	o->round = 1;
	o->slots = mem_new(MEM_STORE, o->cap * sizeof(*o->slots));
	return o;
}

void overlay_free(struct overlay **o)
{
	mem_free(MEM_STORE, (*o)->slots);
	mem_free(MEM_STORE, *o);
	*o = NULL;
}

void overlay_reset(struct overlay *o)
{
	o->round++;
	o->used = 0;
}

static uint64_t hash_of(enum data_space space, struct slice key)
{
	return XXH3_64bits_withSeed(key.at, key.len, (uint64_t)space);
}

static struct slot *find(
	const struct overlay *o, uint64_t hash, enum data_space space, struct slice key)
{
	size_t i = hash & (o->cap - 1);
	while (o->slots[i].round == o->round) {
		const struct data_op *op = o->slots[i].op;
		if (o->slots[i].hash == hash && op->space == space && slice_eq(op->key, key))
			break;
		i = (i + 1) & (o->cap - 1);
	}
	return &o->slots[i];
}

static void grow(struct overlay *o)
{
	struct overlay bigger = { .cap = o->cap * 2, .round = o->round };
	bigger.slots = mem_new(MEM_STORE, bigger.cap * sizeof(*bigger.slots));
	for (size_t i = 0; i < o->cap; i++) {
		struct slot *s = &o->slots[i];
		if (s->round == o->round)
			*find(&bigger, s->hash, s->op->space, s->op->key) = *s;
	}
	mem_free(MEM_STORE, o->slots);
	o->slots = bigger.slots;
	o->cap = bigger.cap;
}

void overlay_put(struct overlay *o, const struct data_op *op)
{
	if (o->used * 2 >= o->cap)
		grow(o);
	uint64_t hash = hash_of(op->space, op->key);
	struct slot *s = find(o, hash, op->space, op->key);
	o->used += s->round != o->round;
	*s = (struct slot){ .hash = hash, .round = o->round, .op = op };
}

const struct data_op *overlay_get(const struct overlay *o, enum data_space space, struct slice key)
{
	if (o->used == 0)
		return NULL;
	const struct slot *s = find(o, hash_of(space, key), space, key);
	return s->round == o->round ? s->op : NULL;
}
