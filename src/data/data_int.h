/* data_int.h: A store: its engine, its committer, its counters. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_DATA_INT_H
#define DATA_DATA_INT_H

#include "base/lock.h"
#include "data/engine.h"
#include <stdatomic.h>

struct data {
	const struct engine *engine;
	void *e;
	/* committer.c */
	pthread_t thread;
	struct lock lock;
	pthread_cond_t more;
	struct data_batch *head, *tail; /* submitted, not taken yet */
	bool stopping, sleeping;
	const struct data_op **ops; /* of the group; the committer's alone */
	size_t ops_n, ops_cap;
	bool flush; /* the group wants it */
	struct overlay *overlay;
	struct engine_assert *asserts; /* of the group, for the server to check */
	size_t asserts_n, asserts_cap;
	const struct data_op *
		*failed; /* asserts of the group that the server has refused already */
	size_t failed_n, failed_cap;
	uint64_t told_us; /* when a failure was logged last */
	struct data_batch *doubt; /* a group of which nobody knows whether it is written */
	/* figures */
	_Atomic uint64_t reads, scans, keys_read, bytes_copied, commits, conflicts, groups,
		batch_keys, batch_bytes;
	/* data_calm's alone */
	uint64_t reads_seen, commits_seen;
	unsigned calm_reads, calm_commits; /* seconds */
};

void committer_start(struct data *data);
void committer_stop(struct data *data);

/* group.c: checks the asserts of all batches in order and writes those that hold, at once; `rc` of the others is set. The
 * answer is for those whose `rc` is still OK. RC_WAIT: an engine that cannot know yet; ask with group_again. */
enum rc group_write(struct data *data, struct data_batch *group, struct fault *why);
enum rc group_again(struct data *data, struct data_batch *group, struct fault *why);

#endif
