/* mysql.c: An engine on a MySQL or MariaDB server, which other nodes may write to: a group is one text of statements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/random.h"
#include "data/fold.h"
#include "data/mysql_text.h"
#include "link/mysql.h"
#include "run/run.h"

struct mysql {
	struct link_server at;
	struct pool *readers, *writer; /* the committer's connection is its own */
	uint8_t session[16]; /* of this committer, in the table of groups that are done */
	uint64_t turn;
	struct fold fold;
	struct buf text;
};

/* --- reading --- */

static enum rc begin(
	struct mysql *m, struct slice text, bool stream, struct link_mysql **out, struct fault *why)
{
	enum rc rc = RC_TEMP;
	bool lost = true;
	for (unsigned i = 0; rc != RC_OK && lost && i <= m->at.retries; i++) {
		void *conn;
		TRY(pool_take(m->readers, link_acquire_by(&m->at), &conn, NULL, why));
		rc = stream ? link_mysql_begin(conn, text, link_call_by(&m->at), why)
			    : link_mysql_run(conn, text, link_call_by(&m->at), why);
		lost = link_mysql_state(conn) == LINK_LOST;
		if (rc == RC_OK)
			*out = conn;
		else
			link_give(m->readers, conn, link_mysql_state(conn));
	}
	return rc == RC_OK || rc == RC_LIMIT ? rc : RC_TEMP;
}

static enum rc mysql_look(void *e, enum data_space space, struct slice key, data_look_fn *look,
	void *ctx, struct fault *why)
{
	struct mysql *m = e;
	struct link_mysql *c = NULL;
	struct buf text;
	buf_init(&text, 0, NULL);
	buf_fmt(&text, "SELECT v FROM veredus_kv%d WHERE k = ", (int)space);
	link_mysql_quote(&text, key);
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = begin(m, buf_slice(&text), false, &c, why);
	run_block_end();
	buf_done(&text);
	if (rc != RC_OK)
		return rc;
	if (link_mysql_rows(c))
		look(ctx, link_mysql_cell(c, 0, 0));
	else
		rc = RC_NONE;
	link_give(m->readers, c, link_mysql_state(c));
	return rc;
}

/* One statement, so one snapshot; its rows come as fast as they are taken. */
static enum rc read_rows(struct mysql *m, const struct data_range *range, data_visit_fn *visit,
	void *ctx, struct fault *why)
{
	struct link_mysql *c = NULL;
	struct slice cells[2];
	struct buf text;
	buf_init(&text, 0, NULL);
	buf_fmt(&text, "SELECT k, v FROM veredus_kv%d WHERE k >= ", (int)range->space);
	link_mysql_quote(&text, range->from);
	if (range->to.len) {
		buf_str(&text, " AND k < ");
		link_mysql_quote(&text, range->to);
	}
	buf_str(&text, range->reverse ? " ORDER BY k DESC" : " ORDER BY k");
	if (range->limit)
		buf_fmt(&text, " LIMIT %zu", range->limit);
	enum rc rc = begin(m, buf_slice(&text), true, &c, why);
	buf_done(&text);
	if (rc != RC_OK)
		return rc;
	while ((rc = link_mysql_next(c, cells, 2, link_call_by(&m->at), why)) == RC_OK)
		if (!visit(ctx, cells[0], cells[1]))
			break;
	if (rc == RC_OK)
		link_mysql_end(c, link_call_by(&m->at));
	link_give(m->readers, c, link_mysql_state(c));
	return rc == RC_OK || rc == RC_NONE ? RC_OK : RC_TEMP;
}

static enum rc mysql_scan(
	void *e, const struct data_range *range, data_visit_fn *visit, void *ctx, struct fault *why)
{
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = read_rows(e, range, visit, ctx, why);
	run_block_end();
	return rc;
}

/* --- committing --- */

/* Which fresh keys were there before: asked when one was, behind the transaction. None now: it is worth another try. */
static enum rc find_stale(
	struct mysql *m, struct engine_group *g, struct link_mysql *c, struct fault *why)
{
	enum rc rc = RC_MORE;
	for (size_t i = 0; i < g->asserts_n; i++) {
		const struct data_op *op = g->asserts[i].op;
		if (op->kind != DATA_ASSERT_ABSENT)
			continue;
		buf_reset(&m->text);
		buf_fmt(&m->text, "SELECT 1 FROM veredus_kv%d WHERE k = ", (int)op->space);
		link_mysql_quote(&m->text, op->key);
		TRY(link_mysql_run(c, buf_slice(&m->text), link_call_by(&m->at), why));
		if (link_mysql_rows(c)) {
			g->asserts[i].taken = true;
			rc = RC_TAKEN;
		}
	}
	return rc;
}

/* The text has stopped itself: it was done before, or asserts do not hold. */
static enum rc refused(
	struct mysql *m, struct mysql_text *t, struct link_mysql *c, struct fault *why)
{
	enum rc rc = link_mysql_run(c, S("ROLLBACK"), link_call_by(&m->at), why);
	if (rc != RC_OK)
		return rc == RC_TAKEN ? RC_TEMP : rc;
	if (t->is_done)
		return RC_OK;
	return t->marked ? RC_TAKEN : find_stale(m, t->group, c, why);
}

