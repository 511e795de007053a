/* mysql_text.c: The statements that commit a group: the committer's turn, asserts, a gate, what is written, COMMIT. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/mysql_text.h"

enum { ASSERTS_AT_ONCE = 64, KEPT_BYTES = 256 * 1024, STATEMENT_BYTES = 512 };

const char *const mysql_text_setup =
	"CREATE TABLE IF NOT EXISTS veredus_schema (one TINYINT PRIMARY KEY, version INT NOT NULL) "
	"ENGINE=InnoDB;"
	/* a row a committer: the last group that it wrote */
	"CREATE TABLE IF NOT EXISTS veredus_committer (session BINARY(16) PRIMARY KEY, turn BIGINT "
	"UNSIGNED "
	"NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB;"
	"CREATE TABLE IF NOT EXISTS veredus_kv0 (k VARBINARY(1024) PRIMARY KEY, v LONGBLOB NOT "
	"NULL) "
	"ENGINE=InnoDB ROW_FORMAT=DYNAMIC;"
	"CREATE TABLE IF NOT EXISTS veredus_kv1 (k VARBINARY(1024) PRIMARY KEY, v LONGBLOB NOT "
	"NULL) "
	"ENGINE=InnoDB ROW_FORMAT=DYNAMIC;"
	"INSERT INTO veredus_schema VALUES (1, 1) ON DUPLICATE KEY UPDATE one = 1;"
	"DELETE FROM veredus_committer WHERE at < NOW() - INTERVAL 30 DAY;"
	"SELECT version FROM veredus_schema";

/* --- the answer --- */

/* "3,17": numbers of asserts of that space, from 1. */
static void mark(struct mysql_text *t, enum data_space space, struct slice list)
{
	while (list.len) {
		uint64_t nth, n = 0;
		if (slice_u64(slice_split(&list, ','), UINT32_MAX, &nth) != RC_OK)
			return;
		for (size_t i = 0; i < t->group->asserts_n; i++) {
			struct engine_assert *a = &t->group->asserts[i];
			if (a->op->space == space && a->op->kind == DATA_ASSERT && ++n == nth)
				t->marked = a->taken = true;
		}
	}
}

static void take_answer(struct mysql_text *t)
{
	if (link_mysql_rows(t->c) != 1)
		return;
	t->is_done = slice_eq(link_mysql_cell(t->c, 0, 0), S("0"));
	for (unsigned s = 0; s < DATA_SPACES && !t->is_done; s++)
		mark(t, (enum data_space)s, link_mysql_cell(t->c, 0, 1 + s));
}

static void send(struct mysql_text *t)
{
	if (t->rc == RC_OK && t->text->over)
		t->rc = fault_set(t->why, FAULT_STORE, "%s", "no memory for a commit");
	if (t->rc == RC_OK && t->text->len) {
		t->rc = link_mysql_run(t->c, buf_slice(t->text), t->by_ms, t->why);
		take_answer(t);
	}
	buf_reset(t->text);
}

/* --- lists --- */

/* A statement with a row a key: its head, the rows, its tail; another one begins where a text has to end. */
struct list {
	const char *head, *tail; /* a format each, with the number of the space */
	enum data_space space;
	bool open;
};

static void format(struct mysql_text *t, const char *text, enum data_space space)
{
	for (; *text; text++) {
		if (*text == '#')
			buf_u64(t->text, (uint64_t)space);
		else
			buf_byte(t->text, (uint8_t)*text);
	}
}

static void list_end(struct mysql_text *t, struct list *l)
{
	if (l->open)
		format(t, l->tail, l->space);
	l->open = false;
}

static void list_row(struct mysql_text *t, struct list *l, struct slice key, struct slice value)
{
	size_t needs = 2 * (key.len + value.len) + STATEMENT_BYTES,
	       most = link_mysql_text_max(t->c);
	if (needs > most && t->rc == RC_OK)
		t->rc = fault_set(t->why, FAULT_STORE,
			"mysql: a value of %zu octets needs a greater max_allowed_packet",
			value.len);
	if (t->text->len + needs > most) {
		list_end(t, l);
		send(t);
	}
	if (l->open)
		buf_byte(t->text, ',');
	else
		format(t, l->head, l->space);
	l->open = true;
}

static void pair(struct mysql_text *t, struct list *l, struct slice key, struct slice value)
{
	list_row(t, l, key, value);
	buf_byte(t->text, '(');
	link_mysql_quote(t->text, key);
	buf_byte(t->text, ',');
	link_mysql_quote(t->text, value);
	buf_byte(t->text, ')');
}

/* --- the parts --- */

/* READ COMMITTED: no locks between keys, so neighbours of other nodes stay free. The committer's row moves from an older
 * turn to this one; when it does not, the group is done. */
static void begin(struct mysql_text *t)
{
	if (t->text->cap > KEPT_BYTES)
		buf_done(t->text);
	buf_reset(t->text);
	buf_str(t->text, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;START TRANSACTION;"
			 "INSERT INTO veredus_committer (session, turn) VALUES (");
	link_mysql_quote(t->text, t->session);
	buf_fmt(t->text,
		",%llu) ON DUPLICATE KEY UPDATE at = IF(turn < VALUES(turn), NOW(), at), "
		"turn = GREATEST(turn, VALUES(turn));"
		"SET @n = ROW_COUNT(), @a0 = NULL, @a1 = NULL, @f = 0;",
		(unsigned long long)t->turn);
}

