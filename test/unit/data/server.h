/* server.h: A real database server for the tests, by test/lib/stores.py; it ends with this process. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_DATA_SERVER_H
#define TEST_UNIT_DATA_SERVER_H

#include "link/link.h"

/* "postgresql", "mysql"; where it listens. Run from the project's folder. */
void server_start(const char *kind);
/* "wipe", "kill", "start", "stop", "pause", "go_on"; returns when it is done. */
void server_do(const char *word);
const struct link_server *server_at(void);
/* The timeouts of stores that are opened from now on. */
void server_patience(uint32_t call_ms);
void server_end(void);

#endif
