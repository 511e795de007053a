/* past.c: A queue that an earlier version left gets its index; once, at the first start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "queue/queue_int.h"

enum { PAGE = 200 };

struct page {
	struct queue *q;
	struct arena a;
	struct data_batch b;
	uint64_t last; /* the id that was read last */
	size_t seen, filed;
	bool over;
};

static bool visit(void *ctx, struct slice key, struct slice value)
{
	struct page *p = ctx;
	struct slice own, tail = slice_tail(key, 2);
	struct queue_message *m = arena_try_array(&p->a, 1, sizeof(*m));
	uint64_t id;
	if (take_be64(&tail, &id) != RC_OK)
		return true;
	p->over = !m || arena_copy(&p->a, value, &own) != RC_OK;
	if (p->over)
		return false;
	p->last = id;
	if (queue_read(own, id, &p->a, m) != RC_OK) {
		event_log(EVENT_QUEUE_PARKED, f_u64("id", id));
	} else if (!queue_finished(m)) {
		m->filed = 0;
		queue_save(p->q, &p->b, m);
		p->filed++;
	}
	return ++p->seen < PAGE;
}

/* The same again when it is cut off in between: the count comes last. */
enum rc past_file(struct queue *q, struct fault *why)
{
	struct page p = { .q = q };
	size_t n = 0;
	enum rc rc = RC_OK;
	arena_init(&p.a, 0);
	do {
		struct buf from;
		struct data_range range = { .space = DATA_MAIN, .to = S("Qn") };
		arena_reset(&p.a);
		buf_init(&from, 0, &p.a);
		queue_key(&from, p.last + 1);
		range.from = buf_slice(&from);
		p.seen = p.filed = 0;
		data_batch_init(&p.b, &p.a);
		rc = data_scan(q->deps.data, &range, visit, &p, why);
		if (rc == RC_OK && p.over)
			rc = fault_set(why, FAULT_MEMORY, "%s", "");
		n += p.filed;
		if (rc == RC_OK && p.seen < PAGE && n)
			data_add(&p.b, DATA_MAIN, S("Qn"), (int64_t)n);
		if (rc == RC_OK && p.b.n)
			rc = data_commit_now(q->deps.data, &p.b, why);
	} while (rc == RC_OK && p.seen == PAGE);
	arena_done(&p.a);
	q->depth = n;
	return rc;
}
