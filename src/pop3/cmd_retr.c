/* cmd_retr.c: RETR and TOP: a message, a frame at a time, as fast as the client takes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/fetch.h"
#include "mail/record.h"
#include "pop3/session.h"
#include "run/run.h"

/* A record's and a frame's octets need room once, not by doubling; dots and line ends seldom need more. */
static void make_room(struct buf *out, uint64_t size)
{
	enum { MOST = 2 * CONN_HIGH_WATER, SPARE = 1024 };
	size_t want = size < MOST ? (size_t)size : MOST;
	if (out->cap - out->len < want + SPARE)
		(void)buf_room(out, want + SPARE);
}

static enum rc begin(struct pop3_session *s, const struct mail_entry *e, struct fault *why)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	struct pop3_work *w = &s->work;
	struct slice bytes;
	struct mail_record rec;
	enum rc rc = mail_record_get(s->ma, e->mid, a, &bytes, why);
	if (rc == RC_OK)
		rc = mail_record_read(bytes, &rec);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NO_SUCH_MESSAGE, "%s", "");
	if (rc == RC_LOST && !why->id)
		return fault_set(why, FAULT_DAMAGED, "%s", "");
	TRY(rc);
	w->begun = true;
	w->at = conn_out(s->conn)->len;
	w->blob = rec.blob;
	w->left = rec.size;
	w->head_len = rec.head_len < rec.size ? rec.head_len : rec.size;
	if (w->is_top && !w->lines)
		w->left = w->head_len;
	make_room(conn_out(s->conn), w->left);
	return RC_OK;
}

/* TOP wants no more than so many lines behind the header: `from` is where this piece begins in the output. */
static void cut(struct pop3_work *w, struct buf *out, size_t from, uint64_t len)
{
	if (w->offset + len <= w->head_len)
		return;
	size_t head = w->offset < w->head_len ? (size_t)(w->head_len - w->offset) : 0;
	size_t body = from + head;
	out->len = body + pop3_body_lines(slice_tail(buf_slice(out), body), &w->lines);
	if (!w->lines)
		w->left = 0;
}

static enum rc piece(struct pop3_session *s, struct fault *why)
{
	struct pop3_work *w = &s->work;
	struct buf *out = conn_out(s->conn);
	size_t from = out->len;
	uint64_t room = BLOB_FRAME - w->offset % BLOB_FRAME; /* each frame is unpacked once */
	uint64_t len = w->left < room ? w->left : room;
	enum rc rc = mail_bytes_append(s->ma, &w->blob, w->offset, len, out, why);
	if (rc != RC_OK || out->len != from + len) {
		(void)pop3_unsay(s);
		return rc == RC_OK ? fault_set(why, FAULT_DAMAGED, "%s", "") : rc;
	}
	w->left -= len;
	if (w->is_top)
		cut(w, out, from, len);
	w->offset += len;
	pop3_body_stuff(&w->body, out, from);
	return RC_OK;
}

static enum rc pieces(struct pop3_session *s, struct fault *why)
{
	while (s->work.left) {
		if (conn_out_full(s->conn))
			return RC_MORE;
		TRY(piece(s, why));
	}
	pop3_body_end(&s->work.body, conn_out(s->conn));
	s->silent = true;
	return RC_OK;
}

enum rc pop3_cmd_retr(struct pop3_session *s, struct slice args, struct fault *why)
{
	uint32_t number;
	struct mail_entry e;
	if (!s->work.begun) {
		TRY(pop3_number(args, &number));
		TRY(pop3_find(s, number, &e, why));
		TRY(begin(s, &e, why));
		if (s->pop3->deps.deletes_retrieved)
			TRY(ranges_add(&s->retrieved, e.uid, e.uid));
		buf_fmt(conn_out(s->conn), "+OK %llu octets\r\n", (unsigned long long)s->work.left);
	}
	return pieces(s, why);
}

enum rc pop3_cmd_top(struct pop3_session *s, struct slice args, struct fault *why)
{
	uint32_t number;
	struct mail_entry e;
	if (!s->work.begun) {
		s->work.is_top = true;
		TRY(pop3_top(args, &number, &s->work.lines));
		TRY(pop3_find(s, number, &e, why));
		TRY(begin(s, &e, why));
		buf_str(conn_out(s->conn), "+OK top of the message follows\r\n");
	}
	return pieces(s, why);
}
