/* input.c: Lines and bytes of a connection, framed as they come, never looked at twice. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chaos.h"
#include "base/metric.h"
#include "base/must.h"
#include "net/net_int.h"
#include <errno.h>

enum { READ_SIZE = 16 * 1024 };

/* One read of the socket, or of what TLS makes of it. RC_WAIT: TLS wants to write first; RC_BAD: it is broken. */
static enum rc read_some(struct conn *c, uint8_t *at, size_t room, size_t *n)
{
	if (c->tls) {
		enum rc rc = tls_read(c->tls, at, room, n);
		if (rc == RC_WAIT)
			c->wants_out = true;
		return rc;
	}
	ssize_t got = recv(c->task.fd, at, room, 0);
	*n = got > 0 ? (size_t)got : 0;
	if (got > 0 && *n < room)
		c->readable = false; /* drained: no second call to hear EAGAIN */
	return got > 0                             ? RC_OK
	       : got == 0                          ? RC_NONE
	       : errno == EAGAIN || errno == EINTR ? RC_MORE
						   : RC_BAD;
}

/* One read into the buffer. RC_MORE: nothing there; RC_NONE: the end. */
static enum rc fill(struct conn *c)
{
	size_t n = 0, room = chaos_read(READ_SIZE);
	if (c->eof || c->broken)
		return RC_NONE;
	if (!c->readable) {
		c->wants_in = true;
		return RC_MORE;
	}
	if (c->in_at && c->in_at == c->in.len) {
		buf_reset(&c->in);
		c->in_at = c->in_scan = 0;
	} else if (c->in_at > READ_SIZE) {
		buf_drop(&c->in, c->in_at);
		c->in_scan -= c->in_at;
		c->in_at = 0;
	}
	uint8_t *at = buf_room(&c->in, room);
	if (!at) {
		c->broken = true;
		return RC_NONE;
	}
	enum rc rc = read_some(c, at, room, &n);
	if (rc == RC_OK) {
		buf_added(&c->in, n);
		metric_add(METRIC_NET_IN_BYTES, n);
		c->begun = true;
		return RC_OK;
	}
	if (rc == RC_MORE || rc == RC_WAIT) {
		c->readable = false;
		c->wants_in = rc == RC_MORE;
		return RC_MORE;
	}
	c->eof = rc == RC_NONE;
	c->broken |= rc == RC_BAD;
	return RC_NONE;
}

bool conn_has_input(const struct conn *c)
{
	return c->in_at < c->in.len;
}

/* The index of the LF that ends the line at in_at, or RC_MORE, RC_NONE. */
static enum rc find_end(struct conn *c, size_t max, size_t *end)
{
	while (true) {
		if (c->in_scan < c->in_at)
			c->in_scan = c->in_at;
		size_t lf = slice_find(slice_tail(buf_slice(&c->in), c->in_scan), '\n');
		if (c->in_scan + lf < c->in.len) {
			*end = c->in_scan + lf;
			return RC_OK;
		}
		c->in_scan = c->in.len;
		if (c->in.len - c->in_at > max + 2) {
			c->skipping = true;
			c->in_at = c->in.len; /* thrown away as it comes */
		}
		TRY(fill(c));
	}
}

static enum rc take_line(struct conn *c, size_t max, bool strict, struct slice *line)
{
	size_t end;
	enum rc found = find_end(c, max, &end);
	if (found == RC_MORE && !c->begun && !c->rests) {
		c->rests = true;
		deadline_fill(c); /* from here on it is the peer's turn */
	}
	if (found != RC_OK)
		return found;
	c->rests = false;
	deadline_fill(c);
	struct slice s = slice_of(c->in.at + c->in_at, end - c->in_at);
	bool skipped = c->skipping;
	c->skipping = false;
	c->in_at = c->in_scan = end + 1;
	bool crlf = s.len && s.at[s.len - 1] == '\r';
	if (crlf)
		s.len--;
	if (skipped || s.len > max)
		return RC_LIMIT;
	if (strict && (!crlf || slice_find(s, '\r') < s.len))
		return RC_BAD;
	*line = s;
	return RC_OK;
}

enum rc conn_line(struct conn *c, size_t max, struct slice *line)
{
	return take_line(c, max, true, line);
}

enum rc conn_line_lax(struct conn *c, size_t max, struct slice *line)
{
	return take_line(c, max, false, line);
}

enum rc conn_bytes(struct conn *c, size_t max, struct slice *bytes)
{
	if (c->in_at == c->in.len || c->skipping) {
		c->skipping = false;
		TRY(fill(c));
	}
	*bytes = slice_head(slice_tail(buf_slice(&c->in), c->in_at), max);
	c->in_at += bytes->len;
	deadline_came(c, bytes->len);
	return RC_OK;
}

void conn_unread(struct conn *c, struct slice tail)
{
	must(tail.len <= c->in_at);
	must(tail.len == 0 || tail.at + tail.len == c->in.at + c->in_at);
	c->in_at -= tail.len;
	if (c->in_scan > c->in_at)
		c->in_scan = c->in_at;
}
