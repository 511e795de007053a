/* pool.c: A stack of idle connections, who waits for one, and the breaker before them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pool.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "link/breaker.h"
#include "run/run.h"
#include <time.h>

enum { IDLE_MS = 60000 };

struct idle {
	void *connection;
	uint64_t since_ms;
};

struct pool {
	struct pool_conf conf;
	char *name;
	struct breaker breaker;
	struct lock lock; /* of all below */
	pthread_cond_t more; /* one came back, or may be opened */
	size_t open; /* idle, used, or being opened */
	size_t n; /* idle */
	char last[200]; /* what the last failure was */
	struct idle idle[]; /* the one used last is on top */
};

struct pool *pool_new(const struct pool_conf *conf)
{
	pthread_condattr_t monotonic;
	must(conf->most > 0);
	struct pool *p = mem_new(MEM_OTHER, sizeof(*p) + conf->most * sizeof(p->idle[0]));
	p->conf = *conf;
	p->conf.idle_ms = conf->idle_ms ? conf->idle_ms : IDLE_MS;
	p->name = mem_str(MEM_OTHER, conf->name);
	breaker_init(&p->breaker);
	lock_init(&p->lock, LOCK_LINK);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return p;
}

void pool_free(struct pool **ref)
{
	struct pool *p = *ref;
	if (!p)
		return;
	pool_clear(p);
	must(p->open == 0);
	pthread_cond_destroy(&p->more);
	lock_done(&p->lock);
	breaker_done(&p->breaker);
	mem_free(MEM_OTHER, p->name);
	mem_free(MEM_OTHER, p);
	*ref = NULL;
}

/* One connection less; under no lock. */
static void closed(struct pool *p)
{
	lock_enter(&p->lock);
	p->open--;
	lock_leave(&p->lock);
	pthread_cond_signal(&p->more);
}

/* Under no lock. */
static void failed(struct pool *p, const struct fault *why)
{
	lock_enter(&p->lock);
	snprintf(p->last, sizeof(p->last), "%s", fault_text(why));
	lock_leave(&p->lock);
	if (!breaker_bad(&p->breaker, run_now_ms(NULL)))
		return;
	event_log(EVENT_LINK_DOWN, f_str("server", p->name), f_str("why", fault_text(why)));
	metric_add(METRIC_LINK_DOWN, 1);
	pool_clear(p); /* they led to the server that is silent now */
}

/* Takes those out that rested too long: they are at the bottom. */
static size_t take_stale(struct pool *p, uint64_t now, void **out, size_t most)
{
	size_t n = 0;
	while (n < p->n && n < most && p->idle[n].since_ms + p->conf.idle_ms < now) {
		out[n] = p->idle[n].connection;
		n++;
	}
	for (size_t i = n; i < p->n; i++)
		p->idle[i - n] = p->idle[i];
	p->n -= n;
	return n;
}

/* False: the deadline is over. */
static bool wait_until(struct pool *p, uint64_t deadline_ms) NEEDS(p->lock)
{
	struct timespec at = { .tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
	return pthread_cond_timedwait(&p->more, &p->lock.mutex, &at) == 0 ||
	       run_now_ms(NULL) < deadline_ms;
}

/* An idle one, or NULL: a place to open one is ours. */
static enum rc find(struct pool *p, uint64_t deadline_ms, void **connection)
{
	enum { STALE = 16 };
	void *stale[STALE];
	bool in_time = true;
	*connection = NULL;
	lock_enter(&p->lock);
	size_t n = take_stale(p, run_now_ms(NULL), stale, STALE);
	p->open -= n;
	while (p->n == 0 && p->open >= p->conf.most && in_time)
		in_time = wait_until(p, deadline_ms);
	if (p->n > 0)
		*connection = p->idle[--p->n].connection;
	else if (p->open < p->conf.most)
		p->open++;
	else
		in_time = false;
	if (*connection)
		in_time = true;
	lock_leave(&p->lock);
	for (size_t i = 0; i < n; i++)
		p->conf.kind->close(stale[i]);
	return in_time ? RC_OK : RC_TEMP;
}

static enum rc left_alone(struct pool *p, struct fault *why)
{
	lock_enter(&p->lock);
	enum rc rc = fault_set(why, FAULT_STORE, "%s did not answer lately: %s", p->name, p->last);
	lock_leave(&p->lock);
	return rc;
}

enum rc pool_take(
	struct pool *p, uint64_t deadline_ms, void **connection, bool *is_used, struct fault *why)
{
	if (!breaker_lets(&p->breaker, run_now_ms(NULL)))
		return left_alone(p, why);
	if (find(p, deadline_ms, connection) != RC_OK) {
		breaker_none(&p->breaker); /* busy, not silent */
		return fault_set(why, FAULT_STORE, "%s: no connection came free in time", p->name);
	}
	if (is_used)
		*is_used = *connection != NULL;
	if (*connection)
		return RC_OK;
	struct fault fault = { 0 };
	enum rc rc = p->conf.kind->open(p->conf.arg, deadline_ms, connection, &fault);
	if (rc == RC_OK)
		return RC_OK;
	failed(p, &fault);
	closed(p);
	if (why)
		*why = fault;
	return rc;
}

void pool_put(struct pool *p, void *connection)
{
	breaker_good(&p->breaker);
	lock_enter(&p->lock);
	must(p->n < p->conf.most);
	p->idle[p->n++] = (struct idle){ connection, run_now_ms(NULL) };
	lock_leave(&p->lock);
	pthread_cond_signal(&p->more);
}

void pool_drop(struct pool *p, void *connection, bool is_failure)
{
	struct fault late;
	if (is_failure) {
		(void)!fault_set(&late, FAULT_STORE, "no answer in time");
		pool_fail(p, connection, &late);
		return;
	}
	p->conf.kind->close(connection);
	breaker_none(&p->breaker);
	closed(p);
}

void pool_fail(struct pool *p, void *connection, const struct fault *why)
{
	p->conf.kind->close(connection);
	failed(p, why);
	closed(p);
}

void pool_clear(struct pool *p)
{
	while (true) {
		void *connection = NULL;
		lock_enter(&p->lock);
		if (p->n > 0)
			connection = p->idle[--p->n].connection;
		lock_leave(&p->lock);
		if (!connection)
			return;
		p->conf.kind->close(connection);
		closed(p);
	}
}

void pool_stats(struct pool *p, struct pool_stats *out)
{
	out->is_broken = breaker_is_open(&p->breaker, run_now_ms(NULL));
	lock_enter(&p->lock);
	out->open = p->open;
	out->idle = p->n;
	lock_leave(&p->lock);
}
