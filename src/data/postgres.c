/* postgres.c: An engine on a PostgreSQL server, which other nodes may write to: a group is one call of one function. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/random.h"
#include "data/fold.h"
#include "data/postgres_sql.h"
#include "link/pg.h"
#include "run/run.h"
#include <stdio.h>
#include <string.h>

enum {
	CHUNK_FIRST = 64, /* rows of a scan's first question, and of the others */
	CHUNK_ROWS = 1024,
	CHUNK_BYTES = 1024 * 1024, /* values of one answer, but at least one row */
	KEPT_BYTES = 64 * 1024, /* what an array keeps between groups */
	ARRAYS = POSTGRES_SPACE_ARRAYS * DATA_SPACES,
	PARAMS = POSTGRES_ARRAYS + ARRAYS,
};

/* An array in PostgreSQL's binary form; its head is filled in at the end. */
struct column {
	struct buf bytes;
	uint32_t n;
};

struct postgres {
	struct link_server at;
	struct pool *readers, *writer; /* the committer's connection is its own */
	uint8_t session[16]; /* of this committer, in the table of groups that are done */
	uint64_t turn;
	struct fold fold;
	struct column columns[ARRAYS];
};

/* --- reading --- */

/* A connection with the answer; one that the server closed while it rested is no reason to fail. Failures in a transaction end
 * the connection. */
static enum rc ask(struct postgres *p, const struct link_pg_query *q, size_t n,
	struct link_pg **out, struct fault *why)
{
	enum rc rc = RC_TEMP;
	bool lost = true;
	for (unsigned i = 0; rc != RC_OK && lost && i <= p->at.retries; i++) {
		void *conn;
		TRY(pool_take(p->readers, link_acquire_by(&p->at), &conn, NULL, why));
		rc = link_pg_run(conn, q, n, link_call_by(&p->at), why);
		enum link_state state = link_pg_state(conn);
		lost = state == LINK_LOST;
		if (rc == RC_OK)
			*out = conn;
		else
			link_give(p->readers, conn, state == LINK_GOOD ? LINK_ENDED : state);
	}
	return rc == RC_OK || rc == RC_LIMIT ? rc : RC_TEMP;
}

static enum rc postgres_look(void *e, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	static const char *const sql[DATA_SPACES] = {
		"SELECT v FROM veredus_kv0 WHERE k = $1::bytea",
		"SELECT v FROM veredus_kv1 WHERE k = $1::bytea"
	};
	struct postgres *p = e;
	struct link_pg_query q = { .sql = sql[space], .params = &key, .n = 1 };
	struct link_pg *c;
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = ask(p, &q, 1, &c, why);
	run_block_end();
	if (rc != RC_OK)
		return rc;
	if (link_pg_rows(c))
		look(ctx, link_pg_cell(c, 0, 0));
	else
		rc = RC_NONE;
	link_give(p->readers, c, link_pg_state(c));
	return rc;
}

/* A scan goes on behind the last key; all of its questions see one snapshot. */
struct reading {
	const struct data_range *range;
	struct slice from, to;
	size_t rows, left; /* of the next question; in all, 0: no limit */
	bool ended;
	uint8_t bound[DATA_KEY_MAX + 1];
};

