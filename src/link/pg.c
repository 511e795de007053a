/* pg.c: libpq without blocking: connecting, a pipeline's results, what an error means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pg.h"
#include "base/mem.h"
#include "base/must.h"
#include "run/run.h"
#include <postgresql/libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { PARAMS_MAX = 32 };

struct link_pg {
	PGconn *pq;
	PGresult *last; /* the rows of the last call */
	enum link_state state;
	unsigned syncs; /* sent, and their answer not read yet */
	bool relaxed;
};

/* --- waiting --- */

/* Until the socket can be read, or written when there is something to write. */
static bool wait_for(PGconn *pq, short events, uint64_t by_ms)
{
	struct pollfd p = { .fd = PQsocket(pq), .events = events };
	uint64_t now = run_now_ms(NULL);
	if (p.fd < 0 || now >= by_ms)
		return false;
	return poll(&p, 1, by_ms - now > INT32_MAX ? INT32_MAX : (int)(by_ms - now)) != 0;
}

/* libpq's sentence in one line. */
static enum rc pq_fault(struct fault *why, const char *text)
{
	char line[200];
	size_t n = 0;
	for (; *text && n < sizeof(line) - 1; text++)
		line[n++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	return fault_set(why, FAULT_STORE, "postgresql: %s", line);
}

static enum rc late(struct link_pg *c, struct fault *why)
{
	c->state = LINK_LATE;
	return fault_set(why, FAULT_STORE, "postgresql: no answer in time");
}

static enum rc lost(struct link_pg *c, struct fault *why)
{
	c->state = LINK_LOST;
	return pq_fault(why, PQerrorMessage(c->pq));
}

/* --- sending and reading --- */

static bool send_query(struct link_pg *c, const struct link_pg_query *q)
{
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
	must(q->n <= PARAMS_MAX);
	for (size_t i = 0; i < q->n; i++) {
		values[i] = (const char *)q->params[i].at;
		lengths[i] = slice_int(q->params[i].len);
		formats[i] = 1;
	}
	return PQsendQueryParams(c->pq, q->sql, (int)q->n, NULL, values, lengths, formats, 1) == 1;
}

static bool send_sync(struct link_pg *c)
{
	if (PQpipelineSync(c->pq) != 1)
		return false;
	c->syncs++;
	return true;
}

/* All that is to be sent goes out, while what comes is taken in: neither side waits for the other. */
static enum rc flush(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	int left;
	while ((left = PQflush(c->pq)) > 0) {
		if (!wait_for(c->pq, POLLIN | POLLOUT, by_ms))
			return late(c, why);
		if (PQconsumeInput(c->pq) != 1)
			return lost(c, why);
	}
	return left < 0 ? lost(c, why) : RC_OK;
}

static enum rc error_of(struct link_pg *c, const PGresult *r, struct fault *why)
{
	static const struct {
		const char *state;
		enum rc rc;
	} known[] = { { "40001", RC_TAKEN }, { "40P01", RC_TAKEN }, { "55P03", RC_TAKEN },
		{ "42P01", RC_NONE }, { "42883", RC_NONE }, { "53100", RC_LIMIT } };
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	enum rc rc = pq_fault(why, text ? text : PQresultErrorMessage(r));
	if (!state || !severity || strcmp(severity, "ERROR") != 0)
		c->state = LINK_LOST; /* FATAL, PANIC, or libpq's own: the connection is gone */
	for (size_t i = 0; state && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].state, state) == 0)
			rc = known[i].rc;
	if (rc == RC_LIMIT && fault_set(why, FAULT_STORE_FULL, "%s", "") != RC_OK)
		return RC_LIMIT;
	return rc;
}

/* The next result; NULL: the end of a statement's. */
static enum rc next_result(struct link_pg *c, uint64_t by_ms, PGresult **out, struct fault *why)
{
	while (PQisBusy(c->pq)) {
		if (!wait_for(c->pq, POLLIN, by_ms))
			return late(c, why);
		if (PQconsumeInput(c->pq) != 1)
			return lost(c, why);
	}
	*out = PQgetResult(c->pq);
	return RC_OK;
}

/* Takes one result in: rows are kept, the first error of the call counts. */
static void take(struct link_pg *c, PGresult *r, enum rc *rc, struct fault *why)
{
	ExecStatusType status = PQresultStatus(r);
	if (status == PGRES_PIPELINE_SYNC)
		c->syncs--;
	if (status == PGRES_FATAL_ERROR && c->syncs <= 1 && *rc == RC_OK)
		*rc = error_of(c, r, why);
	if (status == PGRES_TUPLES_OK && c->syncs <= 1) {
		PQclear(c->last);
		c->last = r;
		return;
	}
	PQclear(r);
}

static enum rc read_all(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	enum rc rc = RC_OK;
	while (c->syncs) {
		PGresult *r = NULL;
		TRY(next_result(c, by_ms, &r, why));
		if (r)
			take(c, r, &rc, why);
		else if (PQstatus(c->pq) == CONNECTION_BAD)
			return rc == RC_OK ? lost(c, why) : rc;
	}
	return rc;
}

enum rc link_pg_run(struct link_pg *c, const struct link_pg_query *queries, size_t n,
	uint64_t by_ms, struct fault *why)
{
	bool sent = true;
	PQclear(c->last);
	c->last = NULL;
	for (size_t i = 0; sent && i < n; i++)
		sent = send_query(c, &queries[i]);
	if (!sent || !send_sync(c))
		return lost(c, why);
	TRY(flush(c, by_ms, why));
	return read_all(c, by_ms, why);
}

