/* fault.h: Why something was refused or failed: one table, read by every door. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/slice.h"

enum fault_id {
#define FAULT(id, rc, smtp, imap, http, sentence) FAULT_##id,
#include "base/faults.tbl"
#undef FAULT
	FAULT_COUNT
};

struct fault_row {
	enum rc rc;
	const char *name; /* "QUOTA": also event and metric label */
	const char *smtp; /* "552 5.2.2" */
	const char *imap; /* response code without brackets, "" for none */
	uint16_t http; /* status */
	const char *sentence; /* what happened and what to do, for people */
};

/* Filled where the cause is first known; the caller owns it. `detail` is a NUL-terminated sentence or empty. */
struct fault {
	enum fault_id id;
	char detail[232];
};

const struct fault_row *fault_row(enum fault_id id);

/* Fills `*why` (NULL is allowed: nobody asks) and returns the table's rc. */
enum rc fault_set(struct fault *why, enum fault_id id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The detail when there is one, else the table's sentence. */
/* Does this errno say that the disk, a quota or a limit of file sizes has no room? */
bool fault_is_full(int error);
const char *fault_text(const struct fault *why);

#endif
