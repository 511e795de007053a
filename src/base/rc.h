/* rc.h: What a caller has to do next: the ten results of every call that can fail. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RC_H
#define BASE_RC_H

/* An rc says what the caller does now; why it happened is a struct fault (fault.h).
 * An eleventh value needs a decision page. */
enum [[nodiscard]] rc{
	RC_OK, /* done; outputs are written */
	RC_MORE, /* the input ends too early: call again with more of it */
	RC_WAIT, /* nothing is changed, what I need is asked for: run this step again when woken */
	RC_NONE, /* what was asked for does not exist */
	RC_TAKEN, /* it exists already, or another one was first (an assert did not hold) */
	RC_BAD, /* the input breaks its grammar or its rules */
	RC_DENIED, /* understood, and not allowed */
	RC_LIMIT, /* over a limit: size, count, memory, rate */
	RC_TEMP, /* a passing fault: try again later */
	RC_LOST, /* stored data is damaged or gone */
};

/* The one macro with control flow. */
#define TRY(call) \
	do { \
		enum rc rc_ = (call); \
		if (rc_ != RC_OK) \
			return rc_; \
	} while (0)

/* "OK", "MORE" ...: for logs and tests. Never NULL. */
const char *rc_name(enum rc rc);

#endif
