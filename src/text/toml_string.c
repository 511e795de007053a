/* toml_string.c: The four forms of TOML strings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/toml_int.h"
#include "base/utf8.h"

size_t toml_newline(struct slice in)
{
	if (in.len >= 1 && in.at[0] == '\n')
		return 1;
	return in.len >= 2 && in.at[0] == '\r' && in.at[1] == '\n' ? 2 : 0;
}

/* Four or eight hex digits behind \u and \U. */
static enum rc code_point(struct toml_read *r, size_t digits, struct buf *out)
{
	uint32_t c = 0;
	if (r->in.len < digits)
		return toml_fail(r, "the escape needs %zu hex digits", digits);
	for (size_t i = 0; i < digits; i++) {
		uint8_t d = r->in.at[i];
		uint8_t low = d | 0x20;
		if (d >= '0' && d <= '9')
			c = c << 4 | (uint32_t)(d - '0');
		else if (low >= 'a' && low <= 'f')
			c = c << 4 | (uint32_t)(low - 'a' + 10);
		else
			return toml_fail(r, "the escape needs %zu hex digits", digits);
	}
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return toml_fail(r, "the escape is no Unicode character");
	r->in = slice_tail(r->in, digits);
	utf8_add(out, c);
	return RC_OK;
}

/* A backslash at the end of a line takes all blanks and line ends after it. */
static enum rc line_end(struct toml_read *r)
{
	bool seen = false;
	while (r->in.len) {
		size_t n = toml_newline(r->in);
		if (n) {
			seen = true;
			r->line++;
		} else if (r->in.at[0] == ' ' || r->in.at[0] == '\t') {
			n = 1;
		} else {
			break;
		}
		r->in = slice_tail(r->in, n);
	}
	return seen ? RC_OK : toml_fail(r, "unknown escape in a string");
}

static enum rc escape(struct toml_read *r, bool many, struct buf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	if (r->in.len == 0)
		return toml_fail(r, "the string is not closed");
	uint8_t c = r->in.at[0];
	if (many && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
		return line_end(r);
	const char *known = c ? memchr(from, c, sizeof(from) - 1) : NULL;
	if (!known && c != 'u' && c != 'U')
		return toml_fail(r, "unknown escape in a string");
	r->in = slice_tail(r->in, 1);
	if (!known)
		return code_point(r, c == 'u' ? 4 : 8, out);
	buf_byte(out, (uint8_t)to[known - from]);
	return RC_OK;
}

static size_t quotes(struct slice in, uint8_t quote)
{
	size_t n = 0;
	while (n < in.len && n < 6 && in.at[n] == quote)
		n++;
	return n;
}

/* One character of a string's inside that is no quote and no escape. */
static enum rc plain(struct toml_read *r, bool many, struct buf *out)
{
	size_t nl = toml_newline(r->in);
	uint8_t c = r->in.at[0];
	if (nl && !many)
		return toml_fail(r, "the string is not closed on its line");
	if (nl) {
		r->line++;
		c = '\n';
	} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
		return toml_fail(
			r, "control character 0x%02x in a string: write it as \\u%04x", c, c);
	}
	buf_byte(out, c);
	r->in = slice_tail(r->in, nl ? nl : 1);
	return RC_OK;
}

/* True: the string ends here. Up to two quotes may stand before the closing three. */
static bool closes(struct toml_read *r, bool many, uint8_t quote, struct buf *out)
{
	size_t n = quotes(r->in, quote);
	if (!many && n) {
		r->in = slice_tail(r->in, 1);
		return true;
	}
	size_t inside = n < 3 ? n : n - 3;
	inside = n > 5 ? 2 : inside;
	for (size_t i = 0; i < inside; i++)
		buf_byte(out, quote);
	r->in = slice_tail(r->in, n < 3 ? n : inside + 3);
	return n >= 3;
}

enum rc toml_string(struct toml_read *r, bool one_line, struct slice *out)
{
	uint8_t quote = r->in.at[0];
	bool many = quotes(r->in, quote) >= 3;
	struct buf text;
	buf_init(&text, 0, r->a);
	if (many && one_line)
		return toml_fail(r, "a key cannot be a string of several lines");
	r->in = slice_tail(r->in, many ? 3 : 1);
	if (many && toml_newline(r->in)) {
		r->in = slice_tail(r->in, toml_newline(r->in));
		r->line++;
	}
	while (r->in.len) {
		uint8_t c = r->in.at[0];
		if (c == quote) {
			if (!closes(r, many, quote, &text))
				continue;
			*out = buf_slice(&text);
			return text.over
				       ? fault_set(r->why, FAULT_MEMORY,
						 "line %u: too much for the memory that is allowed",
						 r->line)
				       : RC_OK;
		}
		if (c == '\\' && quote == '"') {
			r->in = slice_tail(r->in, 1);
			TRY(escape(r, many, &text));
		} else {
			TRY(plain(r, many, &text));
		}
	}
	return toml_fail(r, "the string is not closed");
}
