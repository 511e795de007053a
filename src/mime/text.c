/* text.c: What a person sees of HTML and of text parts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "mime/mime.h"

static void entity(struct slice *in, struct buf *out)
{
	static const struct {
		const char *name;
		uint32_t c;
	} names[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
		{ "apos", '\'' }, { "nbsp", ' ' }, { "copy", 0xa9 }, { "reg", 0xae },
		{ "euro", 0x20ac }, { "auml", 0xe4 }, { "ouml", 0xf6 }, { "uuml", 0xfc },
		{ "Auml", 0xc4 }, { "Ouml", 0xd6 }, { "Uuml", 0xdc }, { "szlig", 0xdf },
		{ "eacute", 0xe9 }, { "egrave", 0xe8 }, { "agrave", 0xe0 }, { "ccedil", 0xe7 },
		{ "hellip", 0x2026 }, { "mdash", 0x2014 }, { "ndash", 0x2013 }, { "laquo", 0xab },
		{ "raquo", 0xbb }, { "rsquo", 0x2019 }, { "lsquo", 0x2018 }, { "rdquo", 0x201d },
		{ "ldquo", 0x201c }, { "bull", 0x2022 } };
	size_t end = slice_find(slice_head(*in, 12), ';');
	struct slice word = slice_tail(slice_head(*in, end), 1);
	uint32_t c = 0;
	if (end < in->len && end < 12 && word.len > 1 && word.at[0] == '#') {
		bool hex = (word.at[1] | 0x20) == 'x';
		for (size_t i = hex ? 2 : 1; i < word.len; i++) {
			uint8_t d = word.at[i];
			uint32_t v = 99;
			if (d >= '0' && d <= '9')
				v = (uint32_t)(d - '0');
			else if (hex && (d | 0x20) >= 'a' && (d | 0x20) <= 'f')
				v = (uint32_t)((d | 0x20) - 'a' + 10);
			if (v == 99)
				break;
			c = c * (hex ? 16 : 10) + v;
		}
	}
	for (size_t i = 0; !c && end < 12 && i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(word, slice_str(names[i].name)))
			c = names[i].c;
	if (!c) {
		buf_byte(out, '&');
		*in = slice_tail(*in, 1);
		return;
	}
	utf8_add(out, c);
	*in = slice_tail(*in, end + 1);
}

/* Drops everything up to and with the closing tag of `name`. */
static void skip_element(struct slice *in, struct slice name)
{
	while (in->len) {
		*in = slice_tail(*in, slice_search(*in, S("</")));
		if (slice_starts_nocase(slice_tail(*in, 2), name)) {
			*in = slice_tail(*in, slice_find(*in, '>') + 1);
			return;
		}
		*in = slice_tail(*in, 2);
	}
}

static void tag(struct slice *in, struct buf *out)
{
	static const char *const hidden[] = { "script", "style", "title", "noscript" };
	static const char *const inline_tags[] = { "b", "i", "u", "a", "em", "strong", "span",
		"font", "small", "big", "sub", "sup", "code", "tt", "img", "wbr" };
	if (slice_starts(*in, S("<!--"))) {
		size_t end = slice_search(*in, S("-->"));
		*in = slice_tail(*in, end < in->len ? end + 3 : end);
		return;
	}
	struct slice name = slice_tail(*in, 1);
	bool closing = name.len && name.at[0] == '/';
	name = slice_tail(name, closing ? 1 : 0);
	size_t n = 0;
	while (n < name.len && n < 16 &&
		(((name.at[n] | 0x20) >= 'a' && (name.at[n] | 0x20) <= 'z') ||
			(name.at[n] >= '0' && name.at[n] <= '9')))
		n++;
	name = slice_head(name, n);
	if (n == 0 && !(in->len > 1 && in->at[1] == '!')) { /* "a < b" */
		buf_byte(out, '<');
		*in = slice_tail(*in, 1);
		return;
	}
	*in = slice_tail(*in, slice_find(*in, '>') + 1);
	for (size_t i = 0; !closing && i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (slice_eq_nocase(name, slice_str(hidden[i]))) {
			skip_element(in, name);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(inline_tags) / sizeof(inline_tags[0]); i++)
		if (slice_eq_nocase(name, slice_str(inline_tags[i])))
			return;
	if (out->len && out->at[out->len - 1] != '\n')
		buf_byte(out, '\n');
}

enum rc mime_html_text(struct slice in, struct arena *a, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, a);
	while (in.len) {
		uint8_t c = in.at[0];
		if (c == '<') {
			tag(&in, &b);
		} else if (c == '&') {
			entity(&in, &b);
		} else {
			bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
			if (!blank)
				buf_byte(&b, c);
			else if (b.len && b.at[b.len - 1] != ' ' && b.at[b.len - 1] != '\n')
				buf_byte(&b, ' ');
			in = slice_tail(in, 1);
		}
	}
	*out = b.len ? buf_slice(&b) : S("");
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc mime_part_text(struct slice message, const struct mime_part *p, size_t max, struct arena *a,
	struct slice *out)
{
	struct slice body;
	if (!slice_eq_nocase(p->type.type, S("text")))
		return RC_NONE;
	body = slice_head(slice_of(message.at + p->body, p->body_len), max);
	TRY(mime_decode(p->encoding, body, a, &body));
	TRY(mime_to_utf8(mime_param(&p->type, S("charset")), body, a, &body));
	if (slice_eq_nocase(p->type.subtype, S("html")))
		return mime_html_text(body, a, out);
	*out = body;
	return RC_OK;
}
