/* mysql.c: libmariadb without blocking: connecting, texts of several statements, what an error means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/mysql.h"
#include "base/mem.h"
#include "run/run.h"
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>
#include <mariadb/mysqld_error.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { DRAIN_BYTES = 1024 * 1024, PACKET_LEAST = 1024 * 1024, PACKET_SPARE = 1024 };

struct link_mysql {
	MYSQL handle;
	MYSQL_RES *rows; /* kept rows, or those that come one by one */
	enum link_state state;
	size_t packet;
	bool relaxed, connected;
};

/* --- waiting --- */

/* What the library waits for; 0: the deadline is over. */
static int wait_for(struct link_mysql *c, int wanted, uint64_t by_ms)
{
	struct pollfd p = { .fd = (int)mysql_get_socket(&c->handle) };
	uint64_t now = run_now_ms(NULL);
	p.events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
			   (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
			   (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
	if (now >= by_ms ||
		poll(&p, 1, by_ms - now > INT32_MAX ? INT32_MAX : (int)(by_ms - now)) == 0)
		return 0;
	int got = (p.revents & POLLIN ? MYSQL_WAIT_READ : 0) |
		  (p.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
		  (p.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
	return got ? got : wanted; /* an error shows when it reads or writes */
}

static enum rc late(struct link_mysql *c, struct fault *why)
{
	c->state = LINK_LATE;
	return fault_set(why, FAULT_STORE, "mysql: no answer in time");
}

/* Begins or goes on with one of the library's calls. */
struct call {
	int (*start)(struct link_mysql *c, struct call *s);
	int (*cont)(struct link_mysql *c, struct call *s, int got);
	struct slice text;
	int failed;
	MYSQL_RES *result;
	MYSQL_ROW row;
};

static enum rc finish(struct link_mysql *c, struct call *s, uint64_t by_ms, struct fault *why)
{
	int wanted = s->start(c, s);
	while (wanted) {
		int got = wait_for(c, wanted, by_ms);
		if (!got)
			return late(c, why);
		wanted = s->cont(c, s, got);
	}
	return RC_OK;
}

static int query_start(struct link_mysql *c, struct call *s)
{
	return mysql_real_query_start(
		&s->failed, &c->handle, (const char *)s->text.at, s->text.len);
}

static int query_cont(struct link_mysql *c, struct call *s, int got)
{
	return mysql_real_query_cont(&s->failed, &c->handle, got);
}

static int next_start(struct link_mysql *c, struct call *s)
{
	return mysql_next_result_start(&s->failed, &c->handle);
}

static int next_cont(struct link_mysql *c, struct call *s, int got)
{
	return mysql_next_result_cont(&s->failed, &c->handle, got);
}

static int store_start(struct link_mysql *c, struct call *s)
{
	return mysql_store_result_start(&s->result, &c->handle);
}

static int store_cont(struct link_mysql *c, struct call *s, int got)
{
	return mysql_store_result_cont(&s->result, &c->handle, got);
}

static int row_start(struct link_mysql *c, struct call *s)
{
	return mysql_fetch_row_start(&s->row, c->rows);
}

static int row_cont(struct link_mysql *c, struct call *s, int got)
{
	return mysql_fetch_row_cont(&s->row, c->rows, got);
}

/* --- errors --- */

static enum rc error_of(struct link_mysql *c, struct fault *why)
{
	unsigned code = mysql_errno(&c->handle);
	enum rc rc = fault_set(why, FAULT_STORE, "mysql: %s", mysql_error(&c->handle));
	switch (code) {
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
		return RC_TAKEN;
	case ER_NO_SUCH_TABLE:
		return RC_NONE;
	case ER_SUBQUERY_NO_1_ROW:
		return RC_DENIED;
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
		rc = fault_set(why, FAULT_STORE_FULL, "%s", "");
		return rc == RC_LIMIT ? rc : RC_LIMIT;
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_NET_PACKET_TOO_LARGE:
		c->state = LINK_LOST;
		return rc;
	default:
		if (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR)
			c->state = LINK_LOST;
		return rc;
	}
}

static void forget(struct link_mysql *c)
{
	mysql_free_result(c->rows);
	c->rows = NULL;
}

/* --- texts --- */

/* The result of one statement: its rows are kept. */
static enum rc keep(struct link_mysql *c, uint64_t by_ms, struct fault *why)
{
	struct call store = { .start = store_start, .cont = store_cont };
	if (mysql_field_count(&c->handle) == 0)
		return RC_OK;
	TRY(finish(c, &store, by_ms, why));
	if (!store.result)
		return error_of(c, why);
	forget(c);
	c->rows = store.result;
	return RC_OK;
}

enum rc link_mysql_run(struct link_mysql *c, struct slice text, uint64_t by_ms, struct fault *why)
{
	struct call query = { .start = query_start, .cont = query_cont, .text = text };
	struct call next = { .start = next_start, .cont = next_cont };
	forget(c);
	TRY(finish(c, &query, by_ms, why));
	if (query.failed)
		return error_of(c, why);
	TRY(keep(c, by_ms, why));
	while (mysql_more_results(&c->handle)) {
		TRY(finish(c, &next, by_ms, why));
		if (next.failed)
			return error_of(c, why);
		TRY(keep(c, by_ms, why));
	}
	return RC_OK;
}

size_t link_mysql_rows(const struct link_mysql *c)
{
	return c->rows ? (size_t)mysql_num_rows(c->rows) : 0;
}

static struct slice cell_of(struct link_mysql *c, MYSQL_ROW row, unsigned column)
{
	const unsigned long *lengths = mysql_fetch_lengths(c->rows);
	if (!row || !row[column])
		return (struct slice){ NULL, 0 };
	return slice_of(row[column], lengths[column]);
}

struct slice link_mysql_cell(struct link_mysql *c, size_t row, unsigned column)
{
	mysql_data_seek(c->rows, row);
	return cell_of(c, mysql_fetch_row(c->rows), column);
}

enum rc link_mysql_begin(struct link_mysql *c, struct slice text, uint64_t by_ms, struct fault *why)
{
	struct call query = { .start = query_start, .cont = query_cont, .text = text };
	struct call next = { .start = next_start, .cont = next_cont };
	forget(c);
	TRY(finish(c, &query, by_ms, why));
	if (query.failed)
		return error_of(c, why);
	while (mysql_field_count(&c->handle) == 0 && mysql_more_results(&c->handle)) {
		TRY(finish(c, &next, by_ms, why));
		if (next.failed)
			return error_of(c, why);
	}
	c->rows = mysql_use_result(&c->handle);
	return c->rows ? RC_OK : error_of(c, why);
}

enum rc link_mysql_next(
	struct link_mysql *c, struct slice *cells, unsigned n, uint64_t by_ms, struct fault *why)
{
	struct call fetch = { .start = row_start, .cont = row_cont };
	TRY(finish(c, &fetch, by_ms, why));
	for (unsigned i = 0; fetch.row && i < n; i++)
		cells[i] = cell_of(c, fetch.row, i);
	if (fetch.row)
		return RC_OK;
	if (mysql_errno(&c->handle))
		return error_of(c, why);
	forget(c);
	return RC_NONE;
}

/* A little is read and thrown away; a lot costs more than another connection. */
void link_mysql_end(struct link_mysql *c, uint64_t by_ms)
{
	struct slice cells[2];
	size_t bytes = 0;
	enum rc rc = RC_OK;
	while (c->rows && rc == RC_OK && bytes < DRAIN_BYTES) {
		rc = link_mysql_next(c, cells, 2, by_ms, NULL);
		bytes += rc == RC_OK ? cells[0].len + cells[1].len : 0;
	}
	if (c->rows && c->state == LINK_GOOD)
		c->state = LINK_ENDED;
}

void link_mysql_quote(struct buf *text, struct slice bytes)
{
	buf_byte(text, '\'');
	while (bytes.len) {
		size_t n = 0;
		while (n < bytes.len && bytes.at[n] != '\'' && bytes.at[n] != '\\')
			n++;
		buf_add(text, slice_head(bytes, n));
		if (n < bytes.len) {
			buf_byte(text, '\\');
			buf_byte(text, bytes.at[n++]);
		}
		bytes = slice_tail(bytes, n);
	}
	buf_byte(text, '\'');
}

bool link_mysql_closed(const struct link_mysql *c)
{
	uint8_t byte;
	/* at rest nothing is under way: an end or a farewell */
	return recv((int)mysql_get_socket((MYSQL *)(uintptr_t)&c->handle), &byte, 1,
		       MSG_PEEK | MSG_DONTWAIT) >= 0;
}

enum link_state link_mysql_state(const struct link_mysql *c)
{
	return c->state;
}

size_t link_mysql_text_max(const struct link_mysql *c)
{
	return c->packet - PACKET_SPARE;
}

/* --- opening --- */

static void options(struct link_mysql *c, const struct link_server *at)
{
	static const char session[] =
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES', autocommit = 1, "
		"innodb_lock_wait_timeout = 10, group_concat_max_len = 1048576";
	const my_bool yes = 1, no = 0;
	const char *ca = at->tls_ca[0] ? at->tls_ca : "/etc/ssl/certs/ca-certificates.crt";
	unsigned long most = 1ul << 30;
	mysql_options(&c->handle, MYSQL_OPT_NONBLOCK, NULL);
	mysql_options(&c->handle, MYSQL_SET_CHARSET_NAME, "binary");
	mysql_options(&c->handle, MYSQL_INIT_COMMAND, session);
	mysql_options(&c->handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &most);
	mysql_options(&c->handle, MYSQL_OPT_RECONNECT, &no);
	if (!at->tls)
		return;
	mysql_options(&c->handle, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_options(
		&c->handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, at->tls_allow_invalid ? &no : &yes);
	if (!at->tls_allow_invalid)
		mysql_options(&c->handle, MYSQL_OPT_SSL_CA, ca);
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static enum rc connect_by(
	struct link_mysql *c, const struct link_server *at, uint64_t by_ms, struct fault *why)
{
	MYSQL *done = NULL;
	bool is_path = at->host[0] == '/';
	unsigned tcp = MYSQL_PROTOCOL_TCP; /* to "localhost" too */
	options(c, at);
	if (at->host[0] && !is_path)
		mysql_options(&c->handle, MYSQL_OPT_PROTOCOL, &tcp);
	int wanted = mysql_real_connect_start(&done, &c->handle, is_path ? NULL : or_null(at->host),
		or_null(at->user), at->password, or_null(at->database), at->port,
		is_path ? at->host : NULL, CLIENT_MULTI_STATEMENTS);
	while (wanted) {
		int got = wait_for(c, wanted, by_ms);
		if (!got)
			return fault_set(why, FAULT_STORE, "mysql: no connection in time");
		wanted = mysql_real_connect_cont(&done, &c->handle, got);
	}
	c->connected = done != NULL;
	return done ? RC_OK : error_of(c, why);
}

static bool is_one_of(struct link_mysql *c, unsigned column, const char *values)
{
	struct slice cell = link_mysql_cell(c, 0, column), all = slice_str(values);
	while (all.len)
		if (slice_eq_nocase(slice_split(&all, ' '), cell))
			return true;
	return false;
}

/* Of the server as it is now: it may have been started anew with other settings, or be a replica by now. */
static enum rc examine(struct link_mysql *c, uint64_t by_ms, struct fault *why)
{
	static const struct {
		const char *name, *good;
	} promises[] = { { "innodb_flush_log_at_trx_commit", "1 3" },
		{ "innodb_doublewrite", "1 ON DETECT_AND_RECOVER" }, { "sync_binlog", "1" } };
	uint64_t packet = 0;
	TRY(link_mysql_run(c,
		S("SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, "
		  "IF(@@log_bin, @@sync_binlog, 1), @@read_only, @@max_allowed_packet;"),
		by_ms, why));
	if (link_mysql_rows(c) != 1 || !is_one_of(c, 3, "0 OFF"))
		return fault_set(
			why, FAULT_STORE, "mysql: this server is read-only and takes no writes");
	for (unsigned i = 0; i < 3 && !c->relaxed; i++)
		if (!is_one_of(c, i, promises[i].good))
			return fault_set(why, FAULT_CONFIG,
				"mysql: the server has %s = %.*s, so what it has answered may be "
				"lost; set it to 1, or durability = \"relaxed\"",
				promises[i].name, FMT(link_mysql_cell(c, 0, i)));
	if (slice_u64(link_mysql_cell(c, 0, 4), UINT64_MAX, &packet) != RC_OK ||
		packet < PACKET_LEAST)
		return fault_set(why, FAULT_CONFIG,
			"mysql: max_allowed_packet of the server must be 1 MiB at least");
	c->packet = (size_t)packet;
	return RC_OK;
}

enum rc link_mysql_open(
	const struct link_server *at, uint64_t by_ms, struct link_mysql **out, struct fault *why)
{
	struct link_mysql *c = mem_new(MEM_STORE, sizeof(*c));
	uint64_t soon = run_now_ms(NULL) + at->connect_ms;
	c->relaxed = at->relaxed;
	by_ms = soon < by_ms ? soon : by_ms;
	mysql_init(&c->handle);
	enum rc rc = connect_by(c, at, by_ms, why);
	if (rc == RC_OK)
		rc = examine(c, by_ms, why);
	if (rc != RC_OK) {
		link_mysql_close(c);
		return rc == RC_BAD ? rc : RC_TEMP;
	}
	*out = c;
	return RC_OK;
}

/* The library says farewell to the server, and would wait until that can be sent. */
void link_mysql_close(struct link_mysql *c)
{
	if (c->connected && c->state != LINK_GOOD)
		shutdown((int)mysql_get_socket(&c->handle), SHUT_RDWR);
	mysql_free_result(c->rows);
	mysql_close(&c->handle);
	mem_free(MEM_STORE, c);
}
