/* postgres_sql.h: What PostgreSQL keeps for us: tables, and the function that commits a group. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_POSTGRES_SQL_H
#define DATA_POSTGRES_SQL_H

#include "base/buf.h"

/* The function's parameters: its own, then for each space a set of arrays. */
enum {
	POSTGRES_SESSION,
	POSTGRES_TURN,
	POSTGRES_LAZY,
	POSTGRES_ARRAYS, /* the first array */
};
enum {
	POSTGRES_ASSERT,
	POSTGRES_WANTED,
	POSTGRES_FRESH,
	POSTGRES_FIRST,
	POSTGRES_PUT,
	POSTGRES_VALUE,
	POSTGRES_GONE,
	POSTGRES_ADD,
	POSTGRES_DELTA,
	POSTGRES_SPACE_ARRAYS,
};
/* It answers NULL: done already; an empty array: done; else nothing is done, and the numbers (from 1) of the asserts that do
 * not hold are in the array, of those of absence negated, those of a space further from 0 by: */
enum { POSTGRES_SPACE_STEP = 1 << 24 };

enum { POSTGRES_SCHEMA = 1, POSTGRES_SETUP_MAX = 16 };
/* The statements that make what is missing, in one transaction; how many. They live as long as `a`. */
size_t postgres_sql_setup(struct arena *a, const char **statements);

#endif
