/* http1.c: Heads of HTTP/1 requests and responses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http1.h"
#include <string.h>

static bool is_tchar(uint8_t c)
{
	uint8_t low = c | 0x20;
	return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') ||
	       (c && c < 128 && strchr("!#$%&'*+-.^_`|~", c));
}

bool http1_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_tchar(s.at[i]))
			return false;
	return s.len > 0;
}

static bool has_controls(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 127)
			return true;
	return false;
}

static struct slice trim_blanks(struct slice s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_tail(s, 1);
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Takes a line and its CRLF. RC_BAD: a bare LF or CR. */
static enum rc line(struct slice *in, struct slice *out)
{
	size_t lf = slice_find(*in, '\n');
	if (lf == in->len || !lf || in->at[lf - 1] != '\r')
		return RC_BAD;
	struct slice got = slice_head(*in, lf - 1);
	if (slice_find(got, '\r') < got.len)
		return RC_BAD;
	*out = got;
	*in = slice_tail(*in, lf + 1);
	return RC_OK;
}

/* Length of the head with its blank line. RC_MORE: not there yet. `from` is where to begin looking. */
static enum rc head_end(struct slice in, size_t max, size_t from, size_t *len)
{
	struct slice seen = slice_head(in, max), mark = S("\r\n\r\n");
	from = from > 3 ? from - 3 : 0;
	size_t at = slice_search(slice_tail(seen, from), mark);
	if (from + at + mark.len <= seen.len) {
		*len = from + at + mark.len;
		return RC_OK;
	}
	if (from + slice_search(slice_tail(seen, from), S("\n\n")) < seen.len)
		return RC_BAD; /* a client that ends lines with LF would wait for ever */
	return in.len >= max ? RC_LIMIT : RC_MORE;
}

static enum rc version(struct slice s, uint8_t *minor)
{
	if (s.len != 8 || !slice_starts(s, S("HTTP/")) || s.at[6] != '.')
		return RC_BAD;
	if (s.at[5] != '1')
		return s.at[5] >= '0' && s.at[5] <= '9' ? RC_DENIED : RC_BAD;
	if (s.at[7] < '0' || s.at[7] > '9')
		return RC_BAD;
	*minor = s.at[7] > '0';
	return RC_OK;
}

static enum rc request_line(struct slice text, struct http1_head *out)
{
	out->method = slice_split(&text, ' ');
	out->target = slice_split(&text, ' ');
	if (!http1_is_token(out->method) || !out->target.len)
		return RC_BAD;
	for (size_t i = 0; i < out->target.len; i++)
		if (out->target.at[i] <= ' ' || out->target.at[i] >= 127)
			return RC_BAD;
	return version(text, &out->minor);
}

static enum rc status_line(struct slice text, struct http1_head *out)
{
	TRY(version(slice_split(&text, ' '), &out->minor));
	uint64_t status;
	struct slice code = slice_split(&text, ' ');
	if (code.len != 3 || slice_u64(code, 999, &status) != RC_OK || status < 100)
		return RC_BAD;
	out->status = (unsigned)status;
	out->reason = text;
	return has_controls(text) ? RC_BAD : RC_OK;
}

static enum rc fields(struct slice in, struct arena *a, struct http1_head *out)
{
	size_t n = 0, most = 1;
	for (size_t i = 0; i < in.len; i++)
		most += in.at[i] == '\n';
	if (most > HTTP1_FIELDS_MAX + 2)
		return RC_LIMIT;
	out->fields = arena_try_array(a, most, sizeof(*out->fields));
	if (!out->fields)
		return RC_TEMP;
	for (;;) {
		struct slice text;
		TRY(line(&in, &text));
		if (!text.len)
			break;
		size_t colon = slice_find(text, ':');
		struct http1_field *f = &out->fields[n++];
		f->name = slice_head(text, colon);
		f->value = trim_blanks(slice_tail(text, colon + 1));
		if (colon == text.len || !http1_is_token(f->name) || has_controls(f->value))
			return RC_BAD;
	}
	out->n = n;
	return n > HTTP1_FIELDS_MAX ? RC_LIMIT : RC_OK;
}

enum rc http1_field(const struct http1_head *head, struct slice name, struct slice *value)
{
	for (size_t i = 0; i < head->n; i++) {
		if (slice_eq_nocase(head->fields[i].name, name)) {
			*value = head->fields[i].value;
			return RC_OK;
		}
	}
	return RC_NONE;
}

enum rc http1_list_next(struct slice *list, struct slice *word)
{
	while (list->len) {
		struct slice got = trim_blanks(slice_split(list, ','));
		if (got.len) {
			*word = got;
			return RC_OK;
		}
	}
	return RC_NONE;
}

