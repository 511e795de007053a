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
	size_t ops_cap;
	struct overlay *overlay;
	/* figures */
	_Atomic uint64_t reads, scans, keys_read, bytes_copied, commits, conflicts, groups,
		batch_keys, batch_bytes;
	/* data_calm's alone */
	uint64_t reads_seen, commits_seen;
	unsigned calm_reads, calm_commits; /* seconds */
};

void committer_start(struct data *data);
void committer_stop(struct data *data);

#endif
