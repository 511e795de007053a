/* mysql_text.h: What MySQL is told: tables, and the text of statements that commits a group. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_MYSQL_TEXT_H
#define DATA_MYSQL_TEXT_H

#include "data/fold.h"
#include "link/mysql.h"

enum { MYSQL_TEXT_SCHEMA = 1 };
/* Makes what is missing, and asks for the version. */
extern const char *const mysql_text_setup;

/* A group on its way to the server: in one text, or in several of one transaction where one would be longer than the server
 * takes. */
struct mysql_text {
	struct link_mysql *c;
	struct engine_group *group;
	const struct fold *fold;
	struct buf *text; /* what is not sent yet; the caller's, used again */
	struct slice session; /* of the committer */
	uint64_t turn;
	uint64_t by_ms;
	struct fault *why;
	/* the answer: */
	enum rc rc;
	bool is_done; /* by an earlier call: this one changed nothing */
	bool marked; /* asserts of a value that do not hold are marked */
};

/* RC_OK: committed. RC_DENIED: nothing is written, the transaction is still open; is_done, marked, or a key is not fresh.
 * Others as link_mysql_run. */
enum rc mysql_text_commit(struct mysql_text *t);

#endif
