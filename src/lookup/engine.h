/* engine.h: What an engine of the lookup store does; keys are encoded and checked above it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_ENGINE_H
#define LOOKUP_ENGINE_H

#include "base/buf.h"
#include "lookup/lookup.h"

/* prefix, length of the group, group, name. */
enum { LOOKUP_KEY_MAX = 2 + LOOKUP_GROUP_MAX + LOOKUP_NAME_MAX };

struct lookup_engine {
	const char *type;
	enum rc (*get)(
		void *e, struct slice key, struct arena *a, struct slice *value, struct fault *why);
	enum rc (*set)(
		void *e, struct slice key, struct slice value, uint64_t ttl_ms, struct fault *why);
	enum rc (*delete)(void *e, struct slice key, struct fault *why);
	/* All keys that begin so: an encoded key without its name, or its first octet alone. */
	enum rc (*delete_prefix)(void *e, struct slice begins, struct fault *why);
	enum rc (*add)(void *e, struct slice key, const struct lookup_add *add,
		struct lookup_count *out, struct fault *why);
	enum rc (*lock)(void *e, struct slice key, const struct lookup_lock *lock, uint64_t *fence,
		struct fault *why);
	enum rc (*unlock)(void *e, struct slice key, struct slice owner, struct fault *why);
	enum rc (*cleanup)(void *e, size_t *removed,
		struct fault *why); /* RC_MORE: call again. NULL: nothing to do */
	enum rc (*ready)(void *e, struct fault *why);
	void (*close)(void *e);
};

struct lookup {
	const struct lookup_engine *engine;
	void *e;
};

struct lookup *lookup_new(const struct lookup_engine *engine, void *e);

/* ---- record.c: what engines without scripts store: kind, when it expires, and the rest. Times are those of run_unix_us ---- */

enum lookup_record_kind {
	LOOKUP_RECORD_NONE,
	LOOKUP_RECORD_VALUE,
	LOOKUP_RECORD_COUNT,
	LOOKUP_RECORD_LOCK
};
struct lookup_record {
	enum lookup_record_kind kind;
	uint64_t until_us; /* 0: never */
	uint64_t n; /* COUNT, fixed: the count; LOCK: the fence */
	struct slice bytes; /* VALUE: it; LOCK: the owner */
};
void lookup_record_write(struct buf *out, const struct lookup_record *r);
/* What has expired, or is damaged, is LOOKUP_RECORD_NONE. */
struct lookup_record lookup_record_read(struct slice stored, uint64_t now_us);

/* Adds to the window whose state `r` is (NONE: a new one). True: `r` has changed and is to be stored. A leaky window's
 * until_us is when it would be empty. */
bool lookup_window_add(struct lookup_record *r, const struct lookup_add *add, uint64_t now_us,
	struct lookup_count *out);
/* Takes or renews a lock likewise. RC_TAKEN: somebody else has it. */
enum rc lookup_lock_take(
	struct lookup_record *r, const struct lookup_lock *lock, uint64_t now_us, uint64_t *fence);

#endif
