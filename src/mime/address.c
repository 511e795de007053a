/* address.c: Address lists, as RFC 5322 3.4 has them and as people write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"
#include <string.h>

/* One pass over the list: words gather in `words`; '<' begins an address, ':' makes them a group's name, ',' and ';'
 * end an entry. */
struct scan {
	struct slice in;
	struct arena *a;
	struct buf words; /* display name so far */
	struct buf local, domain;
	bool in_angle, has_at, spaced, had_angle;
	struct mime_address *out;
	size_t n, cap;
	bool in_group;
};

static enum rc push(struct scan *s, struct mime_address m)
{
	if (s->n >= MIME_ADDRESSES_MAX && !m.group_end) {
		s->in = S(""); /* the rest is left out, the message is not */
		return RC_OK;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 4;
		struct mime_address *p = arena_try_array(s->a, cap, sizeof(*p));
		if (!p)
			return RC_LIMIT;
		if (s->n)
			memcpy(p, s->out, s->n * sizeof(*p));
		s->out = p;
		s->cap = cap;
	}
	s->out[s->n++] = m;
	return RC_OK;
}

static struct slice kept(struct scan *s, struct buf *b)
{
	struct slice copy = S("");
	struct slice text = slice_trim(buf_slice(b));
	if (text.len && arena_copy(s->a, text, &copy) != RC_OK)
		copy = S("");
	buf_reset(b);
	return copy;
}

static enum rc end_entry(struct scan *s)
{
	struct mime_address m = { 0 };
	if (!s->had_angle && s->has_at) {
		/* a bare address: what gathered as words is its local part */
		m.local = kept(s, &s->words);
		m.domain = kept(s, &s->domain);
	} else if (s->had_angle) {
		m.name = kept(s, &s->words);
		m.local = kept(s, &s->local);
		m.domain = kept(s, &s->domain);
	} else {
		m.local = kept(s, &s->words); /* "root": a name alone, a mailbox here */
	}
	buf_reset(&s->words);
	buf_reset(&s->local);
	buf_reset(&s->domain);
	s->in_angle = s->has_at = s->had_angle = s->spaced = false;
	return m.name.len || m.local.len || m.domain.len ? push(s, m) : RC_OK;
}

static struct buf *target(struct scan *s)
{
	if (s->has_at && (s->in_angle || !s->had_angle))
		return &s->domain;
	return s->in_angle ? &s->local : &s->words;
}

static void quoted(struct scan *s)
{
	struct buf *to = target(s);
	size_t i = 1;
	for (; i < s->in.len && s->in.at[i] != '"'; i++) {
		if (s->in.at[i] == '\\' && i + 1 < s->in.len)
			i++;
		if (s->in.at[i] != '\r' && s->in.at[i] != '\n')
			buf_byte(to, s->in.at[i]);
	}
	s->in = slice_tail(s->in, i + 1);
}

static void comment(struct scan *s)
{
	unsigned depth = 0;
	size_t i = 0;
	for (; i < s->in.len; i++) {
		uint8_t c = s->in.at[i];
		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	struct slice text = slice_head(slice_tail(s->in, 1), i ? i - 1 : 0);
	/* "joe@example.org (Joe)": the comment is the name when there is no other */
	if (s->has_at && !s->in_angle && !s->had_angle && s->words.len) {
		s->local.len = 0;
		buf_add(&s->local, buf_slice(&s->words));
		buf_reset(&s->words);
		buf_add(&s->words, text);
		s->had_angle = true;
	}
	s->in = slice_tail(s->in, i + 1);
}

static enum rc group_start(struct scan *s)
{
	struct mime_address m = { .group_start = true, .name = kept(s, &s->words) };
	s->in_group = true;
	s->spaced = false;
	return push(s, m);
}

static enum rc group_end(struct scan *s)
{
	TRY(end_entry(s));
	if (!s->in_group)
		return RC_OK;
	s->in_group = false;
	return push(s, (struct mime_address){ .group_end = true });
}

/* What the head of the input is, and all behind it that means nothing but itself. */
static void word(struct scan *s)
{
	static const bool ends[256] = { ['"'] = true,
		['('] = true,
		['<'] = true,
		['>'] = true,
		['@'] = true,
		[','] = true,
		[';'] = true,
		[':'] = true,
		[' '] = true,
		['\t'] = true,
		['\r'] = true,
		['\n'] = true };
	struct buf *to = target(s);
	size_t n = 1;
	while (n < s->in.len && !ends[s->in.at[n]])
		n++;
	struct slice run = slice_head(s->in, n);
	s->in = slice_tail(s->in, n);
	if (s->had_angle && !s->in_angle)
		return; /* behind the brackets */
	if (to == &s->words && s->spaced && to->len)
		buf_byte(to, ' ');
	s->spaced = false;
	buf_add(to, run);
}

static void at_sign(struct scan *s)
{
	s->has_at = true;
	if (!s->in_angle || s->local.len)
		return;
	/* perhaps a source route; looked for within the brackets only: a long list of "<@>" stays linear */
	struct slice inside = slice_head(s->in, slice_find(s->in, '>'));
	size_t colon = slice_find(inside, ':');
	if (colon == inside.len)
		return;
	s->in = slice_tail(s->in, colon + 1);
	s->has_at = false;
}

static enum rc one(struct scan *s)
{
	uint8_t c = s->in.at[0];
	if (c == '"') {
		if (s->spaced && target(s) == &s->words && s->words.len)
			buf_byte(&s->words, ' ');
		s->spaced = false;
		quoted(s);
		return RC_OK;
	}
	if (c == '(') {
		comment(s);
		return RC_OK;
	}
	struct slice whole = s->in;
	s->in = slice_tail(s->in, 1);
	if (c == '<' && !s->in_angle) {
		s->in_angle = s->had_angle = true;
		s->has_at = false;
		buf_reset(&s->local);
		buf_reset(&s->domain);
	} else if (c == '>' && s->in_angle) {
		s->in_angle = false;
	} else if (c == '@' && !s->has_at) {
		at_sign(s);
	} else if (c == ',' && !s->in_angle) {
		return end_entry(s);
	} else if (c == ';' && !s->in_angle) {
		return group_end(s);
	} else if (c == ':' && !s->in_angle && !s->has_at && !s->in_group) {
		return group_start(s);
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		s->spaced = true;
	} else {
		s->in = whole;
		word(s);
	}
	return RC_OK;
}

enum rc mime_addresses(struct slice value, struct arena *a, struct mime_address **out, size_t *n)
{
	struct scan s = { .in = value, .a = a };
	enum rc rc = RC_OK;
	buf_init(&s.words, 0, a);
	buf_init(&s.local, 0, a);
	buf_init(&s.domain, 0, a);
	while (rc == RC_OK && s.in.len)
		rc = one(&s);
	if (rc == RC_OK)
		rc = group_end(&s);
	*out = s.out;
	*n = s.n;
	return rc;
}
