/* spf_record.c: Reads the terms of an SPF record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/spf_int.h"
#include <arpa/inet.h>

enum { TERMS_MOST = 256 };

static bool is_alpha(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_name_octet(uint8_t c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t name_len(struct slice s)
{
	size_t n = 0;
	while (n < s.len && (n ? is_name_octet(s.at[n]) : is_alpha(s.at[n])))
		n++;
	return n;
}

/* "/24": no sign, no leading zero. */
static enum rc take_prefix(struct slice digits, unsigned most, unsigned *out)
{
	uint64_t n;
	if (digits.len > 3 || (digits.len > 1 && digits.at[0] == '0') ||
		slice_u64(digits, most, &n) != RC_OK)
		return RC_BAD;
	*out = (unsigned)n;
	return RC_OK;
}

/* Cuts what stands behind the last `mark` when it is a number. */
static enum rc cut_prefix(struct slice *s, struct slice mark, unsigned most, unsigned *prefix)
{
	size_t at = s->len;
	for (size_t i = 0; i + mark.len <= s->len; i++) {
		if (slice_starts(slice_tail(*s, i), mark))
			at = i;
	}
	struct slice digits = slice_tail(*s, at + mark.len);
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return RC_OK; /* a slash in a name */
	}
	if (at == s->len || digits.len == 0)
		return RC_OK;
	*s = slice_head(*s, at);
	return take_prefix(digits, most, prefix);
}

/* Cuts "/24", "//64" or "/24//64" off the end. */
static enum rc cut_dual(struct slice *s, struct spf_term *t)
{
	TRY(cut_prefix(s, S("//"), 128, &t->prefix6));
	return cut_prefix(s, S("/"), 32, &t->prefix4);
}

static enum rc take_address(struct slice s, int family, struct spf_term *t)
{
	char text[INET6_ADDRSTRLEN];
	unsigned *prefix = family == AF_INET ? &t->prefix4 : &t->prefix6;
	size_t slash = slice_find(s, '/');
	if (slash < s.len)
		TRY(take_prefix(slice_tail(s, slash + 1), family == AF_INET ? 32 : 128, prefix));
	s = slice_head(s, slash);
	if (s.len == 0 || s.len >= sizeof(text) || slice_find(s, 0) < s.len)
		return RC_BAD;
	memcpy(text, s.at, s.len);
	text[s.len] = 0;
	return inet_pton(family, text, t->ip) == 1 ? RC_OK : RC_BAD;
}

/* What stands behind a mechanism's name: ":domain" where it may or must, prefixes where they may. */
static enum rc take_rest(struct slice rest, struct spf_term *t)
{
	bool colon = rest.len && rest.at[0] == ':';
	switch (t->kind) {
	case SPF_ALL:
		return rest.len ? RC_BAD : RC_OK;
	case SPF_IP4:
	case SPF_IP6:
		return colon ? take_address(slice_tail(rest, 1),
				       t->kind == SPF_IP4 ? AF_INET : AF_INET6, t)
			     : RC_BAD;
	case SPF_A:
	case SPF_MX:
		TRY(cut_dual(&rest, t));
		break;
	case SPF_PTR:
		break;
	case SPF_INCLUDE:
	case SPF_EXISTS:
		if (!colon)
			return RC_BAD;
		break;
	}
	if (!colon)
		return rest.len ? RC_BAD : RC_OK;
	t->domain = slice_tail(rest, 1);
	return spf_macro_check(t->domain, false);
}

static enum rc take_mechanism(struct slice text, struct spf_term *t)
{
	static const char *const names[] = { "all", "include", "a", "mx", "ptr", "ip4", "ip6",
		"exists" };
	static const char marks[] = "+-~?";
	static const enum spf_result results[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL };
	*t = (struct spf_term){ .text = text, .on_match = SPF_PASS, .prefix4 = 32, .prefix6 = 128 };
	const char *mark = text.len && text.at[0] ? strchr(marks, text.at[0]) : NULL;
	if (mark) {
		t->on_match = results[mark - marks];
		text = slice_tail(text, 1);
	}
	size_t n = name_len(text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!slice_eq_nocase(slice_head(text, n), slice_str(names[i])))
			continue;
		t->kind = (enum spf_kind)i;
		return take_rest(slice_tail(text, n), t);
	}
	return RC_BAD;
}

/* redirect=, exp=, and those that nobody knows. RC_NONE: no modifier. */
static enum rc take_modifier(struct slice text, struct spf_record *r, const char **problem)
{
	size_t n = name_len(text);
	struct slice name = slice_head(text, n), value = slice_tail(text, n + 1);
	if (n == 0 || n == text.len || text.at[n] != '=')
		return RC_NONE;
	bool redirect = slice_eq_nocase(name, S("redirect")), exp = slice_eq_nocase(name, S("exp"));
	if (!redirect && !exp)
		return spf_macro_check(value, true);
	struct slice *to = redirect ? &r->redirect : &r->exp;
	if (to->at) {
		*problem = "redirect= or exp= stands there twice";
		return RC_BAD;
	}
	*to = value;
	return spf_macro_check(value, false);
}

enum rc spf_record_parse(
	struct slice text, struct arena *a, struct spf_record *out, const char **problem)
{
	*out = (struct spf_record){ 0 };
	*problem = "a term of the record cannot be read";
	out->terms = arena_try_array(a, TERMS_MOST, sizeof(*out->terms));
	if (!out->terms)
		return RC_LIMIT;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] >= 0x80)
			return RC_BAD;
	}
	while (text.len) {
		struct slice term = slice_split(&text, ' ');
		if (term.len == 0)
			continue;
		enum rc rc = take_modifier(term, out, problem);
		if (rc == RC_NONE && out->n == TERMS_MOST)
			return RC_BAD;
		if (rc == RC_NONE)
			rc = take_mechanism(term, &out->terms[out->n++]);
		TRY(rc);
	}
	*problem = "";
	return RC_OK;
}
