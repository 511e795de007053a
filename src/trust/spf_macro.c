/* spf_macro.c: %{ir}.%{v}._spf.%{d2}: macros of SPF, checked and put in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/spf_int.h"
#include <arpa/inet.h>
#include <inttypes.h>

enum { PARTS_MOST = 128, NAME_MOST = 253 };

/* One macro: %{letter, how many labels from the right, reversed, cut at these}. */
struct macro {
	uint8_t letter;
	unsigned keep; /* 0: all */
	bool reverse;
	struct slice delimiters; /* empty: "." */
	uint8_t literal; /* of %%, %_ and %-; with `letter` 0 */
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static enum rc take_inside(struct slice in, bool is_exp, struct macro *m)
{
	static const char letters[] = "slodiphvcrt";
	uint64_t keep = 0;
	size_t n = 1;
	if (in.len == 0 || in.at[0] == 0 || !strchr(letters, in.at[0] | 32) ||
		(!is_exp && strchr("crt", in.at[0] | 32)))
		return RC_BAD;
	m->letter = in.at[0];
	while (n < in.len && is_digit(in.at[n]))
		n++;
	if (n > 1 && (slice_u64(slice_tail(slice_head(in, n), 1), PARTS_MOST, &keep) == RC_BAD ||
			     keep == 0))
		keep = n > 4 ? PARTS_MOST : 0; /* a huge number keeps all */
	if (n > 1 && keep == 0)
		return RC_BAD;
	m->keep = (unsigned)keep;
	if (n < in.len && (in.at[n] | 32) == 'r') {
		m->reverse = true;
		n++;
	}
	m->delimiters = slice_tail(in, n);
	for (size_t i = 0; i < m->delimiters.len; i++) {
		if (m->delimiters.at[i] == 0 || !strchr(".-+,/_=", m->delimiters.at[i]))
			return RC_BAD;
	}
	return RC_OK;
}

/* Takes a macro whose % stands at the head. */
static enum rc take_macro(struct slice *s, bool is_exp, struct macro *m)
{
	*m = (struct macro){ 0 };
	uint8_t c = s->len > 1 ? s->at[1] : 0;
	if (c == '%' || c == '_' || c == '-') {
		m->literal = c;
		*s = slice_tail(*s, 2);
		return RC_OK;
	}
	size_t end = slice_find(*s, '}');
	if (c != '{' || end == s->len)
		return RC_BAD;
	TRY(take_inside(slice_tail(slice_head(*s, end), 2), is_exp, m));
	*s = slice_tail(*s, end + 1);
	return RC_OK;
}

/* toplabel: letters, digits and hyphens, not all digits, no hyphen at its ends. */
static bool is_toplabel(struct slice s)
{
	bool other = false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
		if (!letter && !is_digit(c) && c != '-')
			return false;
		other |= !is_digit(c);
	}
	return s.len && other && s.at[0] != '-' && s.at[s.len - 1] != '-';
}

enum rc spf_macro_check(struct slice spec, bool is_exp)
{
	struct slice s = spec, last = { 0 }; /* behind the last dot that is no delimiter */
	bool ends_in_macro = false;
	while (s.len) {
		struct macro m;
		uint8_t c = s.at[0];
		ends_in_macro = c == '%';
		if (c == '%') {
			TRY(take_macro(&s, is_exp, &m));
			last = (struct slice){ 0 };
			continue;
		}
		if (c <= ' ' || c >= 0x7f)
			return RC_BAD;
		s = slice_tail(s, 1);
		if (c == '.' && s.len)
			last = s;
	}
	if (is_exp)
		return RC_OK;
	if (spec.len == 0)
		return RC_BAD;
	if (last.len && last.at[last.len - 1] == '.')
		last.len--;
	return ends_in_macro || is_toplabel(last) ? RC_OK : RC_BAD;
}

/* --- values --- */

static struct slice address_dotted(struct spf *q)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf b;
	buf_init(&b, 0, q->a);
	for (size_t i = 0; i < q->ip_len; i++) {
		if (i)
			buf_byte(&b, '.');
		if (q->ip_len == 4) {
			buf_u64(&b, q->ip[i]);
			continue;
		}
		buf_byte(&b, (uint8_t)hex[q->ip[i] >> 4]);
		buf_byte(&b, '.');
		buf_byte(&b, (uint8_t)hex[q->ip[i] & 15]);
	}
	return buf_slice(&b);
}

