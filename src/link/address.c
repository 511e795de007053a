/* address.c: Taking a URL of a server apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/address.h"
#include <string.h>

static enum rc keep(struct slice s, char *out, size_t room)
{
	if (s.len >= room || memchr(s.at, 0, s.len))
		return RC_BAD;
	memcpy(out, s.at, s.len);
	out[s.len] = '\0';
	return RC_OK;
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static enum rc decode(struct slice s, char *out, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		int c = s.at[i];
		if (c == '%') {
			if (i + 2 >= s.len || hex(s.at[i + 1]) < 0 || hex(s.at[i + 2]) < 0)
				return RC_BAD;
			c = hex(s.at[i + 1]) * 16 + hex(s.at[i + 2]);
			i += 2;
		}
		if (c == 0 || n + 1 >= room)
			return RC_BAD;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return RC_OK;
}

static enum rc user_and_secret(struct slice s, struct address *out)
{
	struct slice user = slice_split(&s, ':');
	TRY(decode(user, out->user, sizeof(out->user)));
	return decode(s, out->secret, sizeof(out->secret));
}

/* "host:port", "[v6]:port", "host", "[v6]". */
static enum rc host_and_port(struct slice s, unsigned port, struct address *out)
{
	uint64_t n = port;
	size_t colon = slice_rfind(s, ':'), bracket = slice_rfind(s, ']');
	if (colon < s.len && (bracket == s.len || bracket < colon)) {
		TRY(slice_u64(slice_tail(s, colon + 1), 65535, &n));
		s = slice_head(s, colon);
	}
	if (s.len > 1 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = slice_head(slice_tail(s, 1), s.len - 2);
	if (s.len == 0 || n == 0)
		return RC_BAD;
	out->port = (unsigned)n;
	return keep(s, out->host, sizeof(out->host));
}

enum rc address_read(struct slice text, unsigned port, struct address *out)
{
	size_t scheme = slice_search(text, S("://"));
	uint64_t database = 0;
	*out = (struct address){ .port = port };
	if (scheme < text.len) {
		TRY(keep(slice_head(text, scheme), out->scheme, sizeof(out->scheme)));
		text = slice_tail(text, scheme + 3);
	}
	struct slice where = slice_split(&text, '/');
	if (text.len)
		TRY(slice_u64(text, UINT16_MAX, &database));
	out->database = (unsigned)database;
	size_t at = slice_rfind(where, '@');
	if (at < where.len) {
		TRY(user_and_secret(slice_head(where, at), out));
		where = slice_tail(where, at + 1);
	}
	return host_and_port(where, port, out);
}
