/* sasl.c: PLAIN, LOGIN, mechanism names, and the preparation of names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sasl.h"
#include "base/utf8.h"
#include <string.h>

enum rc sasl_plain_parse(struct slice msg, struct sasl_plain *out)
{
	struct sasl_plain got;
	struct slice rest = msg;
	if (slice_find(msg, 0) == msg.len || !utf8_valid(msg))
		return RC_BAD;
	got.authzid = slice_split(&rest, 0);
	if (slice_find(rest, 0) == rest.len)
		return RC_BAD;
	got.user = slice_split(&rest, 0);
	got.pass = rest;
	if (!got.user.len || !got.pass.len || slice_find(got.pass, 0) < got.pass.len)
		return RC_BAD;
	if (got.user.len > SASL_NAME_MAX || got.authzid.len > SASL_NAME_MAX ||
		got.pass.len > SASL_NAME_MAX)
		return RC_BAD;
	*out = got;
	return RC_OK;
}

void sasl_plain_write(const struct sasl_plain *m, struct buf *out)
{
	buf_add(out, m->authzid);
	buf_byte(out, 0);
	buf_add(out, m->user);
	buf_byte(out, 0);
	buf_add(out, m->pass);
}

struct slice sasl_login_prompt(bool for_pass)
{
	return for_pass ? S("Password:") : S("Username:");
}

bool sasl_is_mech(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i], low = c | 0x20;
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return s.len > 0 && s.len <= 20;
}

/* RFC 3454 C.1.2: blanks that are not ASCII. */
static bool is_blank(uint32_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* RFC 3454 B.1. */
static bool is_nothing(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) ||
	       c == 0x200c || c == 0x200d || c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) ||
	       c == 0xfeff;
}

/* RFC 3454 C.2 to C.9, without unassigned. */
static bool is_refused(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x6dd || c == 0x70f || c == 0x180e ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2061 && c <= 0x206f) || (c >= 0xe000 && c <= 0xf8ff) ||
	       (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xfff9 && c <= 0xfffd) ||
	       (c & 0xfffe) == 0xfffe || (c >= 0x1d173 && c <= 0x1d17a) || c >= 0xe0001;
}

enum rc sasl_prep(struct slice in, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, in.len + 1);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	if (!utf8_valid(in))
		return RC_BAD;
	while (in.len) {
		struct slice rest = in;
		uint32_t c = utf8_take(&rest);
		size_t len = in.len - rest.len;
		if (is_blank(c)) {
			at[n++] = ' ';
		} else if (!is_nothing(c)) {
			if (is_refused(c))
				return RC_BAD;
			memcpy(at + n, in.at, len);
			n += len;
		}
		in = rest;
	}
	*out = slice_of(at, n);
	return RC_OK;
}
