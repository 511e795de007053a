/* watch.c: Certificate files are read again when they change, without a restart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/lock.h"
#include "base/mem.h"
#include "cert/cert.h"
#include <stdatomic.h>
#include <sys/stat.h>

enum { WARN_S = 20 * 86400, WARN_EVERY_S = 86400, EVERY_LEAST_MS = 20 };

/* What a file looked like when it was loaded. */
struct look {
	int64_t s, ns, size;
	uint64_t inode;
};

struct cert_watch {
	struct task task; /* first */
	_Atomic unsigned holds; /* the task's and the caller's */
	struct tls *tls;
	uint64_t every_ms;
	struct lock lock; /* guards all below */
	struct tls_pair *pairs;
	struct look *looks; /* 2 a pair */
	size_t n;
	bool is_bad; /* the change seen last did not fit: said once */
	int64_t warned_at;
};

static struct look look_at(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return (struct look){ 0 };
	return (struct look){ st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size, st.st_ino };
}

static bool same(const struct look *a, const struct look *b)
{
	return a->s == b->s && a->ns == b->ns && a->size == b->size && a->inode == b->inode;
}

static void look_all(const struct tls_pair *pairs, size_t n, struct look *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = look_at(pairs[i].cert);
		out[2 * i + 1] = look_at(pairs[i].key);
	}
}

static void free_pairs(struct tls_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		mem_free(MEM_OTHER, (void *)(uintptr_t)pairs[i].cert);
		mem_free(MEM_OTHER, (void *)(uintptr_t)pairs[i].key);
	}
	mem_free(MEM_OTHER, pairs);
}

static struct tls_pair *copy_pairs(const struct tls_pair *pairs, size_t n)
{
	struct tls_pair *copy = mem_new(MEM_OTHER, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = (struct tls_pair){ mem_str(MEM_OTHER, pairs[i].cert),
			mem_str(MEM_OTHER, pairs[i].key) };
	return copy;
}

static void let_go(struct cert_watch *w)
{
	if (atomic_fetch_sub(&w->holds, 1) != 1)
		return;
	free_pairs(w->pairs, w->n);
	mem_free(MEM_OTHER, w->looks);
	lock_done(&w->lock);
	mem_free(MEM_OTHER, w);
}

/* Under the lock. */
static enum rc load(struct cert_watch *w, struct fault *why)
{
	look_all(w->pairs, w->n,
		w->looks); /* before reading: a change in between is seen next time */
	enum rc rc = tls_reload(w->tls, w->pairs, w->n, why);
	w->is_bad = rc != RC_OK;
	return rc;
}

static bool changed(struct cert_watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct look cert = look_at(w->pairs[i].cert), key = look_at(w->pairs[i].key);
		if (!same(&cert, &w->looks[2 * i]) || !same(&key, &w->looks[2 * i + 1]))
			return true;
	}
	return false;
}

static void warn_of_end(struct cert_watch *w, int64_t now)
{
	struct cert_info info;
	if (now - w->warned_at < WARN_EVERY_S)
		return;
	w->warned_at = now;
	for (size_t i = 0; i < w->n; i++)
		if (cert_info(w->pairs[i].cert, &info, NULL) == RC_OK &&
			info.not_after - now < WARN_S)
			event_log(EVENT_CERT_ENDS, f_str("file", w->pairs[i].cert),
				f_u64("days", info.not_after > now
						      ? (uint64_t)(info.not_after - now) / 86400
						      : 0));
}

static enum step step_look(struct task *t)
{
	struct cert_watch *w = (struct cert_watch *)t;
	struct fault why = { 0 };
	if (run_draining(t->run))
		return STEP_CLOSE;
	lock_enter(&w->lock);
	if (changed(w)) {
		bool was_bad = w->is_bad;
		if (load(w, &why) == RC_OK)
			event_log(EVENT_CERT_LOADED, f_u64("pairs", w->n));
		else if (!was_bad)
			event_log(EVENT_CERT_FAILED, f_str("why", fault_text(&why)));
	}
	warn_of_end(w, run_unix(t->run));
	lock_leave(&w->lock);
	task_timer(t, run_now_ms(t->run) + w->every_ms);
	return STEP_PARK;
}

static void drop(struct task *t)
{
	let_go((struct cert_watch *)t);
}

static const struct step_row steps[] = { { step_look, "look" } };
static const struct task_kind kind = { "certificates", steps, 1, drop };

struct cert_watch *cert_watch_start(
	struct run *run, struct tls *tls, const struct tls_pair *pairs, size_t n, uint64_t every_ms)
{
	struct cert_watch *w = mem_new(MEM_OTHER, sizeof(*w));
	atomic_store(&w->holds, 2);
	lock_init(&w->lock, LOCK_STARTUP);
	w->tls = tls;
	w->every_ms = every_ms > EVERY_LEAST_MS ? every_ms : EVERY_LEAST_MS;
	w->pairs = copy_pairs(pairs, n);
	w->looks = mem_new(MEM_OTHER, (2 * n + 1) * sizeof(*w->looks));
	w->n = n;
	look_all(w->pairs, n, w->looks);
	task_init(&w->task, run, &kind, step_look);
	task_start(&w->task);
	return w;
}

void cert_watch_free(struct cert_watch **watch)
{
	if (*watch)
		let_go(*watch);
	*watch = NULL;
}

enum rc cert_reload(struct cert_watch *w, struct fault *why)
{
	lock_enter(&w->lock);
	enum rc rc = load(w, why);
	lock_leave(&w->lock);
	return rc;
}

enum rc cert_set(struct cert_watch *w, const struct tls_pair *pairs, size_t n, struct fault *why)
{
	TRY(tls_reload(w->tls, pairs, n, why));
	struct tls_pair *copy = copy_pairs(pairs, n);
	struct look *looks = mem_new(MEM_OTHER, (2 * n + 1) * sizeof(*looks));
	look_all(copy, n, looks);
	lock_enter(&w->lock);
	struct tls_pair *old = w->pairs;
	size_t old_n = w->n;
	mem_free(MEM_OTHER, w->looks);
	w->pairs = copy;
	w->looks = looks;
	w->n = n;
	w->is_bad = false;
	lock_leave(&w->lock);
	free_pairs(old, old_n);
	return RC_OK;
}
