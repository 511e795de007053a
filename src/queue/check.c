/* check.c: Proves the queue: every record is read and has its content, its place in the index and its part of the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/check.h"
#include "base/mem.h"
#include "blob/check.h"
#include "queue/queue_int.h"
#include <inttypes.h>

struct proof {
	struct check *check;
	struct blob *blob;
	struct queue *q; /* only to know where mail goes */
	int64_t n;
};

static enum rc prove_place(
	struct proof *p, const struct queue_message *m, struct arena *a, struct fault *why)
{
	struct buf key;
	struct slice value;
	struct data_batch b;
	if (m->paused)
		return RC_OK;
	buf_init(&key, 0, a);
	queue_due_key(&key, (struct due){ m->due, m->id });
	enum rc rc = data_get(p->check->data, DATA_MAIN, buf_slice(&key), a, &value, why);
	if (rc != RC_NONE)
		return rc;
	data_batch_init(&b, a);
	data_put(&b, DATA_MAIN, buf_slice(&key), queue_to(p->q, m));
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"queue: message %016" PRIx64 " has its place in the index again", m->id);
	return RC_OK;
}

static enum rc prove_message(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct queue_message m;
	struct slice tail = slice_tail(key, 2);
	uint64_t id = 0;
	if (take_be64(&tail, &id) != RC_OK || tail.len || queue_read(value, id, a, &m) != RC_OK)
		return check_park(p->check, key, value,
			arena_fmt(a, "queue: message %016" PRIx64 " cannot be read", id), why);
	enum rc rc = blob_has(p->blob, &m.blob, why);
	if (rc == RC_NONE)
		return check_park(p->check, key, value,
			arena_fmt(a,
				"queue: message %016" PRIx64
				" from <%.*s> to %zu recipients has lost its content",
				id, FMT(m.sender), m.rcpts_n),
			why);
	TRY(rc);
	p->n++;
	return queue_finished(&m) ? RC_OK : prove_place(p, &m, a, why);
}

/* A place of no message, or of one that is due at another time, only costs a look. */
static enum rc prove_index(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct queue_message m;
	struct slice tail = slice_tail(key, 2), record;
	struct buf at;
	struct data_batch b;
	uint64_t due = 0, id = 0;
	bool right = take_be64(&tail, &due) == RC_OK && take_be64(&tail, &id) == RC_OK;
	buf_init(&at, 0, a);
	queue_key(&at, id);
	enum rc rc = data_get(p->check->data, DATA_MAIN, buf_slice(&at), a, &record, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	if (right && rc == RC_OK && queue_read(record, id, a, &m) == RC_OK && !m.paused &&
		m.due == (int64_t)due)
		return RC_OK;
	data_batch_init(&b, a);
	data_assert(&b, DATA_MAIN, key, value);
	data_delete(&b, DATA_MAIN, key);
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"queue: a place in the index led to nothing (message %016" PRIx64 ")", id);
	return RC_OK;
}

static enum rc prove_count(struct proof *p, struct fault *why)
{
	struct arena a;
	struct slice value = { 0 };
	struct data_batch b;
	arena_init(&a, 0);
	enum rc rc = data_get(p->check->data, DATA_MAIN, S("Qn"), &a, &value, why);
	int64_t off = p->n - data_counter(value);
	if ((rc == RC_OK || rc == RC_NONE) && off) {
		data_batch_init(&b, &a);
		data_add(&b, DATA_MAIN, S("Qn"), off);
		rc = check_commit(p->check, &b, why);
		if (rc == RC_OK)
			check_tell(p->check, CHECK_MENDED,
				"queue: the count of messages is %" PRId64
				" again, and was %" PRId64,
				p->n, p->n - off);
	}
	arena_done(&a);
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc queue_check(
	struct blob *blob, const char *relay_host, struct check *check, struct fault *why)
{
	const struct check_range messages = { "queue", S("Qm"), S("Qn") },
				 index = { "queue's index", S("Qd"), S("Qe") };
	struct proof p = { .check = check, .blob = blob, .q = mem_new(MEM_OTHER, sizeof(*p.q)) };
	const struct queue_terms terms = { .relay_host = relay_host ? relay_host : "" };
	atomic_store(&p.q->terms, &terms);
	enum rc rc = check_walk(check, &index, prove_index, &p, why);
	if (rc == RC_OK)
		rc = check_walk(check, &messages, prove_message, &p, why);
	if (rc == RC_OK)
		rc = prove_count(&p, why);
	mem_free(MEM_OTHER, p.q);
	return rc;
}

enum rc queue_check_holds(struct check *check, uint64_t id, struct fault *why)
{
	struct arena a;
	struct buf key;
	arena_init(&a, 0);
	buf_init(&key, 0, &a);
	queue_key(&key, id);
	enum rc rc = check_holds(check, buf_slice(&key), why);
	arena_done(&a);
	return rc;
}
