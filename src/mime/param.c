/* param.c: Content-Type, Content-Disposition and their parameters (RFC 2045 5.1, RFC 2231). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"
#include <string.h>

static bool is_token(uint8_t c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static void skip_blanks(struct slice *in)
{
	while (in->len) {
		uint8_t c = in->at[0];
		if (c == '(') {
			size_t end = slice_find(*in, ')');
			*in = slice_tail(*in, end + 1);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			*in = slice_tail(*in, 1);
		} else {
			return;
		}
	}
}

static struct slice token(struct slice *in)
{
	size_t n = 0;
	skip_blanks(in);
	while (n < in->len && (is_token(in->at[n]) || in->at[n] >= 0x80))
		n++;
	struct slice t = slice_head(*in, n);
	*in = slice_tail(*in, n);
	return t;
}

/* A quoted string's content, backslashes removed. */
static enum rc quoted(struct slice *in, struct arena *a, struct slice *out)
{
	struct buf b;
	size_t i = 1;
	buf_init(&b, 0, a);
	for (; i < in->len && in->at[i] != '"'; i++) {
		if (in->at[i] == '\\' && i + 1 < in->len)
			i++;
		if (in->at[i] != '\r' && in->at[i] != '\n')
			buf_byte(&b, in->at[i]);
	}
	*in = slice_tail(*in, i + 1);
	*out = b.len ? buf_slice(&b) : S("");
	return b.over ? RC_LIMIT : RC_OK;
}

/* "us-ascii (Plain text)": only at the end, since "name=report (1).pdf" is written too. */
static struct slice drop_comment(struct slice s)
{
	size_t open = slice_search(s, S(" ("));
	return slice_ends(s, S(")")) ? slice_trim(slice_head(s, open)) : s;
}

static enum rc value(struct slice *in, struct arena *a, struct slice *out)
{
	skip_blanks(in);
	if (in->len && in->at[0] == '"')
		return quoted(in, a, out);
	/* unquoted: up to the next ';', for the sake of "name=a file.txt" */
	size_t n = slice_find(*in, ';');
	*out = drop_comment(slice_trim(slice_head(*in, n)));
	*in = slice_tail(*in, n);
	return RC_OK;
}

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9'                     ? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

static void add_percent(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		int hi = i + 2 < s.len ? hex(s.at[i + 1]) : -1,
		    lo = i + 2 < s.len ? hex(s.at[i + 2]) : -1;
		if (s.at[i] == '%' && hi >= 0 && lo >= 0) {
			buf_byte(out, (uint8_t)(hi << 4 | lo));
			i += 2;
		} else {
			buf_byte(out, s.at[i]);
		}
	}
}

/* --- RFC 2231: name*, name*0, name*0* are one parameter --- */

struct piece {
	struct slice base;
	unsigned index; /* of a continuation */
	bool extended, continued;
};

static struct piece piece_of(struct slice name)
{
	struct piece p = { .base = name };
	uint64_t n;
	if (slice_ends(name, S("*"))) {
		p.extended = true;
		name = slice_head(name, name.len - 1);
		p.base = name;
	}
	size_t star = slice_rfind(name, '*');
	if (star < name.len &&
		slice_u64(slice_tail(name, star + 1), MIME_PARAMS_MAX, &n) == RC_OK) {
		p.base = slice_head(name, star);
		p.index = (unsigned)n;
		p.continued = true;
	}
	return p;
}

/* Gathers the pieces of raw[first] in their order, decodes, and gives its value. */
static enum rc join(const struct mime_param *raw, size_t n, struct slice base, struct arena *a,
	struct slice *out)
{
	struct buf bytes;
	struct slice charset = S("");
	bool extended = false;
	buf_init(&bytes, 0, a);
	for (unsigned want = 0; want < MIME_PARAMS_MAX; want++) {
		bool found = false;
		for (size_t i = 0; i < n && !found; i++) {
			struct piece p = piece_of(raw[i].name);
			if (!slice_eq_nocase(p.base, base) || p.index != want ||
				(!p.extended && !p.continued))
				continue;
			struct slice v = raw[i].value;
			if (p.extended && want == 0) {
				charset = slice_split(&v, '\'');
				slice_split(&v, '\'');
				extended = true;
			}
			if (p.extended)
				add_percent(&bytes, v);
			else
				buf_add(&bytes, v);
			found = true;
		}
		if (!found)
			break;
	}
	*out = bytes.len ? buf_slice(&bytes) : S("");
	return extended ? mime_to_utf8(charset, *out, a, out) : bytes.over ? RC_LIMIT : RC_OK;
}

static bool seen(const struct mime_params *p, struct slice name)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_eq_nocase(p->at[i].name, name))
			return true;
	return false;
}

static enum rc merge(struct mime_param *raw, size_t n, struct arena *a, struct mime_params *out)
{
	out->at = arena_try_array(a, n ? n : 1, sizeof(*out->at));
	if (!out->at)
		return RC_LIMIT;
	for (size_t i = 0; i < n; i++) {
		struct piece p = piece_of(raw[i].name);
		struct mime_param m = raw[i];
		if (seen(out, p.base))
			continue;
		if (p.extended || p.continued) {
			m.name = p.base;
			TRY(join(raw, n, p.base, a, &m.value));
		}
		out->at[out->n++] = m;
	}
	return RC_OK;
}

enum rc mime_params(struct slice in, struct arena *a, struct mime_params *out)
{
	struct mime_param raw[MIME_PARAMS_MAX];
	size_t n = 0;
	*out = (struct mime_params){ 0 };
	out->type = token(&in);
	skip_blanks(&in);
	if (in.len && in.at[0] == '/') {
		in = slice_tail(in, 1);
		out->subtype = token(&in);
	}
	if (out->type.len == 0)
		return RC_BAD;
	while (in.len && n < MIME_PARAMS_MAX) {
		in = slice_tail(in, slice_find(in, ';'));
		in = slice_tail(in, 1);
		struct slice name = token(&in);
		skip_blanks(&in);
		if (name.len == 0 || in.len == 0 || in.at[0] != '=')
			continue;
		in = slice_tail(in, 1);
		raw[n].name = name;
		TRY(value(&in, a, &raw[n].value));
		n++;
	}
	return merge(raw, n, a, out);
}

struct slice mime_param(const struct mime_params *p, struct slice name)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_eq_nocase(p->at[i].name, name))
			return p->at[i].value;
	return S("");
}