static void be64(uint8_t out[8], uint64_t n)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* BEGIN only with the first question, and not when one row is all that is wanted. */
static enum rc ask_rows(
	struct postgres *p, const struct reading *r, struct link_pg **c, struct fault *why)
{
	static const char *const text[] = { "ASC", "DESC" };
	char sql[512];
	uint8_t rows[8], bytes[8];
	be64(rows, r->rows);
	be64(bytes, CHUNK_BYTES);
	(void)snprintf(sql, sizeof(sql),
		"SELECT k, v FROM (SELECT k, v, sum(octet_length(v)) OVER (ORDER BY k %2$s ROWS "
		"UNBOUNDED PRECEDING) - octet_length(v) AS before FROM (SELECT k, v FROM "
		"veredus_kv%1$d WHERE k >= $1::bytea AND ($2::bytea IS NULL OR k < $2::bytea) "
		"ORDER BY k %2$s LIMIT $3::bigint) t) u WHERE before < $4::bigint ORDER BY k %2$s",
		(int)r->range->space, text[r->range->reverse]);
	struct slice params[] = { r->from.len ? r->from : S(""), r->to, slice_of(rows, 8),
		slice_of(bytes, 8) };
	if (r->to.len == 0)
		params[1].at = NULL;
	struct link_pg_query q[] = { { .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
		{ .sql = sql, .params = params, .n = 4 } };
	run_block_begin(RUN_STORE_DATA);
	bool one = r->range->limit == 1;
	enum rc rc = *c ? link_pg_run(*c, &q[1], 1, link_call_by(&p->at), why)
			: ask(p, one ? &q[1] : q, one ? 1 : 2, c, why);
	run_block_end();
	return rc;
}

static void hand_out(struct reading *r, const struct link_pg *c, data_visit_fn *visit, void *ctx)
{
	size_t n = link_pg_rows(c), bytes = 0;
	struct slice key = S("");
	for (size_t i = 0; i < n && !r->ended; i++) {
		struct slice value = link_pg_cell(c, i, 1);
		key = link_pg_cell(c, i, 0);
		bytes += value.len;
		r->ended = !visit(ctx, key, value) || (r->left && --r->left == 0) ||
			   key.len > DATA_KEY_MAX;
	}
	r->ended |= n == 0 || (n < r->rows && bytes < CHUNK_BYTES);
	if (r->ended)
		return;
	memcpy(r->bound, key.at, key.len);
	r->bound[key.len] = 0; /* the least key behind it */
	if (r->range->reverse)
		r->to = slice_of(r->bound, key.len);
	else
		r->from = slice_of(r->bound, key.len + 1);
	r->rows = r->left && r->left < CHUNK_ROWS ? r->left : CHUNK_ROWS;
}

static enum rc postgres_scan(
	void *e, const struct data_range *range, data_visit_fn *visit, void *ctx, struct fault *why)
{
	struct postgres *p = e;
	struct link_pg *c = NULL;
	enum rc rc = RC_OK;
	struct reading r = { .range = range,
		.from = range->from,
		.to = range->to,
		.left = range->limit,
		.rows = range->limit && range->limit < CHUNK_FIRST ? range->limit : CHUNK_FIRST };
	while (!r.ended && (rc = ask_rows(p, &r, &c, why)) == RC_OK)
		hand_out(&r, c, visit, ctx);
	if (!c)
		return rc;
	if (rc == RC_OK && range->limit != 1)
		link_pg_leave(c);
	enum link_state state = link_pg_state(c);
	link_give(p->readers, c, rc != RC_OK && state == LINK_GOOD ? LINK_ENDED : state);
	return rc == RC_OK || rc == RC_LIMIT ? rc : RC_TEMP;
}

/* --- committing --- */

static void column_begin(struct column *c)
{
	enum { ONE_DIMENSION = 1, NO_NULLS = 0, BYTEA = 17, FROM = 1 };
	if (c->bytes.cap > KEPT_BYTES)
		buf_done(&c->bytes);
	buf_reset(&c->bytes);
	c->n = 0;
	buf_be32(&c->bytes, ONE_DIMENSION);
	buf_be32(&c->bytes, NO_NULLS);
	buf_be32(&c->bytes, BYTEA);
	buf_be32(&c->bytes, 0);
	buf_be32(&c->bytes, FROM);
}

static void column_add(struct column *c, struct slice s)
{
	buf_be32(&c->bytes, (uint32_t)s.len);
	buf_add(&c->bytes, s);
	c->n++;
}

static struct slice column_end(struct column *c)
{
	if (c->bytes.over)
		return (struct slice){ NULL, 0 };
	for (int i = 0; i < 4; i++)
		c->bytes.at[12 + i] = (uint8_t)(c->n >> (24 - 8 * i));
	if (c->n == 0) { /* of no dimension */
		memset(c->bytes.at, 0, 4);
		return slice_head(buf_slice(&c->bytes), 12);
	}
	return buf_slice(&c->bytes);
}

static void add_row(struct postgres *p, const struct fold_row *row)
{
	struct column *of = &p->columns[row->space * POSTGRES_SPACE_ARRAYS];
	enum fold_change change = row->change;
	if (row->fresh) {
		bool stays = change == FOLD_PUT || change == FOLD_ADD;
		column_add(&of[POSTGRES_FRESH], row->key);
		column_add(&of[POSTGRES_FIRST], stays ? fold_value(row) : S(""));
		if (!stays)
			column_add(&of[POSTGRES_GONE], row->key);
	} else if (change == FOLD_PUT) {
		column_add(&of[POSTGRES_PUT], row->key);
		column_add(&of[POSTGRES_VALUE], fold_value(row));
	} else if (change == FOLD_ADD) {
		column_add(&of[POSTGRES_ADD], row->key);
		column_add(&of[POSTGRES_DELTA], fold_value(row));
	} else if (change == FOLD_DELETE) {
		column_add(&of[POSTGRES_GONE], row->key);
	}
}

static enum rc fill(struct postgres *p, const struct engine_group *g, struct fault *why)
{
	TRY(fold_group(&p->fold, g, why));
	for (size_t i = 0; i < ARRAYS; i++)
		column_begin(&p->columns[i]);
	for (size_t i = 0; i < g->asserts_n; i++) {
		const struct data_op *op = g->asserts[i].op;
		struct column *of = &p->columns[op->space * POSTGRES_SPACE_ARRAYS];
		if (op->kind != DATA_ASSERT)
			continue;
		column_add(&of[POSTGRES_ASSERT], op->key);
		column_add(&of[POSTGRES_WANTED], op->value);
	}
	for (size_t i = 0; i < p->fold.n; i++)
		add_row(p, &p->fold.rows[i]);
	return RC_OK;
}

/* The nth assert of a value, or all asserts that the nth fresh key is absent. */
static bool mark(struct postgres *p, struct engine_group *g, enum data_space space, int32_t nth)
{
	struct slice key = S("");
	int32_t n = 0;
	bool marked = false;
	for (size_t i = 0; nth < 0 && i < p->fold.n; i++)
		if (p->fold.rows[i].space == space && p->fold.rows[i].fresh && ++n == -nth)
			key = p->fold.rows[i].key;
	for (size_t i = 0; i < g->asserts_n; i++) {
		const struct data_op *op = g->asserts[i].op;
		bool value = op->kind == DATA_ASSERT;
		if (op->space != space || value != (nth > 0))
			continue;
		if (value ? ++n == nth : slice_eq(op->key, key))
			marked = g->asserts[i].taken = true;
	}
	return marked;
}

/* The function's answer: a cell with an array of integers. */
static enum rc understand(
	struct postgres *p, struct engine_group *g, const struct link_pg *c, struct fault *why)
{
	struct slice in = link_pg_cell(c, 0, 0), cell;
	uint32_t head[5], n = 0, len;
	bool marked = false;
	if (link_pg_rows(c) != 1)
		return fault_set(why, FAULT_STORE, "postgresql: no answer to a commit");
	if (!in.at)
		return RC_OK; /* done before the connection went */
	if (take_be32(&in, &head[0]) != RC_OK || head[0] == 0)
		return RC_OK;
	for (int i = 1; i < 5; i++)
		if (take_be32(&in, &head[i]) != RC_OK)
			return fault_set(why, FAULT_STORE, "postgresql: an answer is cut short");
	while (take_be32(&in, &len) == RC_OK && take_bytes(&in, len, &cell) == RC_OK) {
		if (take_be32(&cell, &n) != RC_OK)
			break;
		int32_t nth = (int32_t)n, size = nth < 0 ? -nth : nth;
		enum data_space space = size / POSTGRES_SPACE_STEP ? DATA_BLOB : DATA_MAIN;
		size %= POSTGRES_SPACE_STEP;
		marked |= mark(p, g, space, nth < 0 ? -size : size);
	}
	return marked ? RC_TAKEN : fault_set(why, FAULT_STORE, "postgresql: a commit was refused");
}

static const char commit_sql[] =
	"SELECT veredus_write_1($1::bytea, $2::bigint, $3::boolean, $4::bytea[], $5::bytea[], "
	"$6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], "
	"$12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[], "
	"$18::bytea[], $19::bytea[], $20::bytea[], $21::bytea[])";
_Static_assert(PARAMS == 21, "as many as there are in commit_sql");

/* One round trip. RC_WAIT: the connection went before the answer; RC_MORE: lost against others, nothing is written. */
static enum rc call(
	struct postgres *p, struct engine_group *g, const struct slice *params, struct fault *why)
{
	struct link_pg_query q = { .sql = commit_sql, .params = params, .n = PARAMS };
	void *conn;
	TRY(pool_take(p->writer, link_acquire_by(&p->at), &conn, NULL, why));
	if (link_pg_closed(conn)) { /* nothing is sent, so nothing is in doubt */
		link_give(p->writer, conn, LINK_LOST);
		TRY(pool_take(p->writer, link_acquire_by(&p->at), &conn, NULL, why));
	}
	enum rc rc = link_pg_run(conn, &q, 1, link_call_by(&p->at), why);
	if (rc == RC_OK)
		rc = understand(p, g, conn, why);
	else if (rc == RC_TAKEN)
		rc = RC_MORE;
	enum link_state state = link_pg_state(conn);
	link_give(p->writer, conn, state);
	return state != LINK_GOOD && rc != RC_OK ? RC_WAIT : rc;
}

static enum rc postgres_commit(void *e, struct engine_group *g, struct fault *why)
{
	struct postgres *p = e;
	struct slice params[PARAMS];
	uint8_t turn[8], lazy = !g->flush;
	bool doubt = g->again; /* a call went out, and what became of it is not known */
	p->turn += !g->again;
	be64(turn, p->turn);
	enum rc rc = fill(p, g, why);
	params[POSTGRES_SESSION] = slice_of(p->session, sizeof(p->session));
	params[POSTGRES_TURN] = slice_of(turn, sizeof(turn));
	params[POSTGRES_LAZY] = slice_of(&lazy, 1);
	for (size_t i = 0; rc == RC_OK && i < ARRAYS; i++) {
		params[POSTGRES_ARRAYS + i] = column_end(&p->columns[i]);
		if (!params[POSTGRES_ARRAYS + i].at)
			rc = fault_set(why, FAULT_STORE, "%s", "no memory for a commit");
	}
	if (rc != RC_OK)
		return doubt ? RC_WAIT : rc;
	rc = RC_MORE;
	for (unsigned i = 0; (rc == RC_MORE || rc == RC_WAIT) && i <= p->at.retries; i++) {
		rc = call(p, g, params, why);
		doubt |= rc == RC_WAIT;
	}
	if (rc == RC_OK || rc == RC_TAKEN)
		return rc;
	return doubt ? RC_WAIT : rc == RC_LIMIT ? rc : RC_TEMP;
}

/* --- opening --- */

static enum rc pg_open(void *ctx, uint64_t by_ms, void **conn, struct fault *why)
{
	struct link_pg *c = NULL;
	enum rc rc = link_pg_open(ctx, by_ms, &c, why);
	*conn = c;
	return rc;
}

static void pg_close(void *conn)
{
	link_pg_close(conn);
}

/* RC_NONE: there is no such table. */
static enum rc version(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	static const struct link_pg_query ask_version = {
		.sql = "SELECT version::integer FROM veredus_schema"
	};
	uint32_t n = 0;
	TRY(link_pg_run(c, &ask_version, 1, by_ms, why));
	struct slice cell = link_pg_rows(c) ? link_pg_cell(c, 0, 0) : S("");
	if (take_be32(&cell, &n) == RC_OK && n == POSTGRES_SCHEMA)
		return RC_OK;
	return fault_set(why, FAULT_CONFIG,
		"postgresql: the database is of version %u, this program reads version %d",
		(unsigned)n, POSTGRES_SCHEMA);
}

static enum rc make(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	const char *statements[POSTGRES_SETUP_MAX];
	struct link_pg_query q[POSTGRES_SETUP_MAX] = { 0 };
	struct arena a;
	arena_init(&a, 0);
	size_t n = postgres_sql_setup(&a, statements);
	for (size_t i = 0; i < n; i++)
		q[i].sql = statements[i];
	enum rc rc = link_pg_run(c, q, n, by_ms, why);
	arena_done(&a);
	return rc;
}

/* Rows of committers that ended long ago go on the way. */
static enum rc prepare(struct postgres *p, struct fault *why)
{
	static const struct link_pg_query tidy = {
		.sql = "DELETE FROM veredus_committer WHERE at < now() - interval '30 days'"
	};
	void *conn;
	TRY(pool_take(p->writer, link_acquire_by(&p->at), &conn, NULL, why));
	uint64_t by = link_call_by(&p->at);
	enum rc rc = version(conn, by, why);
	if (rc == RC_NONE) {
		rc = make(conn, by, why);
		if (rc == RC_OK)
			rc = version(conn, by, why);
	}
	if (rc == RC_OK)
		rc = link_pg_run(conn, &tidy, 1, by, why);
	link_give(p->writer, conn, link_pg_state(conn));
	return rc;
}

static void postgres_close(void *e)
{
	struct postgres *p = e;
	if (p->writer != p->readers)
		pool_free(&p->writer);
	pool_free(&p->readers);
	fold_done(&p->fold);
	for (size_t i = 0; i < ARRAYS; i++)
		buf_done(&p->columns[i].bytes);
	mem_free(MEM_STORE, p);
}

enum rc engine_postgresql_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why)
{
	static const struct engine postgresql = { .type = "postgresql",
		.look = postgres_look,
		.scan = postgres_scan,
		.commit = postgres_commit,
		.close = postgres_close };
	static const struct pool_kind kind = { pg_open, pg_close };
	struct postgres *p = mem_new(MEM_STORE, sizeof(*p));
	unsigned most = o->server->connections_max;
	p->at = *o->server;
	random_bytes(p->session, sizeof(p->session));
	for (size_t i = 0; i < ARRAYS; i++)
		buf_init(&p->columns[i].bytes, 0, NULL);
	struct pool_conf conf = { .kind = &kind,
		.arg = &p->at,
		.name = "postgresql",
		.most = most > 1 ? most - 1 : 1,
		.idle_ms = p->at.idle_ms };
	p->readers = pool_new(&conf);
	conf.most = 1;
	p->writer = most > 1 ? pool_new(&conf) : p->readers;
	enum rc rc = prepare(p, why);
	if (rc != RC_OK) {
		postgres_close(p);
		return rc;
	}
	*type = &postgresql;
	*e = p;
	return RC_OK;
}
