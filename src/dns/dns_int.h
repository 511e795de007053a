/* dns_int.h: The room's own state: boxes of answers, the cache, the questions under way. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNS_INT_H
#define DNS_DNS_INT_H

#include "base/buf.h"
#include "base/fifo.h"
#include "base/lock.h"
#include "dns/dns.h"

enum { NAME_MAX_TEXT = 253, ROUNDS_MAX = 64, QUESTIONS_MAX = 512 };

/* A finished answer: one block with all it points to, counted: the cache and memos share it. */
struct dns_box {
	_Atomic unsigned refs;
	enum rc rc;
	const char *why; /* a constant */
	struct dns_answer answer;
	uint64_t expires_ms;
	size_t bytes;
};

/* What a box is made of; rdata as on the wire, its names not compressed. */
struct box_source {
	enum dns_type type;
	const uint8_t *const *rdata;
	const int *len;
	size_t n;
	struct slice name;
	enum rc rc;
	const char *why;
	bool secure, is_nxdomain;
	uint32_t ttl;
};

/* One question of a memo. */
struct dns_item {
	struct dns_item *next; /* of the memo */
	struct dns_item *waiter_prev, *waiter_next; /* of the entry */
	struct dns_entry *entry; /* NULL: not waiting */
	struct task *task;
	struct dns_box *box;
	enum dns_type type;
	bool held; /* the answer is there, and the first look was told to wait all the same */
	struct slice name;
	char text[];
};

/* [dns 2] An entry is in the table, and either pending (in that list, with waiters, no box) or on its type's shelf. */
struct dns_entry {
	struct fifo_node node;
	struct dns_entry *hash_next;
	struct dns_entry *prev, *next;
	struct dns_entry *ask_next; /* not yet handed to the resolver */
	struct dns *dns;
	struct dns_item *waiters;
	struct dns_box *box;
	uint64_t hash, deadline_ms;
	struct dns_actor *actor; /* who asks; NULL: nobody yet */
	int async_id;
	bool pending, asked;
	enum dns_type type;
	uint8_t name_len;
	char name[];
};

struct dns_list {
	struct dns_entry *head, *tail; /* head: the newest */
};

struct dns_actor;

struct dns {
	struct run *run;
	struct dns_actor *actor; /* NULL: scripted; set under the lock */
	const struct dns_script_row *rows; /* scripted */
	size_t rows_n;
	struct dns_script_row *rows_own; /* of dns_script_text, with their text */
	char *text_own;
	uint64_t timeout_ms, seed;
	struct lock lock; /* guards all below */
	struct dns_entry **table;
	size_t size, used;
	struct fifo shelves[DNS_TYPES]; /* what has its answer */
	struct dns_list pending; /* the oldest deadline at its tail */
	struct dns_entry *ask_head, *ask_tail;
	struct dns_stats stats;
	bool closed; /* the actor has ended */
};

/* box.c */
uint16_t box_type_number(enum dns_type type);
/* NULL: no memory; never for a box without records. */
struct dns_box *box_new(const struct box_source *src, uint64_t now_ms);
struct dns_box *box_get(struct dns_box *box);
void box_put(struct dns_box *box);

/* name.c: into `out` of NAME_MAX_TEXT + 1 bytes; RC_BAD: not a name. */
enum rc name_plain(struct slice name, char *out, size_t *len);

/* cache.c, all under dns->lock */
void cache_init(struct dns *dns);
void cache_done(struct dns *dns);
/* At the end of those to ask. */
void cache_ask(struct dns *dns, struct dns_entry *e);
/* The item gets its box at once, or waits at an entry; true: the actor has something to ask. */
bool cache_file(struct dns *dns, struct dns_item *item, uint64_t now_ms);
void cache_unwait(struct dns_item *item);
/* The answer of a pending entry, taken over; wakes who waits. The entry may be gone afterwards. */
void cache_finish(struct dns_entry *e, struct dns_box *box);
void cache_shrink(struct dns *dns, enum dns_type type, size_t bytes);

/* actor.c */
enum rc actor_new(
	struct dns *dns, const struct dns_conf *conf, struct dns_actor **out, struct fault *why);
void actor_wake(struct dns *dns);
void actor_free(struct dns_actor **actor);

/* script.c: the box for a question. */
struct dns_box *script_answer(struct dns *dns, enum dns_type type, struct slice name);

#endif
