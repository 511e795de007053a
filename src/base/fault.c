/* fault.c: The table of faults and filling one in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "base/must.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct fault_row rows[FAULT_COUNT] = {
#define FAULT(id, rc, smtp, imap, http, sentence) { rc, #id, smtp, imap, http, sentence },
#include "base/faults.tbl"
#undef FAULT
};

const struct fault_row *fault_row(enum fault_id id)
{
	must((unsigned)id < FAULT_COUNT);
	return &rows[id];
}

enum rc fault_set(struct fault *why, enum fault_id id, const char *fmt, ...)
{
	if (why) {
		va_list ap;
		why->id = id;
		va_start(ap, fmt);
		vsnprintf(why->detail, sizeof(why->detail), fmt, ap);
		va_end(ap);
	}
	return fault_row(id)->rc;
}

bool fault_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

const char *fault_text(const struct fault *why)
{
	return why->detail[0] ? why->detail : fault_row(why->id)->sentence;
}