bool http1_list_has(struct slice list, struct slice word)
{
	struct slice got;
	while (http1_list_next(&list, &got) == RC_OK)
		if (slice_eq_nocase(got, word))
			return true;
	return false;
}

/* What all fields together say of the connection and the body. */
struct meaning {
	bool has_length, has_coding, is_chunked, closes, keeps, upgrades;
	unsigned hosts;
};

static enum rc length(struct slice value, struct meaning *m, struct http1_head *out)
{
	uint64_t n;
	TRY(slice_u64(value, UINT64_MAX / 2, &n));
	if (m->has_length)
		return RC_BAD; /* even when they agree: one of us would read the other's */
	m->has_length = true;
	out->length = n;
	return RC_OK;
}

static enum rc look(const struct http1_field *f, struct meaning *m, struct http1_head *out)
{
	if (slice_eq_nocase(f->name, S("Content-Length")))
		return length(f->value, m, out);
	if (slice_eq_nocase(f->name, S("Transfer-Encoding"))) {
		if (m->has_coding || !slice_eq_nocase(f->value, S("chunked")))
			return RC_BAD;
		m->has_coding = m->is_chunked = true;
	} else if (slice_eq_nocase(f->name, S("Connection"))) {
		m->closes |= http1_list_has(f->value, S("close"));
		m->keeps |= http1_list_has(f->value, S("keep-alive"));
		m->upgrades |= http1_list_has(f->value, S("upgrade"));
	} else if (slice_eq_nocase(f->name, S("Host"))) {
		m->hosts++;
		out->host = f->value;
	} else if (slice_eq_nocase(f->name, S("Upgrade"))) {
		out->upgrade = f->value;
	} else if (slice_eq_nocase(f->name, S("Expect"))) {
		out->expects_continue = slice_eq_nocase(f->value, S("100-continue"));
	}
	return RC_OK;
}

static enum rc meaning(struct http1_head *out)
{
	struct meaning m = { 0 };
	for (size_t i = 0; i < out->n; i++) {
		enum rc rc = look(&out->fields[i], &m, out);
		if (rc != RC_OK)
			return RC_BAD;
	}
	if ((m.has_length && m.has_coding) || (m.has_coding && !out->minor))
		return RC_BAD;
	if (!out->status && (m.hosts > 1 || (out->minor && !m.hosts)))
		return RC_BAD;
	if (!m.upgrades)
		out->upgrade = S("");
	if (!out->minor)
		out->expects_continue = false;
	out->keep = !m.closes && (out->minor || m.keeps);
	out->framing = m.is_chunked                  ? HTTP1_CHUNKED
		       : m.has_length && out->length ? HTTP1_LENGTH
						     : HTTP1_NO_BODY;
	if (out->status && !m.is_chunked && !m.has_length) {
		out->framing = HTTP1_TO_CLOSE;
		out->keep = false;
	}
	return RC_OK;
}

enum rc http1_request_parse(
	struct slice *in, size_t max, size_t *seen, struct arena *a, struct http1_head *out)
{
	struct http1_head got = { 0 };
	struct slice at = *in, text;
	size_t len, skipped;
	while (slice_starts(at, S("\r\n")))
		at = slice_tail(at, 2);
	skipped = in->len - at.len;
	enum rc rc = head_end(at, max, seen && *seen > skipped ? *seen - skipped : 0, &len);
	if (rc == RC_MORE && seen)
		*seen = in->len;
	if (rc == RC_MORE && skipped > 64)
		return RC_BAD;
	TRY(rc);
	struct slice head = slice_head(at, len);
	TRY(line(&head, &text));
	TRY(request_line(text, &got));
	TRY(fields(head, a, &got));
	TRY(meaning(&got));
	*in = slice_tail(at, len);
	*out = got;
	return RC_OK;
}

enum rc http1_response_parse(
	struct slice *in, size_t max, bool to_head, struct arena *a, struct http1_head *out)
{
	struct http1_head got = { 0 };
	struct slice text;
	size_t len;
	TRY(head_end(*in, max, 0, &len));
	struct slice head = slice_head(*in, len);
	TRY(line(&head, &text));
	TRY(status_line(text, &got));
	TRY(fields(head, a, &got));
	TRY(meaning(&got));
	if (to_head || got.status < 200 || got.status == 204 || got.status == 304) {
		got.keep = got.keep || got.framing == HTTP1_TO_CLOSE;
		got.framing = HTTP1_NO_BODY;
	}
	*in = slice_tail(*in, len);
	*out = got;
	return RC_OK;
}
