/* trace.c: Return-Path and Received (RFC 5321 4.4), and counting them against loops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "mime/mime.h"
#include "post/post_int.h"
#include "run/run.h"

/* What a stranger said goes into a header field: nothing but what an atom, a domain or an address has. */
static void add_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len && i < 255; i++) {
		uint8_t c = s.at[i];
		buf_byte(out, c <= ' ' || c == 0x7f || c == '(' || c == ')' || c == '\\' || c == ';'
				      ? '?'
				      : c);
	}
}

static bool begins_with_header(struct slice body)
{
	struct slice line = slice_head(body, slice_find(body, '\n'));
	return line.len == 0 || slice_eq(line, S("\r")) || mime_is_field(line) ||
	       slice_starts(line, S("From "));
}

void post_trace_fields(struct post_mail *m)
{
	const struct post_source *src = m->src;
	struct buf h, *out = &h;
	buf_init(out, 64 * 1024, NULL);
	buf_str(out, "Return-Path: <");
	buf_add(out, m->env.sender);
	buf_str(out, ">\r\n");
	m->return_path_len = out->len;
	buf_str(out, "Received: from ");
	if (src->account && src->helo.len == 0)
		buf_str(out, "unknown");
	add_clean(out, src->helo);
	buf_str(out, " ([");
	if (slice_find(src->peer, ':') < src->peer.len)
		buf_str(out, "IPv6:");
	buf_add(out, src->peer);
	buf_str(out, "])\r\n\tby ");
	buf_add(out, src->by.len ? src->by : slice_str(m->post->deps.hostname));
	buf_str(out, " (Veredus) with ");
	buf_add(out, src->with);
	buf_str(out, " id ");
	buf_str(out, m->id);
	if (src->tls.len) {
		buf_str(out, "\r\n\t(");
		buf_add(out, src->tls);
		buf_byte(out, ')');
	}
	if (m->rcpts_n == 1) {
		buf_str(out, "\r\n\tfor <");
		add_clean(out, m->rcpts[0].address);
		buf_byte(out, '>');
	}
	buf_str(out, ";\r\n\t");
	time_rfc5322((int64_t)run_unix(m->post->deps.run), out);
	buf_str(out, "\r\n");
	buf_add(out, buf_slice(&m->head));
	if (!begins_with_header(post_held(m)))
		buf_str(out, "\r\n"); /* else its first lines would be taken for fields */
	buf_done(&m->head);
	m->head = h;
}

void post_prepend(struct post_mail *m, struct slice fields)
{
	buf_add(&m->head, fields);
}

unsigned post_received_count(struct slice message)
{
	unsigned n = 0;
	while (message.len) {
		struct slice line = slice_split(&message, '\n');
		if (line.len == 0 || (line.len == 1 && line.at[0] == '\r'))
			break;
		n += slice_starts_nocase(line, S("Received:"));
	}
	return n;
}
