/* faults.h: What every engine over one server does when the server fails. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_LOOKUP_FAULTS_H
#define TEST_UNIT_LOOKUP_FAULTS_H

#include "world.h"

/* Kills, stops and starts the server again; takes the store, whose calls end within `timeout_ms`. */
int test_faults(
	const char *name, struct lookup *lookup, struct server *server, uint64_t timeout_ms);
/* A value set: RC_OK or RC_TEMP; never later than `timeout_ms` and a little. */
bool faults_set_works(struct lookup *lookup, const char *name, uint64_t timeout_ms);

#endif
