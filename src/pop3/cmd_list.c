/* cmd_list.c: STAT, LIST, UIDL, DELE, RSET: the messages by their numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"

enum rc pop3_cmd_stat(struct pop3_session *s, struct slice args, struct fault *why)
{
	struct pop3_chunk *c = NULL;
	uint64_t n = 0, octets = 0;
	uint32_t from = 1;
	if (args.len)
		return RC_BAD;
	do {
		TRY(pop3_chunk_read(s, &from, &c, why));
		for (size_t i = 0; i < c->n; i++)
			octets += c->entries[i].size;
		n += c->n;
	} while (c->n);
	buf_fmt(conn_out(s->conn), "+OK %llu %llu\r\n", (unsigned long long)n,
		(unsigned long long)octets);
	s->silent = true;
	return RC_OK;
}

typedef void row_fn(struct pop3_session *s, uint32_t number, const struct mail_entry *e);

static void scan_listing(struct pop3_session *s, uint32_t number, const struct mail_entry *e)
{
	struct buf *out = conn_out(s->conn);
	buf_u64(out, number);
	buf_byte(out, ' ');
	buf_u64(out, e->size);
	buf_str(out, "\r\n");
}

/* RFC 1939 7: the same in all sessions, and never given to another message: UIDVALIDITY and UID are just that. */
static void unique_id(struct pop3_session *s, uint32_t number, const struct mail_entry *e)
{
	struct buf *out = conn_out(s->conn);
	buf_u64(out, number);
	buf_byte(out, ' ');
	buf_u64(out, s->uid_validity);
	buf_byte(out, '.');
	buf_u64(out, e->uid);
	buf_str(out, "\r\n");
}

static enum rc all(struct pop3_session *s, row_fn *row, struct fault *why)
{
	struct pop3_chunk *c = NULL;
	while (!conn_out_full(s->conn)) {
		enum rc rc = pop3_chunk_read(s, &s->work.from, &c, why);
		if (rc != RC_OK) {
			(void)pop3_unsay(s);
			return rc;
		}
		for (size_t i = 0; i < c->n; i++)
			row(s, c->numbers[i], &c->entries[i]);
		if (!c->n) {
			buf_str(conn_out(s->conn), ".\r\n");
			return RC_OK;
		}
	}
	return RC_MORE;
}

static enum rc one(struct pop3_session *s, struct slice args, row_fn *row, struct fault *why)
{
	uint32_t number;
	struct mail_entry e;
	TRY(pop3_number(args, &number));
	TRY(pop3_find(s, number, &e, why));
	buf_str(conn_out(s->conn), "+OK ");
	row(s, number, &e);
	s->silent = true;
	return RC_OK;
}

static enum rc list(struct pop3_session *s, struct slice args, row_fn *row, struct fault *why)
{
	if (!s->work.begun) {
		if (args.len)
			return one(s, args, row, why);
		s->work.begun = true;
		s->work.from = 1;
		s->work.at = conn_out(s->conn)->len;
		buf_str(conn_out(s->conn), "+OK messages follow\r\n");
	}
	enum rc rc = all(s, row, why);
	s->silent |= rc == RC_OK;
	return rc;
}

enum rc pop3_cmd_list(struct pop3_session *s, struct slice args, struct fault *why)
{
	return list(s, args, scan_listing, why);
}

enum rc pop3_cmd_uidl(struct pop3_session *s, struct slice args, struct fault *why)
{
	return list(s, args, unique_id, why);
}

enum rc pop3_cmd_dele(struct pop3_session *s, struct slice args, struct fault *why)
{
	uint32_t number;
	struct mail_entry e;
	TRY(pop3_number(args, &number));
	TRY(pop3_find(s, number, &e, why));
	s->done = "deleted";
	return ranges_add(&s->deleted, e.uid, e.uid);
}

enum rc pop3_cmd_rset(struct pop3_session *s, struct slice args, struct fault *)
{
	if (args.len)
		return RC_BAD;
	ranges_clear(&s->deleted);
	s->done = "nothing is deleted";
	return RC_OK;
}
