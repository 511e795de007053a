/* breaker.c: Counting failures in a row, and who may try again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/breaker.h"

/* A trial whose end is never told stands in nobody's way for ever. */
enum { TRIAL_MS = 30000 };

void breaker_init(struct breaker *b)
{
	*b = (struct breaker){ .pause_ms = BREAKER_PAUSE_MS };
	lock_init(&b->lock, LOCK_LINK);
}

void breaker_done(struct breaker *b)
{
	lock_done(&b->lock);
}

static bool is_shut(const struct breaker *b, uint64_t now_ms)
{
	return b->until_ms > 0 && now_ms < b->until_ms + (b->is_trying ? TRIAL_MS : 0);
}

bool breaker_lets(struct breaker *b, uint64_t now_ms)
{
	lock_enter(&b->lock);
	bool lets = !is_shut(b, now_ms);
	if (lets && b->until_ms > 0) {
		b->is_trying = true;
		b->until_ms = now_ms;
	}
	lock_leave(&b->lock);
	return lets;
}

void breaker_good(struct breaker *b)
{
	lock_enter(&b->lock);
	b->failures = 0;
	b->until_ms = 0;
	b->pause_ms = BREAKER_PAUSE_MS;
	b->is_trying = false;
	lock_leave(&b->lock);
}

bool breaker_bad(struct breaker *b, uint64_t now_ms)
{
	lock_enter(&b->lock);
	bool was_open = b->until_ms > 0, opens = b->is_trying || !was_open;
	b->failures++;
	opens = opens && (b->is_trying || b->failures >= BREAKER_FAILURES);
	if (opens) {
		if (was_open && b->pause_ms < BREAKER_PAUSE_MAX_MS)
			b->pause_ms = b->pause_ms * 2 < BREAKER_PAUSE_MAX_MS ? b->pause_ms * 2
									     : BREAKER_PAUSE_MAX_MS;
		b->until_ms = now_ms + b->pause_ms;
		b->is_trying = false;
	}
	lock_leave(&b->lock);
	return opens && !was_open;
}

void breaker_none(struct breaker *b)
{
	lock_enter(&b->lock);
	b->is_trying = false; /* when it was the trial, another one may try at once */
	lock_leave(&b->lock);
}

bool breaker_is_open(struct breaker *b, uint64_t now_ms)
{
	lock_enter(&b->lock);
	bool is_open = is_shut(b, now_ms);
	lock_leave(&b->lock);
	return is_open;
}