void link_pg_leave(struct link_pg *c)
{
	static const struct link_pg_query commit = { .sql = "COMMIT" };
	if (!send_query(c, &commit) || !send_sync(c) || PQflush(c->pq) != 0)
		c->state = LINK_ENDED;
}

bool link_pg_closed(struct link_pg *c)
{
	return PQconsumeInput(c->pq) != 1 || PQstatus(c->pq) != CONNECTION_OK;
}

enum link_state link_pg_state(const struct link_pg *c)
{
	if (c->state == LINK_GOOD && PQstatus(c->pq) != CONNECTION_OK)
		return LINK_LOST;
	return c->state;
}

size_t link_pg_rows(const struct link_pg *c)
{
	return c->last ? (size_t)PQntuples(c->last) : 0;
}

struct slice link_pg_cell(const struct link_pg *c, size_t row, int column)
{
	if (!c->last || PQgetisnull(c->last, (int)row, column))
		return (struct slice){ NULL, 0 };
	return slice_of(PQgetvalue(c->last, (int)row, column),
		(size_t)PQgetlength(c->last, (int)row, column));
}

/* --- opening --- */

static PGconn *begin(const struct link_server *at)
{
	char port[16], seconds[16];
	const char *mode = !at->tls ? "disable" : at->tls_allow_invalid ? "require" : "verify-full";
	const char *ca = at->tls_allow_invalid ? ""
			 : at->tls_ca[0]       ? at->tls_ca
					       : "/etc/ssl/certs/ca-certificates.crt";
	const char *const words[][2] = { { "host", at->host }, { "port", port },
		{ "dbname", at->database }, { "user", at->user }, { "password", at->password },
		{ "sslmode", mode }, { "sslrootcert", ca }, { "gssencmode", "disable" },
		{ "application_name", "veredus" }, { "client_encoding", "UTF8" },
		{ "tcp_user_timeout", seconds }, { "keepalives_idle", "30" } };
	const char *names[16] = { NULL }, *values[16] = { NULL };
	(void)snprintf(port, sizeof(port), "%u", at->port ? at->port : 5432);
	(void)snprintf(seconds, sizeof(seconds), "%u", at->call_ms);
	size_t n = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!words[i][1][0])
			continue;
		names[n] = words[i][0];
		values[n++] = words[i][1];
	}
	return PQconnectStartParams(names, values, 0);
}

static enum rc connect_by(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	PostgresPollingStatusType want = PGRES_POLLING_WRITING;
	if (!c->pq || PQstatus(c->pq) == CONNECTION_BAD)
		return pq_fault(why, c->pq ? PQerrorMessage(c->pq) : "no memory");
	while (want != PGRES_POLLING_OK) {
		if (want == PGRES_POLLING_FAILED)
			return pq_fault(why, PQerrorMessage(c->pq));
		if (!wait_for(c->pq, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, by_ms))
			return fault_set(why, FAULT_STORE, "postgresql: no connection in time");
		want = PQconnectPoll(c->pq);
	}
	return PQsetnonblocking(c->pq, 1) == 0 && PQenterPipelineMode(c->pq) == 1
		       ? RC_OK
		       : pq_fault(why, PQerrorMessage(c->pq));
}

static bool is_off(const struct link_pg *c, int column)
{
	return slice_eq(link_pg_cell(c, 0, column), S("off"));
}

/* Of the server as it is now: it may have been started anew with other settings, or be a replica by now. */
static enum rc examine(struct link_pg *c, uint64_t by_ms, struct fault *why)
{
	static const struct link_pg_query ask = {
		.sql = "SELECT current_setting('fsync'), current_setting('synchronous_commit'), "
		       "current_setting('full_page_writes'), "
		       "CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END"
	};
	static const char *const names[] = { "fsync", "synchronous_commit", "full_page_writes" };
	TRY(link_pg_run(c, &ask, 1, by_ms, why));
	if (link_pg_rows(c) != 1 || !is_off(c, 3))
		return fault_set(why, FAULT_STORE,
			"postgresql: this server is a replica and takes no writes");
	for (int i = 0; i < 3 && !c->relaxed; i++)
		if (is_off(c, i))
			return fault_set(why, FAULT_CONFIG,
				"postgresql: the server has %s = off, so what it has answered may "
				"be lost; turn it on, or set durability = \"relaxed\"",
				names[i]);
	return RC_OK;
}

enum rc link_pg_open(
	const struct link_server *at, uint64_t by_ms, struct link_pg **out, struct fault *why)
{
	struct link_pg *c = mem_new(MEM_STORE, sizeof(*c));
	uint64_t soon = run_now_ms(NULL) + at->connect_ms;
	c->relaxed = at->relaxed;
	c->pq = begin(at);
	by_ms = soon < by_ms ? soon : by_ms;
	enum rc rc = connect_by(c, by_ms, why);
	if (rc == RC_OK)
		rc = examine(c, by_ms, why);
	if (rc != RC_OK) {
		link_pg_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void link_pg_close(struct link_pg *c)
{
	PQclear(c->last);
	PQfinish(c->pq);
	mem_free(MEM_STORE, c);
}
