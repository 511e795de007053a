/* postgres_sql.c: The tables and functions that are made in a PostgreSQL database; decision 7 says why. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/postgres_sql.h"
#include "base/must.h"
#include "data/data.h"

/* Nodes that start at once make it one after the other. */
static const char *const before[] = { "SELECT pg_advisory_xact_lock(8607443271)",
	"CREATE TABLE IF NOT EXISTS veredus_schema (one boolean PRIMARY KEY, version integer NOT "
	"NULL)",
	/* a row a committer: the last group that it wrote */
	"CREATE TABLE IF NOT EXISTS veredus_committer (session bytea PRIMARY KEY, turn bigint NOT "
	"NULL, "
	"at timestamptz NOT NULL DEFAULT now())" };

static const char table[] =
	"CREATE TABLE IF NOT EXISTS veredus_kv%d (k bytea PRIMARY KEY, v bytea NOT NULL)";
/* Content comes compressed. */
static const char plain[] = "ALTER TABLE veredus_kv%d ALTER COLUMN v SET STORAGE EXTERNAL";

/* Counters of 8 octets, little-endian, wrapping. */
static const char add[] =
	"CREATE OR REPLACE FUNCTION veredus_add_1(old bytea, delta bytea) RETURNS bytea "
	"LANGUAGE plpgsql IMMUTABLE AS $f$ "
	"DECLARE total bytea := '\\x0000000000000000'; carry integer := 0; "
	"BEGIN "
	"IF octet_length(old) <> 8 THEN RETURN delta; END IF; "
	"FOR i IN 0..7 LOOP "
	"carry := carry + get_byte(old, i) + get_byte(delta, i); "
	"total := set_byte(total, i, carry & 255); carry := carry >> 8; "
	"END LOOP; "
	"RETURN total; "
	"END $f$";

/* The plans rest on the primary key whatever the statistics say: tables grow from nothing, and plans are kept. */
static const char write_head[] =
	") RETURNS integer[] LANGUAGE plpgsql "
	"SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off "
	"SET plan_cache_mode = force_generic_plan SET lock_timeout = '10s' AS $f$ "
	"DECLARE bad integer[] := '{}'; more integer[]; made bytea[]; "
	"BEGIN "
	"IF lazy THEN PERFORM set_config('synchronous_commit', 'off', true); END IF; "
	"INSERT INTO veredus_committer AS c (session, turn) VALUES (who, nth) "
	"ON CONFLICT (session) DO UPDATE SET turn = excluded.turn, at = now() WHERE c.turn < "
	"excluded.turn; "
	"IF NOT FOUND THEN RETURN NULL; END IF; ";

/* Each statement has its own snapshot: what is compared has been locked before. */
static const char write_check[] =
	"IF cardinality(a%1$d) > 0 THEN "
	"PERFORM 1 FROM veredus_kv%1$d WHERE k = ANY(a%1$d) ORDER BY k FOR UPDATE; "
	"SELECT coalesce(array_agg(i::integer + %2$d), '{}') INTO more "
	"FROM unnest(a%1$d, w%1$d) WITH ORDINALITY AS t(key, wanted, i) "
	"WHERE NOT EXISTS (SELECT 1 FROM veredus_kv%1$d WHERE k = key AND v = wanted); "
	"bad := bad || more; "
	"END IF; "
	"IF cardinality(f%1$d) > 0 THEN "
	"WITH new AS (INSERT INTO veredus_kv%1$d (k, v) SELECT key, value FROM unnest(f%1$d, "
	"v%1$d) AS "
	"t(key, value) ON CONFLICT DO NOTHING RETURNING k) SELECT array_agg(new.k) INTO made FROM "
	"new; "
	"IF cardinality(made) IS DISTINCT FROM cardinality(f%1$d) THEN "
	"SELECT coalesce(array_agg(-(i::integer + %2$d)), '{}') INTO more "
	"FROM unnest(f%1$d) WITH ORDINALITY AS t(key, i) "
	"WHERE made IS NULL OR NOT key = ANY(made); "
	"bad := bad || more; "
	"END IF; END IF; ";

static const char write_middle[] = "IF cardinality(bad) > 0 THEN RAISE SQLSTATE 'VD001'; END IF; ";

static const char write_apply[] =
	"IF cardinality(p%1$d) > 0 THEN "
	"INSERT INTO veredus_kv%1$d (k, v) SELECT key, value FROM unnest(p%1$d, x%1$d) AS t(key, "
	"value) "
	"ON CONFLICT (k) DO UPDATE SET v = excluded.v; "
	"END IF; "
	"IF cardinality(g%1$d) > 0 THEN DELETE FROM veredus_kv%1$d WHERE k = ANY(g%1$d); END IF; "
	"IF cardinality(n%1$d) > 0 THEN "
	"INSERT INTO veredus_kv%1$d AS c (k, v) SELECT key, value FROM unnest(n%1$d, d%1$d) AS "
	"t(key, value) "
	"ON CONFLICT (k) DO UPDATE SET v = veredus_add_1(c.v, excluded.v); "
	"END IF; ";

/* What was written before the refusal goes with the block. */
static const char write_tail[] =
	"RETURN '{}'; EXCEPTION WHEN SQLSTATE 'VD001' THEN "
	"PERFORM set_config('synchronous_commit', 'off', true); RETURN bad; END $f$";

static const char *write_function(struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_str(&b,
		"CREATE OR REPLACE FUNCTION veredus_write_1(who bytea, nth bigint, lazy boolean");
	for (int s = 0; s < DATA_SPACES; s++)
		for (const char *name = "awfvpxgnd"; *name; name++)
			buf_fmt(&b, ", %c%d bytea[]", *name, s);
	buf_str(&b, write_head);
	for (int s = 0; s < DATA_SPACES; s++)
		buf_fmt(&b, write_check, s, s * POSTGRES_SPACE_STEP);
	buf_str(&b, write_middle);
	for (int s = 0; s < DATA_SPACES; s++)
		buf_fmt(&b, write_apply, s);
	buf_str(&b, write_tail);
	buf_byte(&b, '\0');
	return (const char *)b.at;
}

size_t postgres_sql_setup(struct arena *a, const char **statements)
{
	size_t n = 0;
	for (; n < sizeof(before) / sizeof(before[0]); n++)
		statements[n] = before[n];
	for (int s = 0; s < DATA_SPACES; s++)
		statements[n++] = (const char *)arena_fmt(a, table, s).at;
	statements[n++] = (const char *)arena_fmt(a, plain, DATA_BLOB).at;
	statements[n++] = add;
	statements[n++] = write_function(a);
	statements[n++] = (const char *)arena_fmt(a,
		"INSERT INTO veredus_schema VALUES (true, %d) ON CONFLICT DO NOTHING",
		POSTGRES_SCHEMA)
				  .at;
	must(n <= POSTGRES_SETUP_MAX);
	return n;
}
