/* body.c: The body of a message while it arrives: held until its head is known, then handed on as it comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "mime/mime.h"
#include "post/post_int.h"

/* The trace fields go in front and are hashed first, and what submission adds depends on the whole header: so much is
 * held, and not more. */
enum { HOLD_LEAST = BLOB_FRAME, HOLD_MOST = 1024 * 1024 };

/* Looks at each octet once, however small the pieces are. */
static bool has_header(struct post_mail *m)
{
	struct slice held = buf_slice(&m->held), rest = slice_tail(held, m->looked);
	m->looked = held.len > 2 ? held.len - 2 : 0; /* the end of a header may begin there */
	return slice_search(rest, S("\n\r\n")) < rest.len ||
	       slice_search(rest, S("\n\n")) < rest.len || slice_starts(held, S("\r\n"));
}

static bool has_8bit(struct slice s)
{
	uint64_t word;
	for (; s.len >= sizeof(word); s = slice_tail(s, sizeof(word))) {
		memcpy(&word, s.at, sizeof(word));
		if (word & 0x8080808080808080u)
			return true;
	}
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

/* What the queue asks of a message. Of its parts' headers we do not know. */
static void look(struct post_mail *m)
{
	struct slice held = buf_slice(&m->held), type = S(""),
		     header = slice_head(held, slice_search(held, S("\r\n\r\n")));
	m->has_utf8_header = has_8bit(header) || has_8bit(buf_slice(&m->head));
	m->has_8bit |= m->has_utf8_header;
	if (mime_field_find(header, S("Content-Type"), &type) != RC_OK)
		return;
	type = slice_trim(type);
	m->has_parts = slice_starts_nocase(type, S("multipart/")) ||
		       slice_starts_nocase(type, S("message/"));
}

/* The head is fixed; from here on nothing is held. */
static enum rc start(struct post_mail *m, struct fault *why)
{
	must(!m->started);
	m->started = true;
	if (m->src->complete)
		m->src->complete(m->src->arg);
	post_trace_fields(m);
	if (m->head.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (post_received_count(buf_slice(&m->held)) >= m->post->deps.hops_max)
		return fault_set(why, FAULT_LOOP, "%s", "");
	look(m);
	TRY(mail_intake_begin(&m->in, m->post->deps.blob, &m->frame, &m->work, why));
	TRY(mail_intake_add(&m->in, buf_slice(&m->head), why));
	TRY(mail_intake_add(&m->in, buf_slice(&m->held), why));
	buf_done(&m->held);
	return RC_OK;
}

static enum rc put(struct post_mail *m, struct slice bytes, struct fault *why)
{
	if (m->post->deps.size_max && m->size + bytes.len > m->post->deps.size_max)
		return fault_set(why, FAULT_MESSAGE_TOO_BIG, "%s", "");
	m->size += bytes.len;
	m->has_8bit = m->has_8bit || has_8bit(bytes);
	if (m->started)
		return mail_intake_add(&m->in, bytes, why);
	buf_add(&m->held, bytes);
	if (m->held.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	bool enough = m->held.len >= HOLD_MOST || (m->held.len >= HOLD_LEAST && has_header(m));
	return enough ? start(m, why) : RC_OK;
}

/* A CR or LF alone (RFC 5321 2.3.8): where chunks have a length it hides no command, but passed on by DATA it could. */
static bool is_bare(struct post_mail *m, struct slice in)
{
	bool cr = m->after_cr;
	while (in.len) {
		if (cr && in.at[0] != '\n')
			return true;
		in = slice_tail(in, cr ? 1 : 0);
		size_t next = slice_find(in, '\r');
		if (slice_find(slice_head(in, next), '\n') < next)
			return true;
		cr = next < in.len;
		in = slice_tail(in, cr ? next + 1 : next);
	}
	m->after_cr = cr;
	return false;
}

enum rc post_write(struct post_mail *m, struct slice bytes, struct fault *why)
{
	if (m->refused)
		return fault_set(why, FAULT_MEMORY, "%s", ""); /* or what was said before */
	enum rc rc = put(m, bytes, why);
	if (rc == RC_OK && !m->env.body_binary && !m->src->is_own && is_bare(m, bytes))
		rc = fault_set(why, FAULT_BARE_NEWLINE, "%s", "");
	m->refused = rc != RC_OK;
	if (m->refused)
		post_body_drop(m);
	return rc;
}

struct slice post_held(const struct post_mail *m)
{
	return buf_slice(&m->held);
}

static bool goes_on(const struct post_mail *m)
{
	for (size_t i = 0; i < m->rcpts_n; i++)
		if (m->rcpts[i].to.route == DIR_REMOTE || m->rcpts[i].to.nremote)
			return true;
	return false;
}

enum rc post_body_end(struct post_mail *m, struct fault *why)
{
	if (m->refused) /* also when its envelope had no room */
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (!m->started)
		TRY(start(m, why));
	bool keeps = m->in.up.frames == 0 && goes_on(m);
	if (keeps && arena_copy(&m->arena, buf_slice(&m->frame), &m->content) != RC_OK)
		m->content = S(""); /* the queue reads it from the store then */
	TRY(mail_intake_end(&m->in, false, &m->arena, why));
	m->ref = m->in.up.ref;
	buf_done(&m->frame);
	arena_done(&m->work);
	return RC_OK;
}

void post_body_drop(struct post_mail *m)
{
	mail_intake_done(&m->in, m->stage == POST_DONE);
	buf_done(&m->frame);
	buf_done(&m->held);
	buf_done(&m->head);
}
