/* decode.c: base64, quoted-printable and encoded words undone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static size_t base64(struct slice in, uint8_t *out)
{
	uint32_t word = 0;
	unsigned bits = 0;
	size_t n = 0;
	for (size_t i = 0; i < in.len; i++) {
		int d = base64_digit(in.at[i]);
		if (in.at[i] == '=') { /* padding ends a run; some mailers join several */
			bits = 0;
			continue;
		}
		if (d < 0)
			continue;
		word = word << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(word >> bits);
		}
	}
	return n;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A "=" at a line's end joins lines; a "=" before anything else stands for itself. */
static size_t quoted(struct slice in, bool word, uint8_t *out)
{
	size_t n = 0;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (word && c == '_') {
			out[n++] = ' ';
			continue;
		}
		if (c != '=') {
			out[n++] = c;
			continue;
		}
		int hi = i + 1 < in.len ? hex_digit(in.at[i + 1]) : -1,
		    lo = i + 2 < in.len ? hex_digit(in.at[i + 2]) : -1;
		size_t j = i + 1;
		while (j < in.len && (in.at[j] == ' ' || in.at[j] == '\t' || in.at[j] == '\r'))
			j++;
		if (hi >= 0 && lo >= 0) {
			out[n++] = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (!word && (j == in.len || in.at[j] == '\n')) {
			i = j;
		} else {
			out[n++] = c;
		}
	}
	return n;
}

enum rc mime_decode(
	enum mime_encoding encoding, struct slice body, struct arena *a, struct slice *out)
{
	if (encoding != MIME_BASE64 && encoding != MIME_QP) {
		*out = body;
		return RC_OK;
	}
	uint8_t *at = arena_try(a, body.len + 1);
	if (!at)
		return RC_LIMIT;
	*out = slice_of(at, encoding == MIME_BASE64 ? base64(body, at) : quoted(body, false, at));
	return RC_OK;
}

enum { WORD_MAX = 2048 };

struct word {
	struct slice charset, text;
	bool base64;
};

/* =?charset?Q?text?= at the head; `*len` its length. RFC 2231 5: a language may stand behind the charset. */
static bool encoded_word(struct slice in, struct word *w, size_t *len)
{
	if (!slice_starts(in, S("=?")))
		return false;
	struct slice rest = slice_tail(in, 2);
	w->charset = slice_split(&rest, '?');
	if (w->charset.len == 0 || rest.len < 2 || rest.at[1] != '?')
		return false;
	w->base64 = (rest.at[0] | 0x20) == 'b';
	if (!w->base64 && (rest.at[0] | 0x20) != 'q')
		return false;
	rest = slice_tail(rest, 2);
	rest = slice_head(rest, WORD_MAX); /* bounded: a header full of begun words stays linear */
	size_t end = slice_search(rest, S("?="));
	w->text = slice_head(rest, end);
	if (end == rest.len || slice_find(w->text, '\n') < w->text.len)
		return false;
	*len = (size_t)(rest.at + end + 2 - in.at);
	w->charset = slice_head(w->charset, slice_find(w->charset, '*'));
	return true;
}

/* Words side by side in one charset are decoded together: a character may be cut between them. */
static void add_words(struct buf *out, struct buf *bytes, struct slice charset, struct arena *a)
{
	struct slice text;
	if (bytes->len && mime_to_utf8(charset, buf_slice(bytes), a, &text) == RC_OK)
		buf_add(out, text);
	buf_reset(bytes);
}

static void add_decoded(struct buf *bytes, const struct word *w)
{
	uint8_t *at = buf_room(bytes, w->text.len + 1);
	if (at)
		buf_added(bytes, w->base64 ? base64(w->text, at) : quoted(w->text, true, at));
}

static size_t blanks(struct slice s)
{
	size_t n = 0;
	while (n < s.len &&
		(s.at[n] == ' ' || s.at[n] == '\t' || s.at[n] == '\r' || s.at[n] == '\n'))
		n++;
	return n;
}

struct slice mime_words(struct slice raw, struct arena *a)
{
	struct buf out, bytes;
	struct slice charset = S(""), result;
	raw = mime_unfold(raw, a);
	if (mime_to_utf8(S(""), raw, a, &raw) != RC_OK || slice_search(raw, S("=?")) == raw.len)
		return raw;
	buf_init(&out, 0, a);
	buf_init(&bytes, 0, NULL);
	for (struct slice in = raw; in.len;) {
		struct word w;
		size_t len, gap = bytes.len ? blanks(in) : 0;
		if (bytes.len && encoded_word(slice_tail(in, gap), &w, &len) &&
			slice_eq_nocase(w.charset, charset)) {
			add_decoded(&bytes, &w);
			in = slice_tail(in, gap + len);
		} else if (bytes.len) {
			add_words(&out, &bytes, charset, a);
			if (encoded_word(slice_tail(in, gap), &w, &len))
				in = slice_tail(in, gap);
		} else if (encoded_word(in, &w, &len)) {
			charset = w.charset;
			add_decoded(&bytes, &w);
			in = slice_tail(in, len);
			if (bytes.len == 0)
				in = slice_tail(in, blanks(in)) /* an empty word joins too */;
		} else {
			buf_byte(&out, in.at[0]);
			in = slice_tail(in, 1);
		}
	}
	add_words(&out, &bytes, charset, a);
	buf_done(&bytes);
	result = buf_slice(&out);
	return out.over ? raw : result;
}

/* --- RFC 5256 2.1 --- */

static struct slice drop_blob(struct slice s)
{
	if (s.len && s.at[0] == '[') {
		size_t end = slice_find(s, ']');
		size_t inner = slice_find(slice_tail(s, 1), '[') + 1;
		if (end < s.len && inner > end)
			return slice_trim(slice_tail(s, end + 1));
	}
	return s;
}

/* "Re:", "Fw:", "Fwd[2]:" and a few that other languages' mailers use. */
static struct slice drop_reply(struct slice s)
{
	static const char *const words[] = { "re", "fwd", "fw", "aw", "wg", "sv", "antw" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct slice w = slice_str(words[i]);
		if (!slice_starts_nocase(s, w))
			continue;
		struct slice rest = drop_blob(slice_trim(slice_tail(s, w.len)));
		if (rest.len && rest.at[0] == ':')
			return slice_trim(slice_tail(rest, 1));
	}
	return s;
}

struct slice mime_base_subject(struct slice s)
{
	s = slice_trim(s);
	while (true) {
		struct slice before = s;
		if (slice_ends(s, S("(fwd)")))
			s = slice_trim(slice_head(s, s.len - 5));
		struct slice shorter = drop_reply(s);
		if (shorter.len == s.len) {
			struct slice inner = drop_blob(s);
			shorter = inner.len ? inner : s;
		}
		s = shorter;
		if (slice_starts_nocase(s, S("[fwd:")) && slice_ends(s, S("]")))
			s = slice_trim(slice_of(s.at + 5, s.len - 6));
		if (s.len == before.len)
			return s;
	}
}
