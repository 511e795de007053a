/* breaker.h: A breaker before a server that does not answer: after some failures in a row nobody waits for it any more. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_BREAKER_H
#define LINK_BREAKER_H

#include "base/lock.h"
#include <stdbool.h>
#include <stdint.h>

/* Closed: all pass. After BREAKER_FAILURES in a row it opens: all are turned away for a pause, then one is let through to
 * try; a good end closes it, a bad one opens it for twice as long, up to BREAKER_PAUSE_MAX_MS. Any thread. */
enum { BREAKER_FAILURES = 3, BREAKER_PAUSE_MS = 250, BREAKER_PAUSE_MAX_MS = 5000 };

struct breaker {
	struct lock lock;
	unsigned failures; /* in a row */
	uint64_t pause_ms, until_ms; /* 0: closed */
	bool is_trying;
};

void breaker_init(struct breaker *b);
void breaker_done(struct breaker *b);
/* May somebody pass? True obliges to tell the end, by one of the next three. Times are those of run_now_ms. */
bool breaker_lets(struct breaker *b, uint64_t now_ms);
void breaker_good(struct breaker *b);
/* True: with this one it has opened. */
bool breaker_bad(struct breaker *b, uint64_t now_ms);
/* The end said nothing about the server. */
void breaker_none(struct breaker *b);
/* Nobody passes at that time; changes nothing. */
bool breaker_is_open(struct breaker *b, uint64_t now_ms);

#endif
