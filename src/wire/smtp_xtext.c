/* smtp_xtext.c: The escaped text of SMTP's parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp.h"

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum rc smtp_xtext_parse(struct slice in, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, in.len + 1);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (c < '!' || c == '=' || c == 127)
			return RC_BAD;
		if (c == '+') {
			if (in.len - i < 3 || hex(in.at[i + 1]) < 0 || hex(in.at[i + 2]) < 0)
				return RC_BAD;
			c = (uint8_t)(hex(in.at[i + 1]) << 4 | hex(in.at[i + 2]));
			i += 2;
		}
		at[n++] = c;
	}
	*out = slice_of(at, n);
	return RC_OK;
}

void smtp_xtext_write(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (c > ' ' && c < 127 && c != '+' && c != '=')
			buf_byte(out, c);
		else
			buf_fmt(out, "+%02X", c);
	}
}