/* The rows are locked, then compared: each is looked up by its key, whatever the statistics say. */
static void asserts(struct mysql_text *t, enum data_space space)
{
	static const char tail[] =
		") w LEFT JOIN veredus_kv# c FORCE INDEX (PRIMARY) ON c.k = w.k FOR UPDATE;"
		"SET @a# = NULLIF(CONCAT_WS(',', @a#, @x), '');";
	unsigned n = 0;
	for (size_t i = 0; i < t->group->asserts_n; i++) {
		const struct data_op *op = t->group->asserts[i].op;
		if (op->kind != DATA_ASSERT || op->space != space)
			continue;
		if (n % ASSERTS_AT_ONCE == 0)
			buf_str(t->text,
				"SELECT GROUP_CONCAT(IF(c.v <=> w.v, NULL, w.n)) INTO @x FROM (");
		buf_fmt(t->text,
			n % ASSERTS_AT_ONCE ? " UNION ALL SELECT %u, " : "SELECT %u AS n, ", n + 1);
		link_mysql_quote(t->text, op->key);
		buf_str(t->text, n % ASSERTS_AT_ONCE ? ", " : " AS k, ");
		link_mysql_quote(t->text, op->value);
		if (n++ % ASSERTS_AT_ONCE == 0)
			buf_str(t->text, " AS v");
		if (n % ASSERTS_AT_ONCE == 0)
			format(t, tail, space);
	}
	if (n % ASSERTS_AT_ONCE)
		format(t, tail, space);
}

static bool stays(const struct fold_row *row)
{
	return row->change == FOLD_PUT || row->change == FOLD_ADD;
}

/* The primary key is the lock on what must be absent; the number of rows that came tells whether all were. */
static size_t fresh(struct mysql_text *t, enum data_space space)
{
	struct list l = { "INSERT INTO veredus_kv# (k, v) VALUES ",
		" ON DUPLICATE KEY UPDATE k = veredus_kv#.k;SET @f = @f + ROW_COUNT();", space,
		false };
	size_t n = 0;
	for (size_t i = 0; i < t->fold->n; i++) {
		const struct fold_row *row = &t->fold->rows[i];
		if (row->space != space || !row->fresh)
			continue;
		pair(t, &l, row->key, stays(row) ? fold_value(row) : S(""));
		n++;
	}
	list_end(t, &l);
	return n;
}

/* Answers, and stops the text by an error when something does not hold. */
static void gate(struct mysql_text *t, size_t fresh_n)
{
	buf_fmt(t->text,
		"SELECT @n, @a0, @a1, @f;SET @x = (SELECT 1 FROM (SELECT 1 UNION ALL SELECT 2) g "
		"WHERE "
		"@n = 0 OR @a0 IS NOT NULL OR @a1 IS NOT NULL OR @f <> %zu);",
		fresh_n);
}

static void puts_of(struct mysql_text *t, enum data_space space, bool counters)
{
	static const char put[] = " ON DUPLICATE KEY UPDATE v = VALUES(v);";
	/* 8 octets, little-endian, wrapping */
	static const char add[] =
		" ON DUPLICATE KEY UPDATE v = IF(LENGTH(v) = 8, REVERSE(UNHEX(LPAD(CONV(CAST(MOD("
		"CAST(CONV(HEX(REVERSE(v)), 16, 10) AS DECIMAL(21)) + "
		"CAST(CONV(HEX(REVERSE(VALUES(v))), 16, 10) AS DECIMAL(21)), "
		"18446744073709551616) AS CHAR), 10, 16), 16, '0'))), VALUES(v));";
	struct list l = { "INSERT INTO veredus_kv# (k, v) VALUES ", counters ? add : put, space,
		false };
	for (size_t i = 0; i < t->fold->n; i++) {
		const struct fold_row *row = &t->fold->rows[i];
		if (row->space == space && !row->fresh && stays(row) &&
			(row->change == FOLD_ADD) == counters)
			pair(t, &l, row->key, fold_value(row));
	}
	list_end(t, &l);
}

static void deletes(struct mysql_text *t, enum data_space space)
{
	struct list l = { "DELETE FROM veredus_kv# WHERE k IN (", ");", space, false };
	for (size_t i = 0; i < t->fold->n; i++) {
		const struct fold_row *row = &t->fold->rows[i];
		if (row->space != space ||
			!(row->change == FOLD_DELETE || (row->fresh && !stays(row))))
			continue;
		list_row(t, &l, row->key, S(""));
		link_mysql_quote(t->text, row->key);
	}
	list_end(t, &l);
}

enum rc mysql_text_commit(struct mysql_text *t)
{
	size_t fresh_n = 0;
	begin(t);
	for (unsigned s = 0; s < DATA_SPACES; s++)
		asserts(t, (enum data_space)s);
	for (unsigned s = 0; s < DATA_SPACES; s++)
		fresh_n += fresh(t, (enum data_space)s);
	gate(t, fresh_n);
	for (unsigned s = 0; s < DATA_SPACES; s++) {
		puts_of(t, (enum data_space)s, false);
		puts_of(t, (enum data_space)s, true);
		deletes(t, (enum data_space)s);
	}
	buf_str(t->text, "COMMIT");
	send(t);
	return t->rc;
}