/* RC_WAIT: the connection went before the answer; RC_MORE: lost against others, nothing is written. */
static enum rc call(struct mysql *m, struct engine_group *g, struct fault *why)
{
	void *conn;
	TRY(pool_take(m->writer, link_acquire_by(&m->at), &conn, NULL, why));
	if (link_mysql_closed(conn)) { /* nothing is sent, so nothing is in doubt */
		link_give(m->writer, conn, LINK_LOST);
		TRY(pool_take(m->writer, link_acquire_by(&m->at), &conn, NULL, why));
	}
	struct mysql_text t = { .c = conn,
		.group = g,
		.fold = &m->fold,
		.text = &m->text,
		.session = slice_of(m->session, sizeof(m->session)),
		.turn = m->turn,
		.by_ms = link_call_by(&m->at),
		.why = why };
	enum rc rc = mysql_text_commit(&t);
	if (rc == RC_DENIED)
		rc = refused(m, &t, conn, why);
	else if (rc == RC_TAKEN)
		rc = RC_MORE;
	enum link_state state = link_mysql_state(conn);
	bool ends = state == LINK_GOOD && rc != RC_OK &&
		    rc != RC_TAKEN; /* perhaps within a transaction */
	link_give(m->writer, conn, ends ? LINK_ENDED : state);
	return state != LINK_GOOD && rc != RC_OK && rc != RC_TAKEN ? RC_WAIT : rc;
}

static enum rc mysql_commit(void *e, struct engine_group *g, struct fault *why)
{
	struct mysql *m = e;
	bool doubt = g->again; /* a call went out, and what became of it is not known */
	m->turn += !g->again;
	enum rc rc = fold_group(&m->fold, g, why);
	if (rc != RC_OK)
		return doubt ? RC_WAIT : rc;
	rc = RC_MORE;
	for (unsigned i = 0; (rc == RC_MORE || rc == RC_WAIT) && i <= m->at.retries; i++) {
		rc = call(m, g, why);
		doubt |= rc == RC_WAIT;
	}
	if (rc == RC_OK || rc == RC_TAKEN)
		return rc;
	return doubt ? RC_WAIT : rc == RC_LIMIT ? rc : RC_TEMP;
}

/* --- opening --- */

static enum rc conn_open(void *ctx, uint64_t by_ms, void **conn, struct fault *why)
{
	struct link_mysql *c = NULL;
	enum rc rc = link_mysql_open(ctx, by_ms, &c, why);
	*conn = c;
	return rc;
}

static void conn_close(void *conn)
{
	link_mysql_close(conn);
}

/* Makes what is missing; rows of committers that ended long ago go on the way. */
static enum rc prepare(struct mysql *m, struct fault *why)
{
	void *conn;
	uint64_t version = 0;
	TRY(pool_take(m->writer, link_acquire_by(&m->at), &conn, NULL, why));
	enum rc rc = link_mysql_run(conn, slice_str(mysql_text_setup), link_call_by(&m->at), why);
	if (rc == RC_OK &&
		(link_mysql_rows(conn) != 1 ||
			slice_u64(link_mysql_cell(conn, 0, 0), UINT64_MAX, &version) != RC_OK ||
			version != MYSQL_TEXT_SCHEMA))
		rc = fault_set(why, FAULT_CONFIG,
			"mysql: the database is of version %u, this program reads version %d",
			(unsigned)version, MYSQL_TEXT_SCHEMA);
	link_give(m->writer, conn, link_mysql_state(conn));
	return rc == RC_OK || rc == RC_BAD ? rc : RC_TEMP;
}

static void mysql_close(void *e)
{
	struct mysql *m = e;
	if (m->writer != m->readers)
		pool_free(&m->writer);
	pool_free(&m->readers);
	fold_done(&m->fold);
	buf_done(&m->text);
	mem_free(MEM_STORE, m);
}

enum rc engine_mysql_open(
	const struct data_options *o, const struct engine **type, void **e, struct fault *why)
{
	static const struct engine mysql = { .type = "mysql",
		.look = mysql_look,
		.scan = mysql_scan,
		.commit = mysql_commit,
		.close = mysql_close };
	static const struct pool_kind kind = { conn_open, conn_close };
	struct mysql *m = mem_new(MEM_STORE, sizeof(*m));
	unsigned most = o->server->connections_max;
	m->at = *o->server;
	random_bytes(m->session, sizeof(m->session));
	buf_init(&m->text, 0, NULL);
	struct pool_conf conf = { .kind = &kind,
		.arg = &m->at,
		.name = "mysql",
		.most = most > 1 ? most - 1 : 1,
		.idle_ms = m->at.idle_ms };
	m->readers = pool_new(&conf);
	conf.most = 1;
	m->writer = most > 1 ? pool_new(&conf) : m->readers;
	enum rc rc = prepare(m, why);
	if (rc != RC_OK) {
		mysql_close(m);
		return rc;
	}
	*type = &mysql;
	*e = m;
	return RC_OK;
}