/* The client's name when it can be proven: the domain itself, one below it, any; "unknown" (RFC 7208 7.3). */
static enum rc validated(struct spf *q, struct slice domain, struct slice *out)
{
	struct slice names[SPF_PTR_MOST];
	size_t n = 0;
	TRY(spf_ptr_names(q, names, &n));
	*out = n ? names[0] : S("unknown");
	for (size_t i = n; i-- > 0;) {
		if (spf_is_below(names[i], domain) && !slice_eq_nocase(*out, domain))
			*out = names[i];
	}
	return RC_OK;
}

static enum rc value_of(struct spf *q, uint8_t letter, struct slice domain, struct slice *out)
{
	char text[INET6_ADDRSTRLEN];
	switch (letter | 32) {
	case 's':
		*out = arena_fmt(q->a, "%.*s@%.*s", FMT(q->local), FMT(q->sender_domain));
		break;
	case 'l':
		*out = q->local;
		break;
	case 'o':
		*out = q->sender_domain;
		break;
	case 'd':
		*out = domain;
		break;
	case 'i':
		*out = address_dotted(q);
		break;
	case 'p':
		return validated(q, domain, out);
	case 'v':
		*out = q->ip_len == 4 ? S("in-addr") : S("ip6");
		break;
	case 'h':
		*out = q->ask->helo;
		break;
	case 'c':
		inet_ntop(q->ip_len == 4 ? AF_INET : AF_INET6, q->ip, text, sizeof(text));
		return arena_copy(q->a, slice_str(text), out);
	case 'r':
		*out = q->ask->receiver.len ? q->ask->receiver : S("unknown");
		break;
	default:
		*out = arena_fmt(q->a, "%" PRId64, q->ask->unix_now);
	}
	return RC_OK;
}

/* RFC 3986 2.3: all but unreserved octets. */
static void add_escaped(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		bool plain = ((c | 32) >= 'a' && (c | 32) <= 'z') || is_digit(c) ||
			     (c && strchr("-._~", c));
		if (plain)
			buf_byte(out, c);
		else
			buf_fmt(out, "%%%02X", c);
	}
}

static size_t cut(struct slice value, struct slice delimiters, struct slice *parts)
{
	size_t n = 0, from = 0;
	for (size_t i = 0; i <= value.len && n < PARTS_MOST; i++) {
		if (i < value.len && slice_find(delimiters, value.at[i]) == delimiters.len)
			continue;
		parts[n++] = slice_tail(slice_head(value, i), from);
		from = i + 1;
	}
	return n;
}

static void add_value(const struct macro *m, struct slice value, struct buf *out)
{
	struct slice parts[PARTS_MOST];
	bool escape = m->letter >= 'A' && m->letter <= 'Z';
	size_t n = cut(value, m->delimiters.len ? m->delimiters : S("."), parts);
	size_t skip = m->keep && m->keep < n ? n - m->keep : 0;
	for (size_t i = skip; i < n; i++) {
		struct slice part = parts[m->reverse ? n - 1 - i : i];
		if (i > skip)
			buf_byte(out, '.');
		if (escape)
			add_escaped(part, out);
		else
			buf_add(out, part);
	}
}

static enum rc add_macro(struct spf *q, const struct macro *m, struct slice domain, struct buf *out)
{
	struct slice value;
	if (m->letter) {
		TRY(value_of(q, m->letter, domain, &value));
		add_value(m, value, out);
	} else if (m->literal == '-') {
		buf_str(out, "%20");
	} else {
		buf_byte(out, m->literal == '_' ? ' ' : m->literal);
	}
	return RC_OK;
}

enum rc spf_macro_expand(
	struct spf *q, struct slice spec, struct slice domain, bool is_exp, struct slice *out)
{
	struct buf b;
	buf_init(&b, 0, q->a);
	while (spec.len) {
		size_t n = slice_find(spec, '%');
		buf_add(&b, slice_head(spec, n));
		spec = slice_tail(spec, n);
		if (spec.len == 0)
			break;
		struct macro m;
		TRY(take_macro(&spec, is_exp, &m));
		TRY(add_macro(q, &m, domain, &b));
	}
	if (b.over)
		return RC_LIMIT;
	*out = buf_slice(&b);
	if (!is_exp && out->len && out->at[out->len - 1] == '.')
		out->len--;
	/* too long a name loses labels from its left (RFC 7208 7.3) */
	while (!is_exp && out->len > NAME_MOST && slice_find(*out, '.') < out->len)
		slice_split(out, '.');
	return RC_OK;
}
