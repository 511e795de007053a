/* memory.c: An engine that forgets: a skip list under a read-write lock, for tests and for thread checks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "data/engine.h"
#include <pthread.h>
#include <string.h>

enum { LEVELS = 20 };

struct node {
	struct slice key, value;
	struct node *prev; /* on the lowest level */
	unsigned levels;
	struct node *next[];
};

struct memory {
	pthread_rwlock_t lock;
	uint64_t seed;
	struct node *heads[DATA_SPACES];
};

static struct node *node_new(struct slice key, unsigned levels)
{
	struct node *n = mem_new(MEM_STORE, sizeof(*n) + levels * sizeof(n->next[0]) + key.len);
	uint8_t *at = (uint8_t *)&n->next[levels];
	if (key.len)
		memcpy(at, key.at, key.len);
	n->key = slice_of(at, key.len);
	n->levels = levels;
	return n;
}

/* before[l]: the last node of level l with a key below `key`. */
static struct node *seek(struct node *head, struct slice key, struct node **before)
{
	struct node *at = head;
	for (unsigned l = LEVELS; l-- > 0;) {
		while (at->next[l] && slice_cmp(at->next[l]->key, key) < 0)
			at = at->next[l];
		if (before)
			before[l] = at;
	}
	return at->next[0];
}

static enum rc memory_look(void *e, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	struct memory *m = e;
	(void)why;
	pthread_rwlock_rdlock(&m->lock);
	struct node *n = seek(m->heads[space], key, NULL);
	bool there = n && slice_eq(n->key, key);
	if (there)
		look(ctx, n->value);
	pthread_rwlock_unlock(&m->lock);
	return there ? RC_OK : RC_NONE;
}

static enum rc memory_scan(
	void *e, const struct data_range *r, data_visit_fn *visit, void *ctx, struct fault *why)
{
	struct memory *m = e;
	(void)why;
	pthread_rwlock_rdlock(&m->lock);
	struct node *head = m->heads[r->space];
	if (!r->reverse) {
		struct node *n = seek(head, r->from, NULL);
		while (n && (r->to.len == 0 || slice_cmp(n->key, r->to) < 0) &&
			visit(ctx, n->key, n->value))
			n = n->next[0];
	} else {
		struct node *before[LEVELS], *n = head;
		if (r->to.len) {
			seek(head, r->to, before);
			n = before[0];
		} else {
			for (unsigned l = LEVELS; l-- > 0;)
				while (n->next[l])
					n = n->next[l];
		}
		while (n != head && slice_cmp(n->key, r->from) >= 0 && visit(ctx, n->key, n->value))
			n = n->prev;
	}
	pthread_rwlock_unlock(&m->lock);
	return RC_OK;
}

static void set_value(struct node *n, struct slice value)
{
	uint8_t *copy = mem_new(MEM_STORE, value.len + 1);
	if (value.len)
		memcpy(copy, value.at, value.len);
	mem_free(MEM_STORE, (void *)(uintptr_t)n->value.at);
	n->value = slice_of(copy, value.len);
}

static struct node *insert(struct memory *m, struct node *head, struct slice key)
{
	struct node *before[LEVELS];
	struct node *n = seek(head, key, before);
	if (n && slice_eq(n->key, key))
		return n;
	unsigned levels = 1;
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	for (uint64_t r = m->seed >> 24; levels < LEVELS && (r & 3) == 0; r >>= 2)
		levels++;
	n = node_new(key, levels);
	for (unsigned l = 0; l < levels; l++) {
		n->next[l] = before[l]->next[l];
		before[l]->next[l] = n;
	}
	n->prev = before[0];
	if (n->next[0])
		n->next[0]->prev = n;
	return n;
}

static void drop(struct node *n)
{
	mem_free(MEM_STORE, (void *)(uintptr_t)n->value.at);
	mem_free(MEM_STORE, n);
}

static void erase(struct node *head, struct slice key)
{
	struct node *before[LEVELS];
	struct node *n = seek(head, key, before);
	if (!n || !slice_eq(n->key, key))
		return;
	for (unsigned l = 0; l < n->levels; l++)
		before[l]->next[l] = n->next[l];
	if (n->next[0])
		n->next[0]->prev = n->prev;
	drop(n);
}

static void add(struct memory *m, struct node *head, const struct data_op *op)
{
	struct node *n = insert(m, head, op->key);
	uint64_t sum = (uint64_t)data_counter(n->value) + (uint64_t)op->delta;
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(sum >> (8 * i));
	set_value(n, slice_of(bytes, 8));
}

static enum rc memory_write(
	void *e, const struct data_op *const *ops, size_t n, bool flush, struct fault *why)
{
	(void)flush;
	struct memory *m = e;
	(void)why;
	pthread_rwlock_wrlock(&m->lock);
	for (size_t i = 0; i < n; i++) {
		struct node *head = m->heads[ops[i]->space];
		if (ops[i]->kind == DATA_PUT)
			set_value(insert(m, head, ops[i]->key), ops[i]->value);
		else if (ops[i]->kind == DATA_DELETE)
			erase(head, ops[i]->key);
		else
			add(m, head, ops[i]);
	}
	pthread_rwlock_unlock(&m->lock);
	return RC_OK;
}

static void memory_close(void *e)
{
	struct memory *m = e;
	for (size_t s = 0; s < DATA_SPACES; s++) {
		for (struct node *n = m->heads[s], *next; n; n = next) {
			next = n->next[0];
			drop(n);
		}
	}
	pthread_rwlock_destroy(&m->lock);
	mem_free(MEM_STORE, m);
}

enum rc engine_memory_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why)
{
	static const struct engine memory = { .type = "memory",
		.look = memory_look,
		.scan = memory_scan,
		.write = memory_write,
		.close = memory_close };
	(void)o;
	(void)why;
	struct memory *m = mem_new(MEM_STORE, sizeof(*m));
	pthread_rwlockattr_t fair; /* else readers in a row keep the committer out for ever */
	pthread_rwlockattr_init(&fair);
	pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	must(pthread_rwlock_init(&m->lock, &fair) == 0);
	pthread_rwlockattr_destroy(&fair);
	m->seed = 88172645463325252u;
	for (size_t s = 0; s < DATA_SPACES; s++)
		m->heads[s] = node_new(S(""), LEVELS);
	*type = &memory;
	*e = m;
	return RC_OK;
}
