/* deadline.c: How long a client may keep us waiting: in silence, within a command, by slow sending or reading, in all. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "net/net_int.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* A connection has credit (`left_ms`) that only runs while it waits for its peer. A whole line fills it up; the octets of a
 * message, and those of ours that the peer has taken, earn what they may take at the least rate, up to the same mark. So
 * no octet now and then holds a session, and nobody who keeps the rate is cut, however much it is. Nothing is done
 * for this while the connection rests but to set its one timer. */

static uint64_t full(const struct conn *c)
{
	uint64_t ms = c->idle_ms;
	uint64_t most = c->listener && !c->trusted && atomic_load(&c->net->hurried)
				? atomic_load(&c->net->stress_ms)
				: 0;
	return most && most < ms ? most : ms;
}

void deadline_fill(struct conn *c)
{
	c->left_ms = full(c);
	c->begun = false;
}

static void earn(struct conn *c, uint64_t ms)
{
	uint64_t most = full(c);
	c->left_ms += ms;
	if (c->left_ms > most)
		c->left_ms = most;
}

void deadline_came(struct conn *c, size_t octets)
{
	uint64_t rate = c->listener ? atomic_load(&c->net->rate_min) : 0;
	if (rate == 0) {
		c->left_ms = full(c);
		return;
	}
	uint64_t ms = octets * 1000 / rate;
	earn(c, ms);
	if (c->due_at)
		c->due_at += ms;
}

void conn_idle(struct conn *c, uint64_t ms)
{
	bool ours = c->listener && ms && c->terms->conf.idle_ms;
	c->idle_ms = ours ? c->terms->conf.idle_ms : ms;
	deadline_fill(c);
}

void conn_total(struct conn *c, uint64_t ms)
{
	c->due_at = ms ? run_now_ms(c->task.run) + ms : 0;
}

void conn_trust(struct conn *c)
{
	c->trusted = true;
}

bool conn_timed_out(const struct conn *c)
{
	return c->late != FAULT_NONE;
}

enum fault_id conn_late(const struct conn *c)
{
	return c->late;
}

bool conn_reads(const struct conn *c)
{
	return c->out_at == c->out.len;
}

/* --- the timer --- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a == 0 || (b && b < a) ? b : a;
}

void deadline_wait(struct conn *c)
{
	bool waits = c->task.watch && c->idle_ms && (!c->late || c->closing);
	uint64_t at, doors = atomic_load(&c->task.deadline); /* the step's own, or ours */
	c->idle_at = waits ? run_now_ms(c->task.run) + c->left_ms : 0;
	at = c->late ? c->idle_at : sooner(c->idle_at, sooner(c->due_at, c->total_at));
	if (doors != c->timer_set)
		at = sooner(at, doors);
	c->timer_set = at;
	if (at)
		task_timer(&c->task, at);
	else
		task_timer_off(&c->task);
}

/* The kernel's buffer is large, and lets us write again only when much of it is free: a slow reader is seen in there. */
static bool has_read(struct conn *c)
{
	int queued = 0;
	if (c->out_at == c->out.len || ioctl(c->task.fd, SIOCOUTQ, &queued) != 0)
		return false;
	uint64_t taken = c->sent > (uint64_t)queued ? c->sent - (uint64_t)queued : 0;
	uint64_t octets = taken > c->taken ? taken - c->taken : 0;
	uint64_t rate = c->listener ? atomic_load(&c->net->rate_min) : 0;
	c->taken = taken;
	if (octets)
		earn(c, rate ? octets * 1000 / rate : UINT32_MAX);
	return c->left_ms > 0;
}

static enum fault_id judge(struct conn *c, uint64_t now)
{
	if ((c->due_at && now >= c->due_at) || (c->total_at && now >= c->total_at))
		return FAULT_TOTAL_TIMEOUT;
	if (!c->idle_at || now < c->idle_at || has_read(c))
		return FAULT_NONE;
	if (c->out_at < c->out.len)
		return FAULT_READS_TOO_SLOWLY;
	return c->begun ? FAULT_SENDS_TOO_SLOWLY : FAULT_IDLE_TIMEOUT;
}

void deadline_woken(struct conn *c)
{
	uint64_t now = run_now_ms(c->task.run);
	if (c->idle_at)
		c->left_ms = c->idle_at > now ? c->idle_at - now : 0;
	if (c->task.woken & WAKE_TIMER && c->late == FAULT_NONE) {
		c->late = judge(c, now);
		if (c->late && c->listener && !c->closing) {
			metric_fault(c->late);
			event_log(EVENT_NET_TIMED_OUT, f_str("listener", c->terms->conf.name),
				f_str("peer", c->peer_text),
				f_str("fault", fault_row(c->late)->name));
		}
	}
	c->idle_at = 0;
}
